// Kills the runner itself (SIGKILL) at random points of a run, starts the tool again, and looks for
// whatever is still there. What it looks at is the machine, never the tool's own registry.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { handleOf } from "../../nemesis/host/process.js";
import { localShell } from "../../nemesis/host/shell.js";
import { createRandom, type Random } from "../../nemesis/random.js";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";
import { waitUntil } from "../cluster/deadline.js";

const CLI = fileURLToPath(new URL("../cli.js", import.meta.url));
const RUN_MS_MAX = 120_000;
const CLEAN_MS_MAX = 60_000;
/** Lines of a history that a run of this length writes at least, on a slow machine. */
const HISTORY_LINES = 300;
/** Processes and files that a run makes at least until it serves, beside the runner itself. */
const THINGS = 8;
const SUITE = ["run", "primary-partition", "--time-limit", "2", "--nemesis-interval", "0.5"];

export type KillPlan = {
  /** As --env takes it. */
  environment: string;
  kills: number;
  seed: number;
  /** Everything goes below it: the store, and temporary files. */
  folder: string;
};

export type KillOutcome = {
  /** Where the run was killed, in words. */
  point: string;
  /** What was there just before the kill; nothing would mean that the search is blind. */
  before: readonly string[];
  /** What was still there after the next start. */
  left: readonly string[];
};

/** Throws where a run ends by itself too often, or the next start fails. */
export async function killRunner(plan: KillPlan): Promise<readonly KillOutcome[]> {
  const random = createRandom(plan.seed);
  const place = placeIn(plan.folder);
  const outcomes: KillOutcome[] = [];
  const baseline = await machineState();
  for (let attempt = 0; outcomes.length < plan.kills; attempt++) {
    if (attempt === 3 * plan.kills) throw new Error("runs end before they can be killed");
    const killed = await runAndKill(plan, place, random.fork(`kill ${attempt}`));
    if (killed === undefined) continue;
    await nextStart(place);
    const left = await leftAfter(place, baseline);
    outcomes.push({ ...killed, left });
  }
  return outcomes;
}

const OWN_NAMESPACES: readonly [string, ...string[]] = ["unshare", "-nm"];
const INSIDE_VARIABLE = "ORDEAL_KILL_TEST";

/**
 * As root, runs this program again in network and mount namespaces of its own, so that whatever a run
 * leaves in "the machine's" is seen, and nothing of others; its exit code. Undefined where we are there
 * already, or where this user cannot leave anything there, because namespaces are forbidden.
 */
export async function aloneAsRoot(argv: readonly string[]): Promise<number | undefined> {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || process.env[INSIDE_VARIABLE] !== undefined) return undefined;
  const { exitCode } = await localShell().run([...OWN_NAMESPACES, "true"]);
  if (exitCode !== 0) return undefined;
  const inside = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh", process.execPath, ...argv];
  const [file, ...args] = [...OWN_NAMESPACES, ...inside];
  const child = spawn(file, args, {
    stdio: "inherit",
    env: { ...process.env, [INSIDE_VARIABLE]: "1" },
  });
  const [code] = await once(child, "exit");
  return Number(code ?? 1);
}

type Place = { store: string; temporary: string; variables: NodeJS.ProcessEnv };

function placeIn(folder: string): Place {
  const temporary = join(folder, "t");
  mkdirSync(temporary, { recursive: true });
  // Its name in the environment is also how its processes are found here.
  return {
    store: join(folder, "store"),
    temporary,
    variables: { ...process.env, TMPDIR: temporary },
  };
}

