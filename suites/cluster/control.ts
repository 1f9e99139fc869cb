// Asking a replica through its control socket: a JSON line in, a JSON line out.

import { createConnection } from "node:net";
import type { CrashPoint, Lie } from "../../nemesis/faults.js";
import type { ReplicaStatus } from "../../node/core/step.js";
import { PATIENCE } from "./deadline.js";
import { type JsonObject, numberField, parseObject, readLines, stringField } from "./json-lines.js";

/** Longest path a Unix socket may have: sizeof(sun_path) - 1, unix(7). */
export const SOCKET_PATH_BYTES_MAX = 107;

export type ControlStatus = ReplicaStatus & {
  digest: string;
  rssBytes: number;
  /** Datagrams refused since its start, by reason; absent where it does not say. */
  refusals?: Readonly<Record<string, number>>;
};
export type ControlQuestion =
  | { op: "status" }
  | { op: "accounts"; ids?: readonly string[] }
  | { op: "crash-at"; point: CrashPoint; count: number }
  | { op: "lie"; seed: number; lies: readonly { lie: Lie; percent: number }[] };

/** The answer, or undefined where there is none in time: down, paused, or not yet listening. */
export function askControl(
  path: string,
  question: ControlQuestion,
  deadlineMs: number,
): Promise<JsonObject | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const end = (answer: JsonObject | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    // Not setTimeout of the socket: that one starts anew with every byte.
    const timer = setTimeout(() => end(undefined), PATIENCE * deadlineMs);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    socket.on("error", () => end(undefined));
    readLines(socket, (line) => end(parseObject(line)));
    socket.write(`${JSON.stringify(question)}\n`);
  });
}

/** The replica's status; undefined where it does not answer in time. Throws on a strange answer. */
export async function askStatus(
  path: string,
  deadlineMs: number,
): Promise<ControlStatus | undefined> {
  return statusOf(await askControl(path, { op: "status" }, deadlineMs));
}

/** What the answer says; undefined where there is none. Throws on a strange one. */
export function statusOf(answer: JsonObject | undefined): ControlStatus | undefined {
  return answer === undefined ? undefined : decodeStatus(answer);
}

function decodeStatus(object: JsonObject): ControlStatus {
  const number = (name: string) => numberField(object, name) ?? missing(name);
  const text = (name: string) => stringField(object, name) ?? missing(name);
  const flag = (name: string) => {
    const value = object[name];
    return typeof value === "boolean" ? value : missing(name);
  };
  return {
    replica: number("replica"),
    view: number("view"),
    viewActive: flag("viewActive"),
    executedSeq: number("executedSeq"),
    stableSeq: number("stableSeq"),
    stableDigest: text("stableDigest"),
    lowWatermark: number("lowWatermark"),
    highWatermark: number("highWatermark"),
    transferring: flag("transferring"),
    digest: text("digest"),
    rssBytes: number("rssBytes"),
    ...refusalsIn(object),
  };
}

const REFUSED = "datagram/";

function refusalsIn({ ignored }: JsonObject): Pick<ControlStatus, "refusals"> {
  if (typeof ignored !== "object" || ignored === null) return {};
  const counts = Object.entries(ignored).flatMap(([name, count]) =>
    name.startsWith(REFUSED) ? [[name.slice(REFUSED.length), Number(count)] as const] : [],
  );
  return { refusals: Object.fromEntries(counts) };
}

function missing(name: string): never {
  throw new Error(`control: the status has no ${name} of the right type`);
}
