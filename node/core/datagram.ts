// Messages in datagrams. Everything for one destination is coalesced up to `datagramBytesMax`; what
// is larger is cut into fragments named by the digest of the whole message, so that a resent message
// fills the gaps that the network left in its first copy, and mixed-up fragments are noticed.
// Every datagram carries the MAC of its link, over all of its bytes: a fragment is authenticated
// like anything else, and a liar can spoil nobody's messages but its own.
//
//   magic "OR" · version 1 · cluster 8 · from 2 · to 2 · epoch 4 · counter 4 · description 18
//   · frame… · MAC 16
//   frame: kind 1 · length 2 · body; fragment: digest 16 · total 4 · stride 2 · index 2 · bytes
// All integers are big endian. There is one way to write each datagram's content. The description
// (description.ts) tells what is inside to faults that choose among messages; where that is checked by
// what is inside it has to fit, so that a liar who describes wrongly is only not heard.

import assert from "node:assert";
import { createHash } from "node:crypto";
import { DESCRIPTION_BYTES, describe, isDescription, writeDescription } from "./description.js";
import {
  createReassembly,
  type Fragment,
  type Reassembly,
  type ReassemblyLimits,
  reassemble,
} from "./fragments.js";
import { type Keyring, MAC_BYTES } from "./keyring.js";
import type { PrincipalId } from "./messages.js";
import { createReplayWindow, type ReplayWindow, refusesReplay } from "./replay-window.js";

/** Where the description stands. */
const DESCRIPTION_AT = 23;
/** Bytes before the first frame. */
export const HEADER_BYTES = DESCRIPTION_AT + DESCRIPTION_BYTES;
/** Bytes of a frame before its body. */
const FRAME_HEADER_BYTES = 3;
/** Bytes of a fragment before its share of the message. */
const FRAGMENT_HEADER_BYTES = 24;
/** What UDP over IPv4 can carry. */
export const DATAGRAM_BYTES_LARGEST = 65_507;
/** Room for the header, the MAC and a useful fragment. */
export const DATAGRAM_BYTES_SMALLEST = 512;
/** The largest message that is sent or reassembled: 16 MiB. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Smaller pieces are refused, so that bookkeeping stays small beside what is kept. */
const STRIDE_BYTES_MIN = 256;

const GOLDEN = (Math.sqrt(5) - 1) / 2;

const MAGIC = 0x4f52;
const VERSION = 2;
const WHOLE = 0;
const FRAGMENT = 1;

export type LinkOptions = {
  /** Cluster id: 16 hexadecimal characters. */
  cluster: string;
  keyring: Keyring;
  /** Of every datagram sent; one received may be larger. */
  datagramBytesMax: number;
  /** Messages that share a datagram; absent: as many as fit. */
  datagramMessagesMax?: number;
  /** Absent: room for the largest message. */
  reassemblyLimits?: ReassemblyLimits;
  /** Differs from process to process of one principal (wall clock or random); 32 bits. */
  epoch: number;
};

/** Both ends of all links of one principal. Mutated by `pack` and `unpack`. */
export type Links = {
  readonly cluster: Uint8Array;
  readonly keyring: Keyring;
  readonly datagramBytesMax: number;
  readonly datagramMessagesMax: number;
  epoch: number;
  counter: number;
  readonly windows: Map<PrincipalId, ReplayWindow>;
  /** Messages sent in fragments, by destination. */
  readonly turns: Map<PrincipalId, number>;
  readonly reassembly: Reassembly;
};

export type DatagramRefusal =
  | "too-short"
  | "not-a-datagram"
  | "other-version"
  | "other-cluster"
  | "other-recipient"
  | "forged"
  | "replayed"
  | "misdescribed"
  | "malformed-frame"
  | "malformed-fragment"
  | "oversized-message"
  | "mixed-fragments";

/** `refusal` may come with messages: the frames before a bad one count. */
export type Unpacked = {
  /** Authenticated; absent where the datagram as a whole was refused before that. */
  from?: PrincipalId;
  messages: readonly Uint8Array[];
  refusal?: DatagramRefusal;
};

export function createLinks(options: LinkOptions): Links {
  assert(/^[0-9a-f]{16}$/.test(options.cluster), "cluster id: want 16 hexadecimal characters");
  assert(options.datagramBytesMax >= DATAGRAM_BYTES_SMALLEST, "datagramBytesMax is too small");
  assert(options.datagramBytesMax <= DATAGRAM_BYTES_LARGEST, "datagramBytesMax is too large");
  return {
    cluster: Buffer.from(options.cluster, "hex"),
    keyring: options.keyring,
    datagramBytesMax: options.datagramBytesMax,
    datagramMessagesMax: options.datagramMessagesMax ?? Number.POSITIVE_INFINITY,
    epoch: options.epoch >>> 0,
    counter: 0,
    windows: new Map(),
    turns: new Map(),
    reassembly: createReassembly(options.reassemblyLimits),
  };
}

