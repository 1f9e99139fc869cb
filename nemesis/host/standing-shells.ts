// Shells that stay, one behind each prefix, all started by one process: forking a process of Node's size
// takes longer than anything that these shells are asked. We reach them through named pipes. They end
// with us, for their stdin ends then.

import { type ChildProcess, spawn } from "node:child_process";
import { constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { commandLine, environment, must, type Shell, ShellError } from "./shell.js";
import { type ShellLine, StandingShell } from "./standing-shell.js";
import { STANDING_TOOLS } from "./standing-tools.js";

export type StandingShells = {
  /** Throws on a name that has none. */
  shellOf: (name: string) => Shell;
  /** Ends them once they have served what they were asked. */
  close: () => Promise<void>;
};

export type ShellStart = {
  /** What stands before `sh`, e.g. `nsenter --net=/run/netns/r0`. */
  prefix: readonly string[];
  /** A script of sh that must succeed there before anything else is run. */
  first?: string;
};

export type ShellsOptions = {
  /** By the shell's name. */
  shells: ReadonlyMap<string, ShellStart>;
  /** Where a folder for the named pipes is made. */
  under: string;
  /** A script of sh that must succeed before the first of them starts. */
  before?: string;
};

const STREAMS = ["stdin", "stdout", "stderr"] as const;
/** Buffered output would wait for more; this holds for all that is started below it. */
const BY_LINES = ["stdbuf", "-oL"];

/** Resolves when every shell serves. Rejects where a script or a prefix fails. */
export async function openShells(options: ShellsOptions): Promise<StandingShells> {
  const folder = mkdtempSync(join(options.under, "ordeal-shells-"));
  const names = [...options.shells.keys()];
  const argv = [...BY_LINES, "sh", "-c", launchScript(folder, options)];
  const launcher = launch(argv);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await launcher.said("pipes\n");
  } catch (error) {
    remove();
    throw error;
  }
  const lines = new Map(names.map((name) => [name, openLine(join(folder, name), launcher.kill)]));
  const shells = new Map([...lines].map(([name, line]) => [name, new StandingShell(line)]));
  const ended = launcher.ended.then((how) => {
    for (const shell of shells.values()) shell.end(`its shell ended (${how})`);
  });
  const close = async () => {
    await Promise.all([...shells.values()].map((shell) => shell.close()));
    for (const line of lines.values()) line.end();
    await ended;
    remove();
  };
  try {
    for (const [name, { first }] of options.shells) {
      if (first !== undefined) lines.get(name)?.stdin.write(`( ${first}\n) || exit\n`);
    }
    await Promise.all([...shells.values()].map((shell) => must(shell, [":"])));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    shellOf(name) {
      const shell = shells.get(name);
      if (shell === undefined) throw new RangeError(`no shell is called ${name}`);
      return shell;
    },
    close,
  };
}

/** The pipes, what comes before, the shells; the launcher ends with the first that fails, or the last. */
function launchScript(folder: string, { shells, before = "" }: ShellsOptions): string {
  const pipes = [...shells.keys()].flatMap((name) =>
    [...STREAMS, ...STANDING_TOOLS.map((tool) => tool.name)].map((each) => `${name}.${each}`),
  );
  const starts = [...shells].map(([name, { prefix }]) => {
    const at = join(folder, name);
    const command = commandLine([...prefix, "sh"]);
    return `${command} <${at}.stdin >${at}.stdout 2>${at}.stderr || { echo "${name}: exit code $?" >&2; kill $$; } &`;
  });
  return [
    `(cd ${folder} && mkfifo ${pipes.join(" ")}) && echo pipes || exit`,
    ...(before === "" ? [] : [`( ${before}\n) || exit`]),
    ...starts,
    "wait",
  ].join("\n");
}

type Launcher = {
  /** Resolves when it has said this; rejects when it ends before. */
  said: (word: string) => Promise<void>;
  ended: Promise<string>;
  kill: () => void;
};

function launch(argv: readonly string[]): Launcher {
  const [program = "sh", ...rest] = argv;
  // A process group of its own: a command that does not end is killed with all that was started here.
  const child = spawn(program, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: environment(),
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = `${complaint}${text}`.slice(-1_000);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => {
      // What it wrote before is read in this turn.
      setImmediate(() => resolve(`${signal ?? code} ${complaint.trim()}`.trim()));
    });
  });
  const said = (word: string) =>
    new Promise<void>((resolve, reject) => {
      let heard = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        heard += text;
        if (heard.includes(word)) resolve();
      });
      void ended.then((how) => reject(new ShellError("not-started", argv.slice(0, 3), how, "")));
    });
  return { said, ended, kill: () => killGroup(child) };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Our ends of a shell's pipes. `end` closes them, and with them the shell and its tools. */
function openLine(at: string, kill: () => void): ShellLine & { end: () => void } {
  // Open for both, so that opening waits for nobody. Who only reads sees the end of all that write.
  const writing = (path: string) => openPipe(path, constants.O_RDWR);
  const stdin = writing(`${at}.stdin`);
  const stdout = openPipe(`${at}.stdout`, constants.O_RDONLY);
  const stderr = openPipe(`${at}.stderr`, constants.O_RDONLY);
  const tools = new Map<string, Socket>();
  return {
    stdin,
    stdout,
    stderr,
    toolPipe({ name }) {
      const path = `${at}.${name}`;
      const pipe = tools.get(name) ?? writing(path);
      tools.set(name, pipe);
      return { path, stdin: pipe };
    },
    kill,
    end() {
      for (const pipe of [stdin, ...tools.values(), stdout, stderr]) pipe.destroy();
    },
  };
}

function openPipe(path: string, access: number): Socket {
  const isReader = access === constants.O_RDONLY;
  const fd = openSync(path, access | constants.O_NONBLOCK);
  return new Socket({ fd, readable: isReader, writable: !isReader });
}
