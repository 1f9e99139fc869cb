// Histories sketched in a few words, for tests: one operation a line, with its window.
//   p0 0-3 write 1          invoked at 0, answered at 3
//   p1 1-2 read -> 1        the answer has a value of its own
//   p2 1-? cas [1 2]        nobody knows what became of it
//   p3 1-4 fail cas [1 2]   it was refused
// Values are EDN. Instants order events; at one instant invocations come first.

import { readForm } from "../formats/edn.js";
import type { HistoryOp } from "../history.js";
import { type Operation, pairOperations } from "../operations.js";

const LINE = /^p(\d+) (\d+)-(\d+|\?) (fail )?([\w-]+)(?: (?!->)(.+?))?(?: -> (.+))?$/;

export function sketched(text: string): Operation[] {
  return pairOperations(sketchedOps(text));
}

export function sketchedOps(text: string): HistoryOp[] {
  const events: Omit<HistoryOp, "index">[] = [];
  for (const line of text.trim().split("\n")) {
    const match = LINE.exec(line.trim());
    if (match === null) throw new Error(`not a sketch of an operation: ${line}`);
    const [, process, from, to, failed, f = "", asked = "nil", answered] = match;
    const op = { process: Number(process), f, value: readForm(asked, "sketch", 1) };
    events.push({ ...op, time: Number(from), type: "invoke" });
    if (to === "?") continue;
    const value = answered === undefined ? op.value : readForm(answered, "sketch", 1);
    events.push({ ...op, value, time: Number(to), type: failed === undefined ? "ok" : "fail" });
  }
  const rank = (type: string) => (type === "invoke" ? 0 : 1);
  events.sort((a, b) => a.time - b.time || rank(a.type) - rank(b.type));
  return events.map((event, index) => ({ ...event, index }));
}