/**
 * The datagrams that carry these messages to one principal, in order. Throws where a message is
 * larger than MESSAGE_BYTES_MAX or the principal is unknown: both are our own mistakes.
 */
export function pack(links: Links, to: PrincipalId, messages: readonly Uint8Array[]): Uint8Array[] {
  const frames = messages.flatMap((message) => {
    const cut = framesOf(message, links.datagramBytesMax);
    return cut.length === 1 ? cut : turned(cut, nextTurn(links, to));
  });
  const room = links.datagramBytesMax - HEADER_BYTES - MAC_BYTES;
  const datagrams: Uint8Array[] = [];
  let start = 0;
  let bytes = 0;
  frames.forEach((frame, index) => {
    const frameBytes = frameLength(frame);
    const full = bytes + frameBytes > room || index - start >= links.datagramMessagesMax;
    if (bytes > 0 && full) {
      datagrams.push(sealed(links, to, frames.slice(start, index), bytes));
      start = index;
      bytes = 0;
    }
    bytes += frameBytes;
  });
  if (bytes > 0) datagrams.push(sealed(links, to, frames.slice(start), bytes));
  return datagrams;
}

/**
 * What a datagram brings: the messages it completes, or why it was refused. Anybody may have sent
 * it, with any bytes. The messages may share memory with the datagram.
 */
export function unpack(links: Links, datagram: Uint8Array): Unpacked {
  const refusal = refusalOf(links, datagram);
  if (refusal !== undefined) return { messages: [], refusal };

  const view = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const from = view.readUInt16BE(11);
  const content = view.subarray(0, view.length - MAC_BYTES);
  if (!links.keyring.verifyMac(from, content, view.subarray(content.length))) {
    return { messages: [], refusal: "forged" };
  }
  if (refusesReplay(windowOf(links, from), view.readUInt32BE(15), view.readUInt32BE(19))) {
    return { from, messages: [], refusal: "replayed" };
  }
  return { from, ...messagesIn(links, from, content) };
}

/** The cheap checks, before any hash is computed. */
function refusalOf(links: Links, datagram: Uint8Array): DatagramRefusal | undefined {
  if (datagram.length < HEADER_BYTES + FRAME_HEADER_BYTES + MAC_BYTES) return "too-short";
  if (datagram[0] !== MAGIC >> 8 || datagram[1] !== (MAGIC & 0xff)) return "not-a-datagram";
  if (datagram[2] !== VERSION) return "other-version";
  for (let index = 0; index < 8; index++) {
    if (datagram[3 + index] !== links.cluster[index]) return "other-cluster";
  }
  const to = ((datagram[13] ?? 0) << 8) | (datagram[14] ?? 0);
  return to === links.keyring.principal ? undefined : "other-recipient";
}

function messagesIn(
  links: Links,
  from: PrincipalId,
  content: Buffer,
): { messages: Uint8Array[]; refusal?: DatagramRefusal } {
  const messages: Uint8Array[] = [];
  let offset = HEADER_BYTES;
  let hasFragment = false;
  while (offset < content.length) {
    if (offset + FRAME_HEADER_BYTES > content.length) {
      return { messages, refusal: "malformed-frame" };
    }
    const kind = content[offset];
    const bodyStart = offset + FRAME_HEADER_BYTES;
    const bodyEnd = bodyStart + content.readUInt16BE(offset + 1);
    if (bodyEnd > content.length || bodyEnd === bodyStart) {
      return { messages, refusal: "malformed-frame" };
    }
    const body = content.subarray(bodyStart, bodyEnd);
    offset = bodyEnd;
    if (kind === WHOLE) {
      messages.push(body);
      continue;
    }
    if (kind !== FRAGMENT) return { messages, refusal: "malformed-frame" };
    hasFragment = true;
    const fragment = fragmentIn(body);
    if (typeof fragment === "string") return { messages, refusal: fragment };
    const message = reassemble(links.reassembly, from, fragment);
    if (message === "mixed-fragments") return { messages, refusal: message };
    if (message !== "incomplete") messages.push(message);
  }
  // What a fragment belongs to is not known before the last one is here: its sender is believed.
  if (!hasFragment && !isDescription(content, DESCRIPTION_AT, describe(messages))) {
    return { messages: [], refusal: "misdescribed" };
  }
  return { messages };
}

