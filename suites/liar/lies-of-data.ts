// Answers that lie, requests that nobody made, and bytes that are no message.

import type { Data, Message, Reply, Status } from "../../node/core/messages.js";
import { type Forge, remembered, type Said } from "./forge.js";

const MAC_BYTES = 16;
const SIGNATURE_BYTES = 64;

export function wrongData(forge: Forge, message: Data): Said {
  return [{ ...message, bytes: spoiled(forge, message.bytes) }];
}

/** A request in a client's name, newer than its last one; nobody's MAC or signature is on it. */
export function madeUpRequest(forge: Forge, status: Status): Said | undefined {
  const { n, random } = forge;
  const reply = remembered(forge, "reply");
  if (reply === undefined) return undefined;
  return [
    status,
    {
      kind: "request",
      client: reply.client,
      timestamp: reply.timestamp + 1 + random.int(3),
      operation: Uint8Array.of(5, 2, 0x61, 0x30), // the balance of a0
      authenticator: new Uint8Array(n * MAC_BYTES),
      signature: new Uint8Array(SIGNATURE_BYTES),
    },
  ];
}

export function wrongReply(forge: Forge, message: Reply): Said {
  const { n, random } = forge;
  const result = Uint8Array.from(message.result);
  const last = result.length - 1;
  result[last] = (result[last] ?? 0) ^ 1; // still a result, of another amount
  const wrong = { ...message, result };
  switch (random.int(4)) {
    case 0:
      return [wrong];
    case 1:
      return [wrong, wrong];
    case 2:
      return [{ ...message, seq: message.seq + 1 + random.int(3) }];
    default:
      return Array.from({ length: n }, (_, replica) => ({ ...wrong, replica }));
  }
}

export function garbage(
  forge: Forge,
  message: Message,
  encode: (message: Message) => Uint8Array,
): Said {
  const { random } = forge;
  const bytes = encode(message);
  if (random.chance(0.5)) return [message, bytes.slice(0, 1 + random.int(bytes.length))];
  return [message, Uint8Array.from({ length: 1 + random.int(100) }, () => random.int(256))];
}

function spoiled({ random }: Forge, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length > 0) copy[random.int(copy.length)] = random.int(256);
  return copy;
}
