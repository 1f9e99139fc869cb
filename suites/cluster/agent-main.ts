// The agent: offers the machine it runs on to a runner elsewhere, as JSON lines over stdio. Whatever
// carries the lines (ssh, docker, a plain pipe), its end is the agent's: when stdin closes, or nothing has
// come for so long that the runner must be gone, it kills what it started, runs what it was given for its
// end, removes its folders, and ends. What an agent that was itself killed has left, the next one removes.
//
//   agent-main [folder [patience]]
//
// The folder, for the files of the run, is made by the agent and removed with it. While an agent of another
// run has one beside it, ours waits, so many milliseconds at most, and then refuses.

import { mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname } from "node:path";
import { sendSignal } from "../../nemesis/host/process.js";
import { ShellError } from "../../nemesis/host/shell.js";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";
import { oneLine } from "../usage-error.js";
import { listFiles, readPart } from "./agent-files.js";
import type { AgentEvent, AgentRequest, AgentResult } from "./agent-protocol.js";
import { waitUntil, within } from "./deadline.js";
import { readLines } from "./json-lines.js";
import { localMachine } from "./local-machine.js";
import type { RunningProcess } from "./machine.js";
import {
  ownIdentity,
  REGISTRY_VARIABLE,
  type Registration,
  readRegistered,
  register,
  registryFile,
} from "./registry.js";
import { makeRuntimeFolder } from "./runtime-folder.js";
import { registeredRuns, sweepDeadRuns, sweepRun } from "./sweep.js";

/** The runner says something far more often (agent-machine.ts). */
const SILENCE_MS_MAX = 120_000;
const END_MS_MAX = 5_000;
const PATIENCE_MS = 10_000;

// It answers for what it makes itself, whoever started it.
delete process.env[REGISTRY_VARIABLE];
await sweepDeadRuns();
const [folder, patience] = process.argv.slice(2);
register({ kind: "processes" });
if (folder !== undefined) {
  await untilAlone(folder);
  register({ kind: "folder", path: folder });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}
/** Rules of two runs in the same chains would undo one another. A runner that was killed ends at once. */
async function untilAlone(folder: string): Promise<void> {
  const others = () =>
    registeredRuns().filter(
      ({ file, state }) =>
        state === "alive" &&
        readRegistered(file).some(
          ({ leftover }) =>
            leftover.kind === "folder" && dirname(leftover.path) === dirname(folder),
        ),
    );
  if (await waitUntil(() => others().length === 0, Number(patience ?? PATIENCE_MS))) return;
  process.stderr.write("another run uses this host: wait for its end\n");
  process.exit(1);
}

const runtimeFolder = makeRuntimeFolder(["/tmp"]);
/** Commands for the end, whoever brings it about. */
const finals: (AgentRequest & { op: "finally" })[] = [];
const processes = new Map<number, RunningProcess>();
let processCount = 0;
/** What the runner has registered here, by number. */
const registrations = new Map<number, Registration>();
let registrationCount = 0;
/** Put before each command, so that what we start ends with us however we end. */
const tied =
  (
    await localMachine.shell
      .run(["setpriv", "--pdeathsig", "KILL", "true"])
      .catch((error: unknown) => {
        if (error instanceof ShellError) return { exitCode: 1 };
        throw error;
      })
  ).exitCode === 0
    ? ["setpriv", "--pdeathsig", "KILL", "--"]
    : [];

