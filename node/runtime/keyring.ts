// The keyring of a process: Ed25519 for signatures, and one MAC key for each pair of principals,
// agreed by X25519 and bound to the cluster and to both names, so that nobody hands out shared
// secrets and a key of one cluster is worth nothing in another.

import assert from "node:assert";
import { diffieHellman, hash } from "node:crypto";
import type { Keyring } from "../core/keyring.js";
import type { PrincipalId } from "../core/messages.js";
import { equalMacs, type HmacKey, hmac, hmacKey } from "./hmac.js";
import { type PublicKeys, publicKey, type SecretKeys, secretKey } from "./keys.js";
import { loadSignatureScheme, type SignatureScheme } from "./signatures.js";

export type KeyringOptions = {
  cluster: string;
  secret: SecretKeys;
  /** Everybody's public keys, our own among them. */
  principals: ReadonlyMap<PrincipalId, PublicKeys>;
  /** Default: the faster one that loads. */
  scheme?: SignatureScheme;
};

/** Pair keys and verifiers are made when a principal is first met. */
export function createKeyring(options: KeyringOptions): Keyring {
  const { cluster, secret, principals } = options;
  const scheme = options.scheme ?? loadSignatureScheme();
  const own = secret.principal;
  const exchangeSecret = secretKey("x25519", secret.exchangeSecret);
  const signer = scheme.signer(secret.signingSecret);
  const linkKeyOf = remembered((peer): HmacKey | undefined => {
    const keys = principals.get(peer);
    if (keys === undefined) return undefined;
    const shared = diffieHellman({
      privateKey: exchangeSecret,
      publicKey: publicKey("x25519", keys.exchangeKey),
    });
    const [low, high] = own < peer ? [own, peer] : [peer, own];
    const context = Buffer.from(`ordeal link ${cluster} ${low} ${high} `, "latin1");
    return hmacKey(Buffer.from(hash("sha256", Buffer.concat([context, shared]), "hex"), "hex"));
  });
  const verifierOf = remembered((principal) => {
    const keys = principals.get(principal);
    return keys === undefined ? undefined : scheme.verifier(keys.signingKey);
  });

  return {
    principal: own,
    sign: signer,
    verify: (principal, bytes, signature) => verifierOf(principal)?.(bytes, signature) ?? false,
    mac(peer, bytes) {
      const key = linkKeyOf(peer);
      assert(key !== undefined, `keyring of ${own}: no key for principal ${peer}`);
      return hmac(key, bytes);
    },
    verifyMac(peer, bytes, mac) {
      const key = linkKeyOf(peer);
      return key !== undefined && equalMacs(hmac(key, bytes), mac);
    },
  };
}

/** The principals outside the map are an attacker's choice, so their absence is not remembered. */
function remembered<T>(make: (principal: PrincipalId) => T | undefined) {
  const made = new Map<PrincipalId, T>();
  return (principal: PrincipalId): T | undefined => {
    const known = made.get(principal);
    if (known !== undefined) return known;
    const fresh = make(principal);
    if (fresh !== undefined) made.set(principal, fresh);
    return fresh;
  };
}
