// User-Mode Linux: a Linux kernel that is an ordinary program, and so gives any user network emulation
// (netem) where the machine's own kernel lacks it. The runner runs itself again in there, on the machine's
// own files (hostfs), as root of a kernel that nobody else sees, and makes namespaces as in `netns`.
// It is slow: one processor, and every system call of a guest is two context switches of the host.
// Source: Documentation/virt/uml/user_mode_linux_howto_v2.rst

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { constants, freemem } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { messageOf } from "../../node/runtime/ordeal-error.js";
import { nowMs, sleep, within } from "./deadline.js";
import { readLines } from "./json-lines.js";
import { Reaper } from "./reaper.js";
import { REGISTRY_VARIABLE, register, registryFile } from "./registry.js";
import { makeRuntimeFolder } from "./runtime-folder.js";
import { FORWARDED, pathWithSbin, WITH_US } from "./sandbox.js";
import { type UmlParts, umlInit } from "./uml-init.js";

const VARIABLE = "ORDEAL_UML";
/** Seven replicas, their clients and the runner, with room for pages of files; taken as it is used. */
const MEMORY_BYTES = 2 ** 31;
const MEMORY_BYTES_MIN = 2 ** 29;
/** The guest writes back its files and powers off. */
const POWER_OFF_MS_MAX = 30_000;
const KERNEL_LOG_LINES = 5;

/** Whether this process runs on a User-Mode Linux that `enterUml` has booted. */
export function insideUml(): boolean {
  return process.env[VARIABLE] !== undefined;
}

/**
 * Boots a kernel and runs this program with these arguments (a script first) in it; resolves to its exit
 * code, 128 + n where signal n ended it. Its stdin is empty; stdout and stderr are ours, and so are the
 * signals that are sent to us. When we are killed, it ends. Throws where the kernel ends before it.
 */
export function enterUml(argv: readonly string[], parts: UmlParts): Promise<number> {
  return runInUml([process.execPath, ...argv], parts, process);
}

/** Boots it once, and tries what it is wanted for; half a minute at most on a machine that is busy. */
export async function tryUml(parts: UmlParts): Promise<{ works: boolean; reason: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = [text(stdout), text(stderr)];
  const startedMs = nowMs();
  const run = runInUml(["sh", "-c", TRIAL], parts, {
    stdout,
    stderr,
    deadlineMs: TRIAL_MS_MAX,
  });
  const outcome = await run.then(
    (code) => ({ works: code === 0, why: "" }),
    (error: unknown) => ({ works: false, why: messageOf(error) }),
  );
  stdout.end();
  stderr.end();
  const [, complaint = ""] = await Promise.all(said);
  const seconds = ((nowMs() - startedMs) / 1_000).toFixed(1);
  const reason = outcome.works
    ? `${parts.kernel} boots, has netem, and was done in ${seconds} s`
    : outcome.why || complaint.trim().split("\n").at(-1) || "refused without a word";
  return { works: outcome.works, reason };
}

const TRIAL_MS_MAX = 120_000;
const TRIAL = `ip link add name probe0 type bridge && ip link add probe1 type veth peer name probe2 &&
  tc qdisc add dev lo root netem delay 1ms && iptables-legacy -A INPUT -s 10.77.0.1 -j DROP`;

type Streams = {
  stdout: Writable;
  stderr: Writable;
  /** Absent: for as long as it takes. */
  deadlineMs?: number;
};

async function runInUml(
  command: readonly string[],
  parts: UmlParts,
  streams: Streams,
): Promise<number> {
  const processes = register({ kind: "processes" });
  const folder = makeRuntimeFolder();
  // The kernel's helper processes outlive a kernel that is killed.
  const reaper = new Reaper();
  try {
    const init = join(folder.path, "init");
    const variables = {
      ...process.env,
      PATH: pathWithSbin(),
      [VARIABLE]: parts.kernel,
      [REGISTRY_VARIABLE]: registryFile(),
    };
    writeFileSync(init, umlInit({ command, variables, folder: process.cwd(), parts }), {
      mode: 0o700,
    });
    return await boot(init, folder.path, parts, streams);
  } finally {
    await reaper.stop();
    folder.remove();
    processes.release();
  }
}

