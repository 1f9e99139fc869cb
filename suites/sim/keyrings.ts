// The keys of a simulation: modelled, or for a sample of seeds the real Ed25519 and HMAC keys of the
// build under test, made from the seed.

import { createRandom, type Random } from "../../nemesis/random.js";
import type { Keyring } from "../../node/core/keyring.js";
import { CLIENT_PRINCIPAL_MIN, type PrincipalId } from "../../node/core/messages.js";
import type { PublicKeys, SecretKeys } from "../../node/runtime/keys.js";
import { modelKeyring } from "./model-keyring.js";
import type { NodeBuild } from "./node-build.js";
import type { Scenario } from "./scenario.js";

const KEY_BYTES = 32;

/** Signatures that are known to hold; then all are forgotten. */
const REMEMBERED_MAX = 65_536;

export type Cluster = { cluster: string; replicas: number; clientProcesses: number };

/**
 * True signatures, for a third party to verify, and modelled MACs, which nobody shows to anybody. Each
 * signature is judged once: every replica holds a copy of the same votes.
 */
export function signingKeyrings(
  build: NodeBuild,
  seed: number,
  members: Cluster,
): { keyringOf: (principal: PrincipalId) => Keyring; principals: ReadonlyMap<number, PublicKeys> } {
  const { keyringOf, principals } = trueKeyrings(build, seed, members);
  const known = new Set<string>();
  const remember = (principal: PrincipalId, bytes: Uint8Array, signature: Uint8Array) => {
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.add(nameOf(principal, bytes, signature));
  };
  const made = new Map<PrincipalId, Keyring>();
  return {
    principals,
    keyringOf(principal) {
      const before = made.get(principal);
      if (before !== undefined) return before;
      const { sign, verify } = keyringOf(principal);
      const keyring: Keyring = {
        ...modelKeyring(seed, principal),
        sign(bytes) {
          const signature = sign(bytes);
          remember(principal, bytes, signature);
          return signature;
        },
        verify(signer, bytes, signature) {
          if (known.has(nameOf(signer, bytes, signature))) return true;
          const holds = verify(signer, bytes, signature);
          if (holds) remember(signer, bytes, signature);
          return holds;
        },
      };
      made.set(principal, keyring);
      return keyring;
    },
  };
}

function nameOf(principal: PrincipalId, bytes: Uint8Array, signature: Uint8Array): string {
  return `${principal} ${Buffer.concat([signature, bytes]).toString("latin1")}`;
}

/** The keyring of each principal; `cluster` is the cluster's id. */
export function keyrings(
  build: NodeBuild,
  { seed, signatures, replicas, clientProcesses }: Scenario,
  cluster: string,
): (principal: PrincipalId) => Keyring {
  if (signatures === "modelled") return (principal) => modelKeyring(seed, principal);
  return trueKeyrings(build, seed, { cluster, replicas, clientProcesses }).keyringOf;
}

function trueKeyrings(
  build: NodeBuild,
  seed: number,
  { cluster, replicas, clientProcesses }: Cluster,
): { keyringOf: (principal: PrincipalId) => Keyring; principals: ReadonlyMap<number, PublicKeys> } {
  const ids = [
    ...Array.from({ length: replicas }, (_, id) => id),
    ...Array.from({ length: clientProcesses }, (_, index) => CLIENT_PRINCIPAL_MIN + index),
  ];
  const random = createRandom(seed).fork("keys");
  const secrets = new Map(ids.map((id) => [id, secretKeys(id, random.fork(String(id)))]));
  const principals = new Map([...secrets].map(([id, secret]) => [id, build.publicKeysOf(secret)]));
  const keyringOf = (principal: PrincipalId) => {
    const secret = secrets.get(principal);
    if (secret === undefined) throw new RangeError(`no keys for principal ${principal}`);
    return build.createKeyring({ cluster, secret, principals });
  };
  return { keyringOf, principals };
}

function secretKeys(principal: PrincipalId, random: Random): SecretKeys {
  const key = () =>
    Buffer.from(Array.from({ length: KEY_BYTES }, () => random.int(256))).toString("hex");
  return { principal, signingSecret: key(), exchangeSecret: key() };
}
