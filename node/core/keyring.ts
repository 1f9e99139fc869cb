// What the core and the transport ask of cryptography. Implementations are interchangeable:
// libsodium or OpenSSL in processes, modelled keys in tests and the simulator.

import type { PrincipalId, Signature } from "./messages.js";

/** A MAC of a link: 16 bytes. */
export const MAC_BYTES = 16;
/** An Ed25519 signature: 64 bytes. */
export const SIGNATURE_BYTES = 64;

/** The keys of one principal. All methods are synchronous and never throw on a peer's bytes. */
export interface Keyring {
  readonly principal: PrincipalId;
  /** Signs with this principal's own key. */
  sign(bytes: Uint8Array): Signature;
  /** False where the principal is unknown or the signature does not check. */
  verify(principal: PrincipalId, bytes: Uint8Array, signature: Uint8Array): boolean;
  /** MAC under the key shared with `peer`; throws where `peer` is unknown. */
  mac(peer: PrincipalId, bytes: Uint8Array): Uint8Array;
  /** False where the peer is unknown or the MAC does not check. */
  verifyMac(peer: PrincipalId, bytes: Uint8Array, mac: Uint8Array): boolean;
}
