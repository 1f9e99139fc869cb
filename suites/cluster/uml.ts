// User-Mode Linux: a Linux kernel that is an ordinary program, and so gives any user network emulation
// (netem) where the machine's own kernel lacks it. The runner runs itself again in there, on the machine's
// own files (hostfs), as root of a kernel that nobody else sees, and makes namespaces as in `netns`.
// It is slow: one processor, and every system call of a guest is two context switches of the host.
// Source: Documentation/virt/uml/user_mode_linux_howto_v2.rst

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { constants, freemem } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { type Shell, ShellError } from "../../nemesis/host/shell.js";
import { messageOf } from "../../node/runtime/ordeal-error.js";
import { sleep, within } from "./deadline.js";
import { readLines } from "./json-lines.js";
import { Reaper } from "./reaper.js";
import { REGISTRY_VARIABLE, register, registryFile } from "./registry.js";
import { makeRuntimeFolder } from "./runtime-folder.js";
import { FORWARDED, pathWithSbin, WITH_US } from "./sandbox.js";
import { modprobeWrapper, type UmlParts, umlInit } from "./uml-init.js";

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

/** Boots a kernel for each command that it runs there, as root; for a few. */
export function umlShell(parts: UmlParts): Shell {
  // One that does not boot, or takes too long, will not do better the next time.
  let failure: ShellError | undefined;
  return {
    async run(argv, { stdin } = {}) {
      if (failure !== undefined) throw failure;
      if (stdin !== undefined) throw new RangeError("User-Mode Linux has no stdin to offer");
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const said = Promise.all([text(stdout), text(stderr)]);
      try {
        const exitCode = await runInUml(argv, parts, {
          stdout,
          stderr,
          deadlineMs: COMMAND_MS_MAX,
        });
        for (const stream of [stdout, stderr]) stream.end();
        const [output, errors] = await said;
        return { exitCode, stdout: output, stderr: errors };
      } catch (error) {
        failure = new ShellError("not-started", [parts.kernel], messageOf(error), "");
        throw failure;
      }
    },
  };
}

/** To boot, run and power off, also on a machine that does much else. */
const COMMAND_MS_MAX = 300_000;

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
      ORDEAL_PATIENCE: "10",
      [REGISTRY_VARIABLE]: registryFile(),
    };
    const modprobe = join(folder.path, "modprobe");
    mkdirSync(join(folder.path, "lib"));
    symlinkSync(parts.modules, join(folder.path, "lib", "modules"));
    writeFileSync(modprobe, modprobeWrapper(parts, folder.path), { mode: 0o700 });
    const program = { command, variables, folder: process.cwd(), modprobe };
    writeFileSync(init, umlInit(program), { mode: 0o700 });
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
