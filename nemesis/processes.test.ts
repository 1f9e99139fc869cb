import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ResolvedFault } from "./faults.js";
import { composeProcesses, type ProcessState, processActions } from "./processes.js";

const test = suite("processes");
type Kind = "kill" | "pause" | "terminate" | "memory" | "freeze";
const fault = (id: string, kind: Kind, ...nodes: string[]): ResolvedFault => ({
  id,
  intent: { kind, target: { kind: "nodes", nodes } },
  nodes,
  links: [],
});

test("a kill beats a pause, whichever came first, and the causes are those of the state", () => {
  const kill = fault("f0", "kill", "r0");
  const pause = fault("f1", "pause", "r0", "r1");
  for (const faults of [
    [kill, pause],
    [pause, kill],
  ]) {
    const states = composeProcesses(faults);
    assert.equal(states.get("r0"), { state: "down", causes: ["f0"] });
    assert.equal(states.get("r1"), { state: "paused", causes: ["f1"] });
  }
});

test("two kills of one node need two cures", () => {
  const both = composeProcesses([fault("f0", "kill", "r0"), fault("f1", "kill", "r0")]);
  const one = composeProcesses([fault("f1", "kill", "r0")]);
  assert.equal(both.get("r0")?.causes, ["f0", "f1"]);
  assert.equal(processActions(both, one), []);
  assert.equal(processActions(one, composeProcesses([])), [{ node: "r0", action: "restart" }]);
});

test("curing the kill of a node that a pause holds restarts it and pauses it", () => {
  const pause = fault("f1", "pause", "r0");
  const before = composeProcesses([fault("f0", "kill", "r0"), pause]);
  assert.equal(processActions(before, composeProcesses([pause])), [
    { node: "r0", action: "restart" },
    { node: "r0", action: "pause" },
  ]);
  assert.equal(processActions(composeProcesses([pause]), before), [{ node: "r0", action: "kill" }]);
  assert.equal(processActions(before, composeProcesses([fault("f0", "kill", "r0")])), []);
});

test("whatever starts and stops, the actions lead to the composed state, and end all running", () => {
  const toggles = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 2 })), { maxLength: 30 });
  fc.assert(
    fc.property(toggles, (list) => {
      const machine = new Map<string, ProcessState>();
      const active = new Map<string, ResolvedFault>();
      let states = composeProcesses([]);
      const change = () => {
        const next = composeProcesses([...active.values()]);
        for (const { node, action } of processActions(states, next)) {
          machine.set(node, perform(machine.get(node) ?? "running", action));
        }
        states = next;
        for (const [node, state] of machine) {
          assert.is(state, states.get(node)?.state ?? "running");
        }
      };
      for (const [slot, node] of list) {
        const id = `f${slot}`;
        if (!active.delete(id)) {
          active.set(id, fault(id, slot % 2 === 0 ? "kill" : "pause", `r${node}`));
        }
        change();
      }
      active.clear();
      change();
      for (const state of machine.values()) assert.is(state, "running");
    }),
  );
});

/** A process that refuses what makes no sense. */
function perform(state: ProcessState, action: string): ProcessState {
  const allowed: Record<string, [ProcessState[], ProcessState]> = {
    kill: [["running", "paused"], "down"],
    restart: [["down"], "running"],
    pause: [["running"], "paused"],
    resume: [["paused"], "running"],
  };
  const [from, to] = allowed[action] ?? [[], state];
  assert.ok(from.includes(state), `${action} of a process that is ${state}`);
  return to;
}

test("however a process was ended or stopped, that is the state it is in", () => {
  const states = composeProcesses([
    fault("f0", "freeze", "r0", "r1"),
    fault("f1", "terminate", "r1"),
    fault("f2", "memory", "r2"),
  ]);
  assert.equal(
    [...states].map(([node, { state, causes }]) => [node, state, ...causes]),
    [
      ["r0", "paused", "f0"],
      ["r1", "down", "f1"],
      ["r2", "down", "f2"],
    ],
  );
});

test.run();
