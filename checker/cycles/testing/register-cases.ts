// Histories of registers for each anomaly: all that must be found in them, and near misses in which
// nothing may be found.

import type { RegisterAssumptions } from "../register-versions.js";
import type { Case } from "./list-cases.js";

export type RegisterCase = Case & { assumptions: RegisterAssumptions };

function shows(
  names: string,
  assumptions: RegisterAssumptions,
  ...histories: readonly string[]
): RegisterCase[] {
  return histories.map((history, index) => ({
    claim: `${names}, ${index + 1}`,
    history,
    shows: names.split(" "),
    assumptions,
    misses: [],
  }));
}

function passes(
  names: string,
  claim: string,
  assumptions: RegisterAssumptions,
  history: string,
): RegisterCase {
  const misses = names.split(" ");
  return { claim: `near miss: ${claim}`, history, shows: [], misses, assumptions };
}

const WFR = { wfrKeys: true };
const SEQUENTIAL = { sequentialKeys: true };
const LINEARIZABLE = { linearizableKeys: true };

export const REGISTER_CASES: readonly RegisterCase[] = [
  // Two writers of both registers; each register is seen to go the other way.
  ...shows(
    "G0 G-single",
    SEQUENTIAL,
    "x:=1 y:=1\n x:=2 y:=2\n p0 0-1: x=1\n p0 2-3: x=2\n p1 0-1: y=2\n p1 2-3: y=1",
    "x:=1 y:=1\n x:=2 y:=2\n p0 0-1: x=1\n p0 2-3: a=nil\n p0 4-5: x=2\n p1 0-1: y=2\n p1 2-3: y=1",
    "x:=1 y:=1 a:=1\n x:=2 y:=2\n p0 0-1: x=1\n p0 2-3: x=2\n p1 0-1: y=2\n p1 2-3: y=1",
  ),
  passes(
    "G0 G-single",
    "each register is seen to go the same way",
    SEQUENTIAL,
    "x:=1 y:=1\n x:=2 y:=2\n p0 0-1: x=1\n p0 2-3: x=2\n p1 0-1: y=1\n p1 2-3: y=2",
  ),
  ...shows(
    "G1c",
    {},
    "x:=1 y=2\n y:=2 x=1",
    "x:=1 y=2\n y:=2 z=3\n z:=3 x=1",
    "x:=1 a:=1 y=2\n y:=2 b:=1 a=1",
  ),
  passes(
    "G1c",
    "each reads the other's register before it is written",
    {},
    "x:=1 y=nil\n y:=2 x=1",
  ),
  ...shows(
    "G-single",
    {},
    "x:=1 y:=1\n x=1 y=nil",
    "x:=1\n x=1 z:=1\n z=1 x=nil",
    "x:=1 y:=1\n y=1 z:=1\n x=nil z=1",
  ),
  passes("G-single", "a reader of neither", {}, "x:=1 y:=1\n x=nil y=nil"),
  ...shows(
    "G-single",
    WFR,
    "x:=1 y:=1\n x=1 x:=2 y:=2\n x=1 y=2",
    "x:=1\n x=1 x:=2\n x=2 z:=1\n z=1 x=1",
    "x=1 x:=2 y:=1\n y=1 x=1\n x:=1",
  ),
  passes("G-single", "a reader that saw both new versions", WFR, "x:=1\n x=1 x:=2 y:=2\n x=2 y=2"),
  passes("G-single", "the same without the assumption", {}, "x:=1 y:=1\n x=1 x:=2 y:=2\n x=1 y=2"),
  ...shows(
    "lost-update G2-item",
    {},
    "x=nil x:=1\n x=nil x:=2",
    "x=nil y=nil x:=1\n x=nil z=nil x:=2",
    "x=nil x:=3\n x=nil x:=4\n x=3",
  ),
  ...shows("lost-update", {}, "x:=1\n x=1 x:=2\n x=1 x:=3"),
  passes("lost-update", "one update upon the other", WFR, "x:=1\n x=1 x:=2\n x=2 x:=3"),
  ...shows(
    "G-nonadjacent",
    {},
    "x:=1\n y:=1\n x=1 y=nil\n x=nil y=1",
    "x:=1\n y:=1\n z:=1\n x=1 y=nil\n y=1 z=nil\n z=1 x=nil",
    "x:=1 a:=1\n y:=1\n a=1 y=nil\n x=nil y=1",
  ),
  ...shows(
    "G2-item",
    {},
    "x=nil y:=1\n y=nil x:=1",
    "x=nil y:=1\n y=nil z:=1\n z=nil x:=1",
    "x=nil y:=1 a:=1\n y=nil b:=1 x:=1",
  ),
  passes("G2-item", "one of the two saw the other", {}, "x=nil y:=1\n y=1 x:=1"),
  ...shows(
    "G-single-process",
    {},
    "p0 0-1: x:=1\n p0 2-3: x=nil",
    "p0 0-1: x=1\n p0 2-3: x=nil\n x:=1",
    "p0 0-1: x:=1\n p0 2-3: y=nil\n p0 4-5: x=nil",
  ),
  ...shows(
    "G-single-realtime",
    {},
    "p0 0-1: x:=1\n p1 2-3: x=nil",
    "p0 0-1: x=1\n p1 2-3: x=nil\n x:=1",
    "p0 0-1: y:=1\n p1 2-3: y=1 z:=1\n p2 4-5: y=nil z=nil",
  ),
  passes(
    "G-single-realtime",
    "a read while the write is under way",
    {},
    "p0 0-3: x:=1\n p1 2-5: x=nil",
  ),
  ...shows(
    "G-single",
    LINEARIZABLE,
    "p0 0-1: x:=1\n p1 2-3: x:=2 y:=1\n p2 0-9: y=1 x=1",
    "p0 0-1: x:=1\n p1 2-3: x:=2\n p2 0-9: x=2 z:=1\n p3 0-9: z=1 x=1",
    "p0 0-1: x:=1\n p1 2-3: x:=2 y:=1\n p2 0-9: x=2 z:=1\n p3 0-9: z=1 x=1",
  ),
  passes(
    "G-single",
    "writes that overlap have no order",
    LINEARIZABLE,
    "p0 0-3: x:=1\n p1 2-5: x:=2 y:=1\n p2 0-9: y=1 x=1",
  ),
  ...shows(
    "cyclic-versions",
    LINEARIZABLE,
    "p0 0-1: x:=1\n p1 0-1: x:=2\n p2 2-3: x=1\n p3 4-5: x=2\n p4 6-7: x=1",
    "p0 0-1: x:=1\n p1 0-1: x:=2\n p2 2-9: x=2\n p3 10-11: x=1\n p4 12-13: x=2",
    "p0 0-1: x:=1\n p1 2-3: x:=2\n p2 4-5: x=1\n p3 6-7: x=2",
  ),
  ...shows(
    "cyclic-versions",
    SEQUENTIAL,
    "x:=1\n x:=2\n p0 2-3: x=1\n p0 4-5: x=2\n p1 2-3: x=2\n p1 4-5: x=1",
    "x:=1\n x:=2\n p0 2-3: x=1 a=nil\n p0 4-5: x=2\n p1 2-3: x=2\n p1 4-5: x=1",
    "x:=1\n x:=2\n p0 2-3: x=2\n p0 4-5: x=1\n p0 6-7: x=2",
  ),
  passes(
    "cyclic-versions",
    "processes that see the same order",
    SEQUENTIAL,
    "x:=1\n x:=2\n p0 2-3: x=1\n p0 4-5: x=2\n p1 2-3: x=1\n p1 4-5: x=2",
  ),
  ...shows("internal", {}, "x:=1 x=nil y=nil", "x=nil x:=1 x=nil", "x:=1 x:=2 x=1"),
  passes("internal", "its own write", {}, "x=nil x:=1 x=1 x:=2 x=2"),
  ...shows("future-read", {}, "x=1 x:=1", "y=nil x=1 x:=1 y:=2", "x=2 x:=1 x:=2"),
  ...shows("G1a", {}, "fail: x:=1\n x=1", "fail: x:=1 y:=1\n y=1", "x:=2\n fail: x:=1\n x=2\n x=1"),
  passes("G1a", "what may have failed, but was seen", {}, "info: x:=1\n x=1"),
  ...shows("G1b", {}, "x:=1 x:=2\n x=1", "x:=1 y:=1 x:=2\n x=1 y=1", "x:=1 x:=2 x:=3\n x=2"),
  passes("G1b", "the last of its writes", {}, "x:=1 x:=2\n x=2"),
  ...shows("garbage-read", {}, "x=7\n x=nil", "x:=1\n x=nil\n x=7", "x=7\n x=8"),
  passes("garbage-read", "a register that began with something", {}, "x=7\n x=7\n x=1\n x:=1"),
];
