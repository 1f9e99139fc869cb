// The skeleton's signatures: on pre-prepares, prepares and commits, by their senders.

import { loadSignatureScheme } from "../../node/runtime/signatures.js";
import { type Sign, signatureOf, signedPartOf } from "./wire.js";

export type Signatures = {
  sign: Sign;
  /** Whether the message bears that replica's signature; true of all where nobody signs. */
  holds(from: number, message: Buffer): boolean;
};

/** `keys`: our secret one and everybody's public ones, in hexadecimal with commas between; empty: nobody signs. */
export function createSignatures(keys: string): Signatures {
  const [secret, ...publics] = keys === "" ? [] : keys.split(",");
  if (secret === undefined) return { sign: undefined, holds: () => true };
  const scheme = loadSignatureScheme();
  const verifiers = publics.map((key) => scheme.verifier(key));
  return {
    sign: scheme.signer(secret),
    holds: (from, message) =>
      verifiers[from]?.(signedPartOf(message), signatureOf(message)) === true,
  };
}
