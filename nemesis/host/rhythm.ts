// Faults that must be kept up many times a second, by a process of their own on the node's machine: it
// is handed its program as text, so that nothing has to be there but Node itself. It goes on while its
// control file is there, and says at its end what it did.

import type { Shell } from "./shell.js";

/** Nothing is kept up longer; a run ends its rhythms itself. */
const RHYTHM_MS_MAX = 24 * 3_600_000;

/** A loaded machine takes seconds to start a process. */
const BEGIN_MS_MAX = 20_000;

export type Rhythm = {
  /** It ended though nobody asked it to: with the container that it was in, for example. */
  isLost(): boolean;
  /** Removes the control file, and resolves to what the process says of itself. Throws a ShellError. */
  end(): Promise<Readonly<Record<string, number>>>;
};

/** What is kept up: until `file` is gone; calls `begun` when it has had its first effect. */
type Work = (file: string, begun: () => void) => Readonly<Record<string, number>>;

/**
 * Starts a function in a process of its own. It must refer to nothing outside itself; `settings` stand
 * in `file` as JSON. Resolves when it has begun. Throws where it does not; nothing goes on then.
 */
export async function startRhythm(
  shell: Shell,
  { execPath, file, settings }: { execPath: string; file: string; settings: unknown },
  work: Work,
): Promise<Rhythm> {
  const begun = `${file}.begun`;
  await shell.run(["rm", "-f", begun]);
  await writeSettings(shell, file, settings);
  const program = `
    const [, file, begun] = process.argv;
    const onBegin = () => process.getBuiltinModule("node:fs").writeFileSync(begun, "");
    process.stdout.write(JSON.stringify((${work.toString()})(file, onBegin)));`;
  const done = shell.run([execPath, "-e", program, file, begun], { deadlineMs: RHYTHM_MS_MAX });
  // A process that ends before it begins takes its control file away, and so ends the wait. Where it was
  // lost, nothing is done: that would boot a machine that is to be down.
  const cleared = done.then(() => shell.run(["rm", "-f", file]));
  let isLost = false;
  cleared.catch(() => {
    isLost = true;
  });
  const rhythm = {
    isLost: () => isLost,
    async end() {
      await shell.run(["rm", "-f", file, begun]);
      const { stdout, stderr, exitCode } = await done;
      if (exitCode !== 0) throw new Error(`a fault was not kept up: ${stderr.trim().slice(-300)}`);
      const figures: unknown = JSON.parse(stdout);
      return isFigures(figures) ? figures : {};
    },
  };
  const wait = 'until [ -e "$2" ]; do [ -e "$1" ] || exit 1; sleep 0.01; done';
  const waiting = shell.run(["sh", "-c", wait, "sh", file, begun], { deadlineMs: BEGIN_MS_MAX });
  const { exitCode } = await Promise.race([waiting, cleared.then(() => waiting)]);
  if (exitCode === 0) return rhythm;
  await rhythm.end();
  throw new Error(`a fault that must be kept up ended at once`);
}

/** Replaces them at once: a reader sees the old ones or the new ones. */
export async function writeSettings(shell: Shell, file: string, settings: unknown): Promise<void> {
  const replace = 'cat > "$1.new" && mv "$1.new" "$1"';
  const { exitCode, stderr } = await shell.run(["sh", "-c", replace, "sh", file], {
    stdin: JSON.stringify(settings),
  });
  if (exitCode !== 0) throw new Error(`${file} cannot be written: ${stderr.trim()}`);
}

function isFigures(value: unknown): value is Readonly<Record<string, number>> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((figure) => typeof figure === "number")
  );
}

/** Settings of `dutyCycle`. */
export type DutyCycle = { pid: number; share: number };

/**
 * Lets a process run for `share` of the time: SIGCONT, a moment, SIGSTOP, and so on, some 50 times a
 * second. The stop lasts in proportion to how long it really ran, so that a late wake-up of this
 * process changes the period and not the share. The process runs when this returns.
 */
export function dutyCycle(file: string, begun: () => void): Readonly<Record<string, number>> {
  const { readFileSync } = process.getBuiltinModule("node:fs");
  const PERIOD_MS = 20;
  const RUN_MS_MIN = 0.4;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  // The start time, field 22, tells a process from a later one with the same number.
  const startOf = (pid: number) =>
    read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, "")
      .split(" ")[19] ?? "";
  const { pid, share } = JSON.parse(read(file));
  const start = startOf(pid);
  const signal = (name: NodeJS.Signals): boolean => {
    try {
      return startOf(pid) === start && process.kill(pid, name);
    } catch {
      return false;
    }
  };
  const runMs = Math.max(RUN_MS_MIN, PERIOD_MS * share);
  let [cycles, ranMs, stoppedMs] = [0, 0, 0];
  while (start !== "" && read(file) !== "") {
    const began = performance.now();
    Atomics.wait(nap, 0, 0, runMs);
    if (!signal("SIGSTOP")) break;
    if (cycles === 0) begun();
    const stopped = performance.now();
    Atomics.wait(nap, 0, 0, (stopped - began) * (1 / share - 1));
    if (!signal("SIGCONT")) break;
    cycles += 1;
    ranMs += stopped - began;
    stoppedMs += performance.now() - stopped;
  }
  signal("SIGCONT");
  return { cycles, ranMs, stoppedMs };
}

/** One thing that is wrong with a clock, for `forMs` already; they add up. */
export type ClockTerm = { id: string; forMs: number } & (
  | { rate: number; jumpMs: number }
  | { strobeMs: number; periodMs: number }
);
/** Settings of `bendClock`. `target` is the file that libfaketime reads. */
export type BentClock = { target: string; terms: readonly ClockTerm[] };

/**
 * Keeps the offset of a clock, in seconds, in a file. A clock that stands, or runs at another rate, is one
 * whose offset changes a hundred times a second.
 * The offset is +0 when this returns.
 */
export function bendClock(file: string, begun: () => void): Readonly<Record<string, number>> {
  const { readFileSync, renameSync, writeFileSync } = process.getBuiltinModule("node:fs");
  const STEP_MS = 10;
  const STEP_MS_MIN = 2;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const since = new Map<string, number>();
  let target = "";
  let last = "";
  const put = (offsetMs: number) => {
    const text = `${offsetMs < 0 ? "" : "+"}${(offsetMs / 1_000).toFixed(6)}`;
    if (text === last) return;
    writeFileSync(`${target}.new`, text);
    renameSync(`${target}.new`, target);
    last = text;
  };
  const offsetOf = (term: ClockTerm, forMs: number): number => {
    if ("rate" in term) return term.jumpMs + (term.rate - 1) * forMs;
    return forMs % term.periodMs < term.periodMs / 2 ? term.strobeMs : 0;
  };
  let steps = 0;
  for (;;) {
    let settings: BentClock;
    try {
      settings = JSON.parse(readFileSync(file, "utf8"));
    } catch {
      break;
    }
    target = settings.target;
    const now = performance.now();
    let offsetMs = 0;
    let stepMs = STEP_MS;
    for (const term of settings.terms) {
      if (!since.has(term.id)) since.set(term.id, now - term.forMs);
      offsetMs += offsetOf(term, now - (since.get(term.id) ?? now));
      if ("periodMs" in term) stepMs = Math.min(stepMs, term.periodMs / 4);
    }
    put(offsetMs);
    if (steps === 0) begun();
    steps += 1;
    Atomics.wait(nap, 0, 0, Math.max(STEP_MS_MIN, stepMs));
  }
  if (target !== "") put(0);
  return { steps };
}
