// What is done to processes: a busy one is stopped, held to a share of a processor, or given another clock,
// and says itself what it noticed. A busy machine takes time from it, too, so the median of some attempts
// counts, and a share of a processor is asked so small that other load leaves it as much.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { findCgroupPlaces } from "../../nemesis/host/cgroup.js";
import { faketimeLeftovers, faketimeVariables, findFaketime } from "../../nemesis/host/faketime.js";
import { handleOf, pause, resume } from "../../nemesis/host/process.js";
import {
  type BentClock,
  bendClock,
  type ClockTerm,
  startRhythm,
} from "../../nemesis/host/rhythm.js";
import { localShell } from "../../nemesis/host/shell.js";
import { cpuHand } from "../../suites/cluster/cpu-hand.js";
import { OWN_BUILD } from "../../suites/cluster/layout.js";
import { localMachine } from "../../suites/cluster/local-machine.js";
import type { NodeHand, NodeHost } from "../../suites/cluster/node-hand.js";
import { around, type FaultRow, type FaultSection, type SkippedRow } from "./row.js";

type Rows = AsyncIterable<FaultRow | SkippedRow>;

const PAUSE_MS = 500;
const ATTEMPTS_MAX = 5;
const FACTOR = 20;
const HELD_MS = 3_000;
const JUMP_MS = 60_000;
const RATE = 3;

