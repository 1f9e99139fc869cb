// Shells that stay, one behind each prefix, all started by one process: forking a process of Node's size
// takes longer than anything that these shells are asked. We reach them through named pipes. They end
// with us, for their stdin ends then.

import { type ChildProcess, spawn } from "node:child_process";
import { constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { commandLine, environment, type Shell, ShellError } from "./shell.js";
import { type ShellLine, type ShellStart, StandingShell } from "./standing-shell.js";
import { STANDING_TOOLS } from "./standing-tools.js";

export type StandingShells = {
  /** Throws on a name that has none. */
  shellOf: (name: string) => Shell;
  /** Ends them once they have served what they were asked. */
  close: () => Promise<void>;
};

export type ShellPlace = ShellStart & {
  /** What stands before `sh`, e.g. `nsenter --net=/run/netns/r0`. */
  prefix: readonly string[];
};

export type ShellsOptions = {
  /** By the shell's name. */
  shells: ReadonlyMap<string, ShellPlace>;
  /** Where a folder for the named pipes is made. */
  under: string;
  /** A script of sh that must succeed before the first of them starts. */
  before?: string;
};

const STREAMS = ["stdin", "stdout", "stderr"] as const;

/**
 * Resolves when `before` has succeeded, and rejects where it fails. The shells come up while others work:
 * what they are asked waits for them, and fails where a prefix or a script of theirs does.
 */
export async function openShells(options: ShellsOptions): Promise<StandingShells> {
  const folder = mkdtempSync(join(options.under, "ordeal-shells-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const launcher = launch(launchScript(folder, options));
  const lines: Promise<OwnLine>[] = [];
  const shells = new Map<string, StandingShell>();
  for (const [name, start] of options.shells) {
    const line = launcher.said("pipes\n").then(() => openLine(join(folder, name), launcher.kill));
    lines.push(line);
    shells.set(name, new StandingShell(line, start));
  }
  const ended = launcher.ended.then((how) => {
    for (const shell of shells.values()) shell.end(`its shell ended (${how})`);
  });
  try {
    await launcher.said("before\n");
  } catch (error) {
    remove();
    throw error;
  }
  return {
    shellOf(name) {
      const shell = shells.get(name);
      if (shell === undefined) throw new RangeError(`no shell is called ${name}`);
      return shell;
    },
    async close() {
      await Promise.all([...shells.values()].map((shell) => shell.close()));
      for (const line of await Promise.allSettled(lines)) {
        if (line.status === "fulfilled") line.value.end();
      }
      await ended;
      remove();
    },
  };
}

/** What comes before, the pipes, the shells; the launcher ends with the first that fails, or the last. */
function launchScript(folder: string, { shells, before = ":" }: ShellsOptions): string {
  const pipes = [...shells.keys()].flatMap((name) =>
    [...STREAMS, ...STANDING_TOOLS.map((tool) => tool.name)].map((each) => `${name}.${each}`),
  );
  const starts = [...shells].map(([name, { prefix }]) => {
    const at = join(folder, name);
    const command = commandLine([...prefix, "sh"]);
    return `${command} <${at}.stdin >${at}.stdout 2>${at}.stderr || { echo "${name}: exit code $?" >&2; kill $$; } &`;
  });
  return [
    `( ${before}\n) && echo before || exit`,
    `cd ${folder} && mkfifo ${pipes.join(" ")} && echo pipes || exit`,
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

function launch(script: string): Launcher {
  // A process group of its own: a command that does not end is killed with all that was started here.
  const child = spawn("sh", ["-c", script], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: environment(),
  });
  const heard = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      heard[stream] += text;
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => {
      // What it wrote before is read in this turn.
      setImmediate(() => resolve(`${signal ?? code} ${heard.stderr.trim()}`.trim()));
    });
  });
  const said = (word: string) =>
    new Promise<void>((resolve, reject) => {
      child.stdout.on("data", () => {
        if (heard.stdout.includes(word)) resolve();
      });
      void ended.then((how) => {
        reject(new ShellError("not-started", ["sh"], `its shell ended (${how})`, ""));
      });
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
type OwnLine = ShellLine & { end: () => void };

function openLine(at: string, kill: () => void): OwnLine {
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