function say(event: AgentEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function perform(request: AgentRequest): Promise<unknown> {
  switch (request.op) {
    case "run": {
      const { argv, stdin, deadlineMs } = request;
      return localMachine.shell.run(argv, {
        ...(stdin !== undefined && { stdin }),
        ...(deadlineMs !== undefined && { deadlineMs }),
      });
    }
    case "start":
      return start(request);
    case "input":
      processes.get(request.process)?.pipes?.stdin.write(request.data);
      return null;
    case "close-input":
      processes.get(request.process)?.pipes?.stdin.end();
      return null;
    case "signal":
      await processOf(request.process)?.signal(request.signal);
      return null;
    case "pause":
      return processOf(request.process)?.pause(request.deadlineMs) ?? null;
    case "resume":
      return processOf(request.process)?.resume(request.deadlineMs) ?? null;
    case "observe":
      return processOf(request.process)?.observe() ?? "gone";
    case "ask":
      return (await localMachine.ask(request.path, request.question, request.deadlineMs)) ?? null;
    case "put":
      await localMachine.put(request.path, request.text, request.mode);
      return null;
    case "remove":
      await localMachine.remove(request.path);
      return null;
    case "tail":
      return localMachine.tail(request.path, request.chars);
    case "list":
      return listFiles(request.path);
    case "read":
      return readPart(request.path, request.offset, request.bytes);
    case "register":
      registrations.set(++registrationCount, register(request.leftover));
      return registrationCount;
    case "release":
      registrations.get(request.registration)?.release();
      registrations.delete(request.registration);
      return null;
    case "finally":
      finals.push(request);
      return null;
    case "ping":
      return null;
    default:
      return request satisfies never;
  }
}

/** Of one that has ended nothing is known any more. */
function processOf(id: number): RunningProcess | undefined {
  return processes.get(id);
}

async function start(request: AgentRequest & { op: "start" }) {
  const id = ++processCount;
  const running = await localMachine.start([...tied, ...request.command], request.options);
  processes.set(id, running);
  const { pipes, handle } = running;
  pipes?.stdin.on("error", () => pipes.stdin.destroy()); // Its end is told below.
  pipes?.stdout.setEncoding("utf8");
  pipes?.stdout.on("data", (data: string) => say({ event: "output", process: id, data }));
  pipes?.stdout.on("close", () => say({ event: "output-end", process: id }));
  void running.ended.then((how) => {
    processes.delete(id);
    say({ event: "ended", process: id, how });
  });
  return { process: id, handle, pipes: pipes !== undefined };
}

async function answer(line: string): Promise<void> {
  // The runner is of our own build; what it says has the right shape.
  const { id, ...request }: { id: number } & AgentRequest = JSON.parse(line);
  let result: AgentResult;
  try {
    result = { value: (await perform(request)) ?? null };
  } catch (error) {
    result =
      error instanceof ShellError
        ? { error: error.detail, shell: { code: error.code, stderr: error.stderr } }
        : { error: oneLine(error) };
  }
  say({ event: "answer", id, ...result });
}

let ending: Promise<never> | undefined;
/** Called again by what ends because of it, for example a stdout that nobody reads any more. */
function end(): Promise<never> {
  ending ??= endAll();
  return ending;
}

async function endAll(): Promise<never> {
  // The whole group: what a process has started goes with it.
  for (const { handle } of processes.values()) sendSignal(-handle.pid, "SIGKILL");
  // One that fails must not keep the others from being run; the next start cleans up after it.
  for (const { argv } of finals)
    await within(localMachine.shell.run(argv), END_MS_MAX).catch(ignore);
  const own = {
    file: registryFile(),
    runner: ownIdentity(),
    state: "alive",
    sameBoot: true,
  } as const;
  const { failed } = await sweepRun(own);
  for (const what of failed) ignore(new Error(what));
  process.exit(0);
}

function ignore(error: unknown): void {
  process.stderr.write(`agent: ${oneLine(error)}\n`);
}

function readProc(read: () => string): string {
  try {
    return read().trim();
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return "";
    throw error;
  }
}

let silence = setTimeout(end, SILENCE_MS_MAX);
readLines(process.stdin, (line) => {
  clearTimeout(silence);
  silence = setTimeout(end, SILENCE_MS_MAX);
  void answer(line);
});
process.stdin.on("end", end).on("error", end);
process.stdout.on("error", end);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);

say({
  event: "hello",
  runtimeFolder: runtimeFolder.path,
  execPath: process.execPath,
  nodeVersion: process.version,
  kernel: readProc(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")),
  timeNamespace: readProc(() => readlinkSync("/proc/self/ns/time")),
});
