// One connection to a host for all that is done there: the first command opens it, the others share it
// (ControlMaster), and it ends with the run, or by itself soon after the runner was killed.
// Source: ssh(1), ssh_config(5).

import { join } from "node:path";
import { execa } from "execa";
import { commandLine, localShell, type Shell, ShellError } from "../../nemesis/host/shell.js";
import { carrierOf } from "./agent-carrier.js";
import type { AgentCarrier } from "./agent-link.js";
import type { Host } from "./inventory.js";
import { type Registration, register } from "./registry.js";

const CONNECT_S_MAX = 10;
/** An idle connection of a runner that is gone ends after this. */
const PERSIST_S = 15;
/** With the time to connect, and on a slow host. */
const COMMAND_MS_MAX = 45_000;
const SEND_MS_MAX = 120_000;
/** ssh's own failures, as against those of the command there. */
const EXIT_SSH = 255;

export type Rights = "user" | "root";

export class SshConnection {
  readonly host: Host;
  readonly #options: readonly string[];
  readonly #socket: string;
  readonly #registration: Registration;

  /** Connects when it is first used. `folder`: for the socket and the known hosts of this run; short. */
  constructor(host: Host, folder: string) {
    this.host = host;
    this.#socket = join(folder, `${host.name}.ssh`);
    this.#options = sshOptions(host, this.#socket, join(folder, "known_hosts"));
    this.#registration = register({ kind: "ssh-master", socket: this.#socket });
  }

  /** Runs each command by a call of ssh. Rejects with a ShellError where ssh itself fails. */
  shell(rights: Rights): Shell {
    return {
      run: async (argv, options) => {
        const deadlineMs = options?.deadlineMs ?? COMMAND_MS_MAX;
        const command = this.#argv(argv, rights);
        const result = await localShell().run(command, { ...options, deadlineMs });
        if (result.exitCode !== EXIT_SSH) return result;
        throw new ShellError("not-started", ["ssh", this.host.name], "failed", result.stderr);
      },
    };
  }

  /** Runs the command with these bytes as its stdin; throws where it fails. */
  async send(argv: readonly string[], rights: Rights, bytes: Uint8Array): Promise<void> {
    const [file = "ssh", ...args] = this.#argv(argv, rights);
    const result = await execa(file, args, {
      input: bytes,
      reject: false,
      timeout: SEND_MS_MAX,
      killSignal: "SIGKILL",
    });
    if (result.exitCode === 0) return;
    const how = result.timedOut ? `no end in ${SEND_MS_MAX} ms` : `exit code ${result.exitCode}`;
    throw new ShellError("exit-code", ["ssh", this.host.name, ...argv], how, result.stderr);
  }

  /** An agent's lines over this connection. */
  carrier(argv: readonly string[], rights: Rights): AgentCarrier {
    return carrierOf(this.#argv(argv, rights));
  }

  /** Resolves when the connection has ended; it may never have been opened. */
  async close(): Promise<void> {
    const target = targetOf(this.host);
    await localShell().run(["ssh", "-O", "exit", "-o", `ControlPath=${this.#socket}`, target]);
    this.#registration.release();
  }

  #argv(argv: readonly string[], rights: Rights): readonly string[] {
    return [
      "ssh",
      ...this.#options,
      "--",
      targetOf(this.host),
      remoteCommand(argv, rights === "root" && this.host.sudo),
    ];
  }
}

/** The command as one word for the host's login shell, with the folders of tools in the PATH. */
export function remoteCommand(argv: readonly string[], sudo: boolean): string {
  const inner = commandLine([...(sudo ? ["sudo", "-n", "--"] : []), ...argv]);
  return commandLine(["sh", "-c", `PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C exec ${inner}`]);
}

export function sshOptions(host: Host, socket: string, knownHosts: string): readonly string[] {
  const options = {
    BatchMode: "yes",
    ConnectTimeout: CONNECT_S_MAX,
    // A host that nobody has seen is accepted once; for this run it must stay the same.
    StrictHostKeyChecking: "accept-new",
    UserKnownHostsFile: knownHosts,
    ControlMaster: "auto",
    ControlPath: socket,
    ControlPersist: PERSIST_S,
    ServerAliveInterval: 5,
    ServerAliveCountMax: 6,
    LogLevel: "ERROR",
    ...(host.identity !== undefined && { IdentityFile: host.identity, IdentitiesOnly: "yes" }),
  };
  const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return [...words, "-p", String(host.port)];
}

function targetOf({ user, address }: Host): string {
  return user === undefined ? address : `${user}@${address}`;
}