function fragmentIn(body: Buffer): Fragment | "malformed-fragment" | "oversized-message" {
  if (body.length <= FRAGMENT_HEADER_BYTES) return "malformed-fragment";
  const total = body.readUInt32BE(16);
  const stride = body.readUInt16BE(20);
  const index = body.readUInt16BE(22);
  const bytes = body.subarray(FRAGMENT_HEADER_BYTES);
  if (total > MESSAGE_BYTES_MAX) return "oversized-message";
  if (stride < STRIDE_BYTES_MIN || total <= stride) return "malformed-fragment";
  if (bytes.length !== Math.min(stride, total - index * stride)) return "malformed-fragment";
  return { digest: body.toString("latin1", 0, 16), total, stride, index, bytes };
}

/** A message whole, or cut; a frame is its parts in order, without the frame's header. */
type Frame = {
  kind: typeof WHOLE | typeof FRAGMENT;
  parts: readonly Uint8Array[];
  /** All of it. */
  message: Uint8Array;
};

function framesOf(message: Uint8Array, datagramBytesMax: number): Frame[] {
  assert(message.length > 0, "pack: an empty message");
  assert(message.length <= MESSAGE_BYTES_MAX, `pack: a message of ${message.length} bytes`);
  const room = datagramBytesMax - HEADER_BYTES - MAC_BYTES - FRAME_HEADER_BYTES;
  if (message.length <= room) return [{ kind: WHOLE, parts: [message], message }];

  const stride = room - FRAGMENT_HEADER_BYTES;
  const digest = createHash("sha256").update(message).digest().subarray(0, 16);
  return Array.from({ length: Math.ceil(message.length / stride) }, (_, index) => {
    const header = Buffer.allocUnsafe(FRAGMENT_HEADER_BYTES);
    digest.copy(header, 0);
    header.writeUInt32BE(message.length, 16);
    header.writeUInt16BE(stride, 20);
    header.writeUInt16BE(index, 22);
    const share = message.subarray(index * stride, (index + 1) * stride);
    return { kind: FRAGMENT, parts: [header, share], message };
  });
}

function nextTurn(links: Links, to: PrincipalId): number {
  const turn = links.turns.get(to) ?? 0;
  links.turns.set(to, turn + 1);
  return turn;
}

/**
 * The fragments from another one on each time: where a link has room for the first few of a burst only,
 * a message that is sent again would else never get its last ones through. Multiples of the golden ratio
 * spread the beginnings evenly, however many fragments get through.
 */
function turned(fragments: readonly Frame[], turn: number): Frame[] {
  const start = Math.floor(((turn * GOLDEN) % 1) * fragments.length);
  return [...fragments.slice(start), ...fragments.slice(0, start)];
}

function frameLength(frame: Frame): number {
  return frame.parts.reduce((bytes, part) => bytes + part.length, FRAME_HEADER_BYTES);
}

function sealed(
  links: Links,
  to: PrincipalId,
  frames: readonly Frame[],
  frameBytes: number,
): Uint8Array {
  const datagram = Buffer.allocUnsafe(HEADER_BYTES + frameBytes + MAC_BYTES);
  datagram.writeUInt16BE(MAGIC, 0);
  datagram[2] = VERSION;
  datagram.set(links.cluster, 3);
  datagram.writeUInt16BE(links.keyring.principal, 11);
  datagram.writeUInt16BE(to, 13);
  datagram.writeUInt32BE(links.epoch, 15);
  datagram.writeUInt32BE(links.counter, 19);
  links.counter = (links.counter + 1) >>> 0;
  // Counters never repeat within an epoch, or the peer would take new datagrams for old ones.
  if (links.counter === 0) links.epoch = (links.epoch + 1) >>> 0;
  const said = describe(frames.map(({ message }) => message));
  writeDescription(datagram, DESCRIPTION_AT, said);
  let offset = HEADER_BYTES;
  for (const frame of frames) {
    datagram[offset] = frame.kind;
    datagram.writeUInt16BE(frameLength(frame) - FRAME_HEADER_BYTES, offset + 1);
    offset += FRAME_HEADER_BYTES;
    for (const part of frame.parts) {
      datagram.set(part, offset);
      offset += part.length;
    }
  }
  datagram.set(links.keyring.mac(to, datagram.subarray(0, offset)), offset);
  return datagram;
}

function windowOf(links: Links, from: PrincipalId): ReplayWindow {
  const known = links.windows.get(from);
  if (known !== undefined) return known;
  // Only authenticated principals come here, so the map is bounded by the cluster file.
  const window = createReplayWindow();
  links.windows.set(from, window);
  return window;
}
