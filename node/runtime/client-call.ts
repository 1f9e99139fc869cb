// What a client process is asked and what it answers, one JSON line each.

import { CLIENT_PRINCIPAL_MIN, SESSIONS_PER_PRINCIPAL } from "../core/messages.js";
import { Fields } from "./fields.js";
import { messageOf, OrdealError } from "./ordeal-error.js";

/** One line of its stdin. */
export type ClientCall = {
  id: number;
  /** Session index within the process, 0..65535. A session does one call at a time. */
  session: number;
  f: string;
  value: unknown;
  /** After this the call ends as info: the request may still be executed. */
  timeoutMs: number;
  /** Replica to ask first; absent: the presumed primary. */
  first?: number;
};

/** One line of its stdout. */
export type ClientAnswer = {
  id: number;
  type: "ok" | "fail" | "info";
  value: unknown;
  /** A refusal of the ledger; or "timeout", "closed", "session-busy", "malformed call: …". */
  error?: string;
  seq?: number;
  client: number;
  timestamp?: number;
  /** CLOCK_MONOTONIC of this machine, ns, as decimal text: when it was sent, when it ended. */
  startedNs: string;
  endedNs: string;
  /** View that the replies named. */
  view?: number;
};

/** No answer takes longer to come: a day. */
const TIMEOUT_MS_MAX = 86_400_000;

/** The call on this line, or the answer that says what is wrong with it; the id is -1 if unknown. */
export function parseCall(line: string): ClientCall | ClientAnswer {
  let id = -1;
  try {
    const json: unknown = JSON.parse(line);
    const fields = new Fields(json, "", (message) => new OrdealError("usage", message));
    id = fields.integer("id", 0, Number.MAX_SAFE_INTEGER);
    const call: ClientCall = {
      id,
      session: fields.integer("session", 0, SESSIONS_PER_PRINCIPAL - 1),
      f: fields.matching("f", /^[\w-]{1,32}$/, "the name of an operation"),
      value: fields.any("value"),
      timeoutMs: fields.integer("timeoutMs", 1, TIMEOUT_MS_MAX),
    };
    if (fields.names().includes("first")) {
      call.first = fields.integer("first", 0, CLIENT_PRINCIPAL_MIN - 1);
    }
    fields.nothingElse();
    return call;
  } catch (error) {
    // Nothing was sent, so "fail" is the truth.
    return refusedCall({ id, value: null }, 0, `malformed call: ${messageOf(error)}`);
  }
}

/** The answer to a call that was never sent. */
export function refusedCall(
  call: Pick<ClientCall, "id" | "value">,
  client: number,
  error: string,
): ClientAnswer {
  const now = monotonicNs();
  const { id, value } = call;
  return { id, type: "fail", value, error, client, startedNs: now, endedNs: now };
}

export function monotonicNs(): string {
  return process.hrtime.bigint().toString();
}
