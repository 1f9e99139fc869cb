// Modelled keys: a signature or a MAC is a keyed hash, some hundred times cheaper than Ed25519. Nobody
// in the simulation can make one without the keyring of its owner, and a liar has only its own.

import { type Keyring, MAC_BYTES, SIGNATURE_BYTES } from "../../node/core/keyring.js";
import type { PrincipalId } from "../../node/core/messages.js";
import { type Lanes, mixBytes, mixNumber } from "./mix.js";

const SIGN = 1;
const MAC = 2;

/** `secret` differs from simulation to simulation: what was signed in one is worth nothing in others. */
export function modelKeyring(secret: number, principal: PrincipalId): Keyring {
  const signature = (signer: PrincipalId, bytes: Uint8Array) =>
    expanded(keyed(secret, SIGN, signer, 0, bytes), SIGNATURE_BYTES);
  const mac = (peer: PrincipalId, bytes: Uint8Array) => {
    const [low, high] = principal < peer ? [principal, peer] : [peer, principal];
    return expanded(keyed(secret, MAC, low, high, bytes), MAC_BYTES);
  };
  return {
    principal,
    sign: (bytes) => signature(principal, bytes),
    verify: (signer, bytes, found) => equal(signature(signer, bytes), found),
    mac,
    verifyMac: (peer, bytes, found) => equal(mac(peer, bytes), found),
  };
}

function keyed(secret: number, use: number, a: number, b: number, bytes: Uint8Array): Lanes {
  const lanes = { high: 0x510e527f, low: 0x1f83d9ab };
  mixNumber(lanes, secret);
  mixNumber(lanes, use * 2 ** 40 + a * 2 ** 20 + b);
  mixBytes(lanes, bytes);
  return lanes;
}

function expanded({ high, low }: Lanes, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 8) {
    for (let byte = 0; byte < 4; byte++) {
      bytes[at + byte] = high >>> (8 * byte);
      bytes[at + 4 + byte] = low >>> (8 * byte);
    }
  }
  return bytes;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
