// What a person sees while a run goes on: on a terminal one line that is rewritten, elsewhere a plain
// line every two seconds.

import { describeFault } from "../nemesis/describe.js";
import type { FaultDriver } from "./fault-driver.js";
import type { HistoryRecorder } from "./history-recorder.js";

export type Output = {
  /** A line that stays. */
  line(text: string): void;
  /** A line that the next one replaces; false where the output is no terminal. */
  transient(text: string): boolean;
};

/** Writes to stdout; a standing line first clears the transient one. */
export function terminalOutput(stream: NodeJS.WriteStream): Output {
  let dirty = false;
  return {
    line(text) {
      stream.write(`${dirty ? "\r\u001b[K" : ""}${text}\n`);
      dirty = false;
    },
    transient(text) {
      if (!stream.isTTY) return false;
      const width = (stream.columns || 80) - 1;
      stream.write(`\r\u001b[K${text.slice(0, width)}`);
      dirty = true;
      return true;
    },
  };
}

const REDRAW_MS = 200;
const PLAIN_LINE_MS = 2_000;

/** Shows progress until the returned function is called. `view` is asked at each line. */
export function showProgress(
  output: Output,
  recorder: HistoryRecorder,
  driver: FaultDriver,
  state: () => { phase: string; seconds: number; view: number | undefined },
): () => void {
  let plainAt = performance.now() + PLAIN_LINE_MS;
  const timer = setInterval(() => {
    const text = progressLine(recorder, driver, state());
    if (output.transient(text) || performance.now() < plainAt) return;
    plainAt += PLAIN_LINE_MS;
    output.line(text);
  }, REDRAW_MS);
  return () => clearInterval(timer);
}

function progressLine(
  { counts }: HistoryRecorder,
  driver: FaultDriver,
  { phase, seconds, view }: { phase: string; seconds: number; view: number | undefined },
): string {
  const faults = driver.active.map(describeFault).join("; ") || "none";
  const done = counts.ok + counts.fail + counts.info;
  return (
    `${seconds.toFixed(1).padStart(6)} s  ${phase}  ${done} operations ` +
    `(${counts.fail} refused, ${counts.info} unknown)  view ${view ?? "?"}  faults: ${faults}`
  );
}
