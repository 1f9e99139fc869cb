// The skeleton's datagrams on 127.0.0.1: from 1 · message… · MAC 16. What comes in one turn of the event
// loop is handled together, and what that posts to one principal leaves in one datagram.

import { hash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { MAC_BYTES } from "../../node/core/keyring.js";
import { equalMacs, type HmacKey, hmac, hmacKey } from "../../node/runtime/hmac.js";
import { messagesIn } from "./wire.js";

const HOST = "127.0.0.1";
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

export type ChannelOptions = {
  self: number;
  /** Of each principal, by its number. */
  ports: readonly number[];
  /** From which every link's key is made. */
  seed: string;
  onMessage: (from: number, message: Buffer) => void;
  /** After all messages of a turn, before what was posted leaves. */
  onTurn?: () => void;
};

export type Channel = {
  post(to: number, message: Buffer): void;
  close(): void;
};

export async function openChannel(options: ChannelOptions): Promise<Channel> {
  const { self, ports, onMessage, onTurn } = options;
  const keys = ports.map((_, peer) => linkKey(options.seed, self, peer));
  let inbox: Buffer[] = [];
  let outbox = new Map<number, Buffer[]>();
  let scheduled = false;

  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  };
  const turn = () => {
    scheduled = false;
    const datagrams = inbox;
    inbox = [];
    for (const datagram of datagrams) receive(datagram);
    onTurn?.();
    const leaving = outbox;
    outbox = new Map();
    for (const [to, messages] of leaving) send(to, messages);
  };
  const receive = (datagram: Buffer) => {
    const from = datagram[0] ?? self;
    const key = keys[from];
    const end = datagram.length - MAC_BYTES;
    if (key === undefined || from === self || end < 1) return;
    if (!equalMacs(hmac(key, datagram.subarray(0, end)), datagram.subarray(end))) return;
    for (const message of messagesIn(datagram.subarray(1, end))) onMessage(from, message);
  };
  const send = (to: number, messages: readonly Buffer[]) => {
    const [key, port] = [keys[to], ports[to]];
    if (key === undefined || port === undefined) throw new Error(`skeleton: no principal ${to}`);
    const content = Buffer.concat([Buffer.of(self), ...messages]);
    socket.send([content, hmac(key, content)], port, HOST);
  };

  const socket = createSocket({
    type: "udp4",
    // The address is numeric: answering at once spares a turn of the event loop a datagram.
    lookup: (host, _options, callback) => callback(null, host, 4),
  });
  socket.on("message", (datagram) => {
    inbox.push(datagram);
    schedule();
  });
  const listening = once(socket, "listening");
  socket.bind(ports[self], HOST);
  await listening;
  socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
  socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
  return {
    post(to, message) {
      const queue = outbox.get(to);
      if (queue === undefined) outbox.set(to, [message]);
      else queue.push(message);
      schedule();
    },
    close: () => socket.close(),
  };
}

/** The same at both ends. */
function linkKey(seed: string, one: number, other: number): HmacKey {
  const ends = [Math.min(one, other), Math.max(one, other)].join(" ");
  return hmacKey(hash("sha256", `${seed} ${ends}`, "buffer"));
}
