// Judges signatures, and remembers those that it found true: every replica holds a copy of the same votes, and
// each copy is judged. What is remembered is one principal's signature over one content, byte for byte.

import type { Keyring } from "../../node/core/keyring.js";
import type { PrincipalId, Signature } from "../../node/core/messages.js";
import { type Signable, signedBytes } from "../../node/core/wire.js";
import type { Audit } from "./audit.js";

/** Contents remembered; then all are forgotten. */
const REMEMBERED_MAX = 16_384;

/** Whether a signature is this principal's over a message of this cluster, as our own codec writes it. */
export function trueSignatures(cluster: string, keyring: Keyring): Audit["holds"] {
  const known = new Map<string, Signature>();
  return (principal, message, signature) => {
    const content = contentOf(principal, message);
    const before = content === undefined ? undefined : known.get(content);
    if (before !== undefined && Buffer.compare(before, signature) === 0) return true;
    if (!keyring.verify(principal, signedBytes(cluster, message), signature)) return false;
    if (content === undefined) return true;
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(content, Uint8Array.from(signature));
    return true;
  };
}

/** All that the signature covers, and whose it is to be; undefined for what has no short name. */
function contentOf(principal: PrincipalId, message: Signable): string | undefined {
  switch (message.kind) {
    case "pre-prepare":
      return `${principal} proposes ${message.view} ${message.seq} ${message.digest}`;
    case "prepare":
    case "commit":
      return `${principal} ${message.kind} ${message.replica} ${message.view} ${message.seq} ${message.digest}`;
    case "checkpoint":
      return `${principal} checkpoint ${message.replica} ${message.seq} ${message.digest}`;
    case "view-change":
    case "new-view":
      return undefined;
    default:
      return message satisfies never;
  }
}
