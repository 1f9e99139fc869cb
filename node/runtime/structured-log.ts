// The structured log: one JSON object a line, for people and for the run store. A line says when (the
// wall clock, to read; the monotonic clock, to order), which replica, what happened.

import type { CoreEvent } from "../core/step.js";
import type { Counters } from "./counters.js";

export type LogLine = { event: string } & Record<string, unknown>;

export type StructuredLog = {
  write(line: LogLine): void;
  /** Writes what the core reports; what is ignored or executed is only counted. */
  onEvent(event: CoreEvent): void;
  /** Writes the counts since the last time, if there are any. */
  writeIgnored(): void;
};

export function createStructuredLog(
  replica: number,
  counters: Counters,
  output: (line: string) => void,
): StructuredLog {
  const write = (line: LogLine) => {
    const time = new Date().toISOString();
    const monotonicNs = process.hrtime.bigint().toString();
    output(`${JSON.stringify({ time, monotonicNs, replica, ...line })}\n`);
  };
  return {
    write,
    onEvent(event) {
      if (event.kind === "ignored") {
        counters.add(`${event.message}/${event.reason}`);
        return;
      }
      if (event.kind === "executed") return;
      const { kind, ...fields } = event;
      write({ event: kind, ...fields });
    },
    writeIgnored() {
      const counts = counters.takeFresh();
      if (counts !== undefined) write({ event: "ignored", counts });
    },
  };
}