/** Undefined where the run was over before its point came. */
async function runAndKill(
  { environment }: KillPlan,
  place: Place,
  random: Random,
): Promise<Pick<KillOutcome, "point" | "before"> | undefined> {
  const seed = random.int(0x1_0000);
  const argv = [...SUITE, "--env", environment, "--store", place.store, "--seed", `${seed}`];
  const runner = spawn(process.execPath, [CLI, ...argv], { stdio: "ignore", env: place.variables });
  const inStart = random.chance(0.4);
  const things = 2 + random.int(THINGS);
  const lines = random.int(HISTORY_LINES);
  const isOver = () => runner.exitCode !== null;
  const present = () => [...processesOf(place), ...filesOf(place)];
  const hasCome = inStart
    ? () => present().length >= things
    : () => historyLines(place.store, seed) >= lines;
  await waitUntil(() => isOver() || hasCome(), RUN_MS_MAX);
  if (isOver()) return undefined;
  const before = present();
  await kill(runner);
  const when = inStart
    ? `as soon as it had made ${things} things`
    : `when its history had ${lines} lines`;
  return { point: `${environment}: ${when} (seed ${seed})`, before };
}

async function kill(runner: ChildProcess): Promise<void> {
  const ended = once(runner, "exit");
  runner.kill("SIGKILL");
  await ended;
}

/** Of the newest run with this seed; 0 before it has one. */
function historyLines(store: string, seed: number): number {
  const suite = join(store, "primary-partition");
  const run = existsSync(suite) ? readdirSync(suite).find((name) => name.endsWith(`-${seed}`)) : "";
  const file = join(suite, run ?? "", "history.jsonl");
  return run && existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
}

async function nextStart({ variables }: Place): Promise<void> {
  const argv = [process.execPath, CLI, "clean"];
  const start = spawn(argv[0] ?? "", argv.slice(1), { stdio: "inherit", env: variables });
  const timer = setTimeout(() => start.kill("SIGKILL"), CLEAN_MS_MAX);
  const [code] = await once(start, "exit");
  clearTimeout(timer);
  if (code !== 0) throw new Error(`ordeal clean ended with ${code}`);
}

/** The kernel takes a moment to end namespaces: asked until there is nothing, or for a while. */
async function leftAfter(place: Place, baseline: ReadonlySet<string>): Promise<readonly string[]> {
  let left: readonly string[] = [];
  await waitUntil(async () => {
    const now = [...(await machineState())].filter((line) => !baseline.has(line));
    left = [...processesOf(place), ...filesOf(place), ...now];
    return left.length === 0;
  }, 10_000);
  return left;
}

/** Processes that were started with our folder for temporary files, however they call themselves. */
function processesOf({ temporary }: Place): readonly string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || handleOf(Number(pid)) === undefined) return [];
    const isOurs = readProc(`/proc/${pid}/environ`).split("\0").includes(`TMPDIR=${temporary}`);
    return isOurs
      ? [`process ${pid} ${readProc(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`]
      : [];
  });
}

/** Temporary files; an empty folder for the registry is none. */
function filesOf({ temporary }: Place): readonly string[] {
  return readdirSync(temporary, { recursive: true, encoding: "utf8" })
    .filter((name) => name !== `ordeal-${process.getuid?.()}`)
    .map((name) => `file ${name}`);
}

/** Devices, rules, queues, namespaces, mounts and control groups, as far as this user may see them. */
async function machineState(): Promise<ReadonlySet<string>> {
  const commands = [
    ["ip", "-o", "link", "show"],
    ["ip", "netns", "list"],
    ["tc", "qdisc", "show"],
    ["iptables-legacy-save"],
    ["nft", "list", "ruleset"],
  ];
  const said = await Promise.all(
    commands.map((argv) =>
      localShell()
        .run(argv)
        .catch(() => undefined),
    ),
  );
  const lines = said.flatMap((result) => (result?.stdout ?? "").split("\n"));
  const mounts = readProc("/proc/self/mounts").split("\n");
  const shared = existsSync("/dev/shm") ? readdirSync("/dev/shm") : [];
  const ours = (name: string) => /ordeal|faketime/.test(name);
  return new Set([
    ...lines.filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith(":")),
    ...mounts,
    ...shared.filter(ours).map((name) => `shared memory ${name}`),
    ...controlGroups("/sys/fs/cgroup", 3).filter(ours),
  ]);
}

function controlGroups(folder: string, depth: number): readonly string[] {
  if (depth === 0 || !existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name))
    .flatMap((path) => [path, ...controlGroups(path, depth - 1)]);
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes(systemCodeOf(error) ?? "")) return "";
    throw error;
  }
}