/** File descriptors of the kernel's process, and with them the guest's consoles 0 to 4. */
const KERNEL_LOG = 1;
const STDOUT = 3;
const STDERR = 4;
const SIGNALS = 5;
const EXIT_CODE = 6;

async function boot(
  init: string,
  folder: string,
  { kernel }: UmlParts,
  { stdout, stderr, deadlineMs }: Streams,
): Promise<number> {
  const memory = Math.max(
    MEMORY_BYTES_MIN,
    Math.min(MEMORY_BYTES, 2 ** 20 * Math.floor(freemem() / 2 ** 21)),
  );
  const options = [
    `mem=${memory}`,
    ...["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", `init=${init}`],
    ...[`uml_dir=${folder}`, "umid=ordeal", "quiet", "con=null"],
    `con0=null,fd:${KERNEL_LOG}`,
    `con1=null,fd:${STDOUT}`,
    `con2=null,fd:${STDERR}`,
    `con3=fd:${SIGNALS},null`,
    `con4=null,fd:${EXIT_CODE}`,
  ];
  const [file, ...args] = [...WITH_US, String(process.pid), kernel, ...options];
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", "pipe"],
    // Outside the terminal's foreground group, and one to be ended as a whole.
    detached: true,
  });
  const log: string[] = [];
  const keep = (line: string) => log.push(line);
  for (const each of [1, 2]) readLines(readable(child, each), keep);
  readable(child, STDOUT).pipe(stdout, { end: false });
  readable(child, STDERR).pipe(stderr, { end: false });
  const exited = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  const stopForwarding = forwardSignals(writable(child, SIGNALS));
  try {
    const ended = Promise.race([exitCodeOf(readable(child, EXIT_CODE)), exited]);
    const code = await (deadlineMs === undefined ? ended : within(ended, deadlineMs));
    if (code === undefined) {
      const isLate = child.exitCode === null && child.signalCode === null;
      if (isLate) throw new Error(`User-Mode Linux was not done in ${deadlineMs} ms`);
      const said = log.slice(-KERNEL_LOG_LINES).join("; ");
      throw new Error(`User-Mode Linux ended before the run did: ${said || "it said nothing"}`);
    }
    await Promise.race([exited, sleep(POWER_OFF_MS_MAX)]);
    return code;
  } finally {
    stopForwarding();
    endGroup(child);
  }
}

/** The guest's init writes one line when the program has ended and its files are written back. */
function exitCodeOf(stream: Readable): Promise<number> {
  return new Promise((resolve) => {
    readLines(stream, (line) => {
      const code = /^exit (\d+)/.exec(line)?.[1];
      if (code !== undefined) resolve(Number(code));
    });
  });
}

function forwardSignals(signals: Writable): () => void {
  signals.on("error", () => undefined); // The kernel has ended: there is nobody to tell.
  const listeners = FORWARDED.map((signal) => {
    const listener = () => signals.write(`${constants.signals[signal]}\n`);
    process.on(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
}

/** Also where it has powered off: what is left of the group ends, or is gone already. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined || !existsSync(`/proc/${pid}`)) return;
  process.kill(-pid, "SIGKILL");
}

function readable(child: ChildProcess, descriptor: number): Readable {
  const stream = child.stdio[descriptor];
  if (stream && "read" in stream) return stream;
  throw new Error(`no pipe ${descriptor} to User-Mode Linux`);
}

function writable(child: ChildProcess, descriptor: number): Writable {
  const stream = child.stdio[descriptor];
  if (stream && "write" in stream) return stream;
  throw new Error(`no pipe ${descriptor} to User-Mode Linux`);
}
