// Test rig: a process that sends numbered datagrams and notes those it receives. It is driven over stdio,
// a JSON line a command and a JSON line an answer, and run inside a node's namespace by lab.ts.

import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

export type PeerCommand =
  | { op: "send"; to: string; count: number; bytes: number; intervalMs: number }
  | { op: "take" };

/**
 * One datagram: its number, and CLOCK_MONOTONIC in ms when it was sent and when it came. Changed: its bytes
 * are not those that were sent, so its number may be wrong.
 */
export type Arrival = {
  from: string;
  seq: number;
  sentMs: number;
  arrivedMs: number;
  changed: boolean;
};

export const PEER_PORT = 7_000;

const HEADER_BYTES = 16; // seq (uint32), sentMs (double), sum of all other bytes (uint32)
const SUM_AT = 12;

const socket = createSocket("udp4");
let arrivals: Arrival[] = [];

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

function answer(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function send(command: PeerCommand & { op: "send" }): void {
  const started = nowMs();
  let seq = 0;
  const tick = (): void => {
    // Behind the clock, several go out at once: the pace holds on a busy machine.
    while (seq < command.count && nowMs() - started >= seq * command.intervalMs) {
      const datagram = Buffer.alloc(Math.max(HEADER_BYTES, command.bytes));
      datagram.writeUInt32LE(seq++, 0);
      datagram.writeDoubleLE(nowMs(), 4);
      datagram.writeUInt32LE(sumOf(datagram), SUM_AT);
      socket.send(datagram, PEER_PORT, command.to);
    }
    if (seq < command.count) setTimeout(tick, 1);
    else answer({ sent: seq });
  };
  tick();
}

/** Any one bit that is flipped changes it, or what it is compared with. */
function sumOf(datagram: Buffer): number {
  let sum = datagram.length;
  for (const byte of datagram.subarray(0, SUM_AT)) sum += byte;
  for (const byte of datagram.subarray(HEADER_BYTES)) sum += byte;
  return sum;
}

function perform(command: PeerCommand): void {
  if (command.op === "send") {
    send(command);
  } else {
    answer(arrivals);
    arrivals = [];
  }
}

socket.on("message", (datagram, { address }) => {
  arrivals.push({
    from: address,
    seq: datagram.readUInt32LE(0),
    sentMs: datagram.readDoubleLE(4),
    arrivedMs: nowMs(),
    changed: datagram.readUInt32LE(SUM_AT) !== sumOf(datagram),
  });
});
socket.bind(PEER_PORT, () => {
  socket.setRecvBufferSize(1 << 20);
  answer({ ready: true });
});
createInterface({ input: process.stdin })
  .on("line", (line) => perform(JSON.parse(line)))
  .on("close", () => process.exit(0));