export function processFaults(): FaultSection {
  return {
    name: "processes",
    async *measure() {
      const folder = mkdtempSync(join(tmpdir(), "ordeal-process-bench-"));
      try {
        yield* pauses();
        yield* shares(folder);
        yield* clocks(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** What the busy process says when it is asked. */
type Reading = {
  /** Processor time so far. */
  cpuMs: number;
  /** The longest time between two turns of its loop since it was asked last. */
  gapMs: number;
  /** Its wall clock, and the clock that only counts up. */
  wallMs: number;
  steadyMs: number;
};

const BUSY = `
  let [last, gapMs] = [performance.now(), 0];
  process.stdin.on("data", () => {
    const { user, system } = process.cpuUsage();
    const said = { cpuMs: (user + system) / 1e3, gapMs, wallMs: Date.now(), steadyMs: performance.now() };
    process.stdout.write(JSON.stringify(said) + "\\n");
    gapMs = 0;
  }).on("end", () => process.exit());
  (function turn() {
    const now = performance.now();
    gapMs = Math.max(gapMs, now - last);
    last = now;
    setImmediate(turn);
  })();`;

class BusyProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;

  constructor(variables: Readonly<Record<string, string>> = {}) {
    const env = { ...process.env, ...variables };
    this.#child = spawn(process.execPath, ["-e", BUSY], { env });
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  ask(): Promise<Reading> {
    const answer = new Promise<string>((resolve) => this.#lines.once("line", resolve));
    this.#child.stdin.write("?");
    return answer.then((line) => JSON.parse(line));
  }

  /** Also removes what libfaketime leaves of a process that is killed. */
  async end(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
    for (const path of faketimeLeftovers(this.pid)) rmSync(path, { force: true });
  }
}

async function* pauses(): Rows {
  const busy = new BusyProcess();
  const process = handleOf(busy.pid);
  if (process === undefined) throw new Error("the busy process is gone");
  // The gap beyond what was asked: sleeping takes its own time.
  const beyondMs = await median(async () => {
    await busy.ask();
    await pause(process);
    const stoppedMs = performance.now();
    await sleep(PAUSE_MS);
    const askedMs = performance.now() - stoppedMs;
    await resume(process);
    const { gapMs } = await busy.ask();
    return gapMs - askedMs;
  });
  await busy.end();
  yield {
    fault: "pause: gap",
    asked: PAUSE_MS,
    measured: PAUSE_MS + beyondMs,
    unit: "ms",
    // It stood still a moment before that was seen, and goes on when its turn comes.
    tolerance: { below: 1, above: 0.3 * PAUSE_MS },
    mechanism: "SIGSTOP, SIGCONT",
  };
}

async function* shares(folder: string): Rows {
  const { cpu } = await findCgroupPlaces(localShell());
  if (cpu === undefined)
    yield { fault: "slow CPU: quota", skipped: "no control group can be made" };
  else yield await shareRow("slow CPU: quota", cpuHand(cpu), folder);
  yield await shareRow("slow CPU: stops in turns", cpuHand(undefined), folder);
}

async function shareRow(name: string, hand: NodeHand, folder: string): Promise<FaultRow> {
  const busy = new BusyProcess();
  await busy.ask();
  const host = hostOf("r0", busy.pid, folder);
  const intent = { kind: "slow-cpu", factor: FACTOR, target: { kind: "all" } } as const;
  const fault: ResolvedFault = { id: "f0", intent, nodes: ["r0"], links: [] };
  await hand.apply(fault, [host]);
  const percent = await median(async () => {
    const before = await busy.ask();
    await sleep(HELD_MS / ATTEMPTS_MAX);
    const after = await busy.ask();
    return (100 * (after.cpuMs - before.cpuMs)) / (after.steadyMs - before.steadyMs);
  });
  const { mechanism } = await hand.heal(fault, [host]);
  await hand.close();
  await busy.end();
  return {
    fault: name,
    asked: 100 / FACTOR,
    measured: percent,
    unit: "%",
    tolerance: around(1.5),
    mechanism,
  };
}

function hostOf(node: NodeName, pid: number, folder: string): NodeHost {
  return {
    node,
    pid,
    folder,
    runtimeFolder: folder,
    execPath: process.execPath,
    ownBuild: OWN_BUILD,
    register: localMachine.register,
    shell: localShell(),
    ask: () => Promise.resolve(undefined),
  };
}

async function* clocks(folder: string): Rows {
  const library = await findFaketime(localShell());
  if (library === undefined) {
    yield { fault: "clock: jump, rate", skipped: "no libfaketime: apt-get install libfaketime" };
    return;
  }
  const target = join(folder, "r0.faketime");
  writeFileSync(target, "+0\n");
  const busy = new BusyProcess(faketimeVariables(library, target));
  const untouched = await skewMs(busy);
  yield clockRow("clock: untouched", 0, untouched.skewMs, "ms");
  const bend = (term: ClockTerm) => {
    const settings: BentClock = { target, terms: [term] };
    const at = { execPath: process.execPath, file: join(folder, "r0.bent"), settings };
    return startRhythm(localShell(), at, bendClock);
  };
  const jump = await bend({ id: "jump", forMs: 0, rate: 1, jumpMs: JUMP_MS });
  yield clockRow("clock: jump", JUMP_MS, (await skewMs(busy)).skewMs, "ms");
  await jump.end();
  const drift = await bend({ id: "rate", forMs: 0, rate: RATE, jumpMs: 0 });
  const rate = await median(async () => {
    const first = await skewMs(busy);
    await sleep(HELD_MS / ATTEMPTS_MAX);
    const second = await skewMs(busy);
    return 1 + (second.skewMs - first.skewMs) / (second.steadyMs - first.steadyMs);
  });
  await drift.end();
  yield { ...clockRow("clock: rate", RATE, rate, "times"), tolerance: around(0.05 * RATE) };
  const cured = await skewMs(busy);
  await busy.end();
  yield clockRow("clock: cured", 0, cured.skewMs, "ms");
}

function clockRow(fault: string, asked: number, measured: number, unit: string): FaultRow {
  return { fault, asked, measured, unit, tolerance: around(20), mechanism: "libfaketime" };
}

/** Whoever keeps a fault up comes late where the machine is busy: the median of some attempts counts. */
async function median(measure: () => Promise<number>): Promise<number> {
  const found: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) found.push(await measure());
  return found.sort((a, b) => a - b)[Math.floor(found.length / 2)] ?? Number.NaN;
}

/** How far its wall clock is from ours, by the quickest of several answers. */
async function skewMs(busy: BusyProcess): Promise<{ skewMs: number; steadyMs: number }> {
  let best = { skewMs: Number.NaN, steadyMs: 0, tookMs: Number.POSITIVE_INFINITY };
  for (let attempt = 0; attempt < 20; attempt++) {
    const [askedMs, asked] = [performance.now(), Date.now()];
    const { wallMs } = await busy.ask();
    const tookMs = performance.now() - askedMs;
    if (tookMs > best.tookMs) continue;
    const [skew, steadyMs] = [wallMs - asked - tookMs / 2, askedMs + tookMs / 2];
    best = { skewMs: skew, steadyMs, tookMs };
  }
  return best;
}
