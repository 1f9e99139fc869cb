// A container as a machine: its first process is an agent, driven over the container's stdin and stdout.
// A kill ends the whole container, as a host that loses its power; the next start boots it again, with
// the files that it had and a network that knows of no rule.

import type { ProcessHandle } from "../../nemesis/host/process.js";
import type { Shell } from "../../nemesis/host/shell.js";
import { carrierOf } from "./agent-carrier.js";
import { AgentMachine } from "./agent-machine.js";
import type { ControlQuestion } from "./control.js";
import { docker } from "./docker-client.js";
import type { JsonObject } from "./json-lines.js";
import type { Leftover } from "./leftover.js";
import type { Release, RunningProcess, StartOptions } from "./machine.js";
import type { RemoteMachine } from "./remote-ground.js";

export type PowerHooks = {
  /** The container is about to be killed. */
  beforeDown(): Promise<void>;
  /** It is up again, and nothing runs in it yet. */
  afterUp(): Promise<void>;
};

const AGENT_STOP_MS_MAX = 10_000;

export class DockerMachine implements RemoteMachine {
  readonly shell: Shell;
  readonly #container: string;
  #agent: AgentMachine;
  #isUp = true;
  #booting: Promise<void> | undefined;
  hooks: PowerHooks | undefined;

  private constructor(container: string, agent: AgentMachine) {
    this.#container = container;
    this.#agent = agent;
    this.shell = {
      run: async (argv, options) => {
        await this.#boot();
        return this.#agent.shell.run(argv, options);
      },
    };
  }

  /** Starts a container that was created with an agent as its command and an open stdin. */
  static async boot(container: string): Promise<DockerMachine> {
    return new DockerMachine(container, await connect(container));
  }

  get sharesClock(): boolean {
    return this.#agent.sharesClock;
  }

  async start(command: readonly string[], options: StartOptions): Promise<RunningProcess> {
    await this.#boot();
    await this.#booting;
    const running = await this.#agent.start(command, options);
    const agent = this.#agent;
    // Whatever ends an agent ends its container; how, docker knows.
    const ended = running.ended.then((how) => (agent.isGone ? this.#howItEnded() : how));
    return {
      handle: running.handle satisfies ProcessHandle,
      pipes: running.pipes,
      ended,
      signal: async (signal) => (signal === "SIGKILL" ? this.#powerOff() : running.signal(signal)),
      pause: (deadlineMs) => running.pause(deadlineMs),
      resume: (deadlineMs) => running.resume(deadlineMs),
      observe: () => running.observe(),
    };
  }

  ask(path: string, question: ControlQuestion, deadlineMs: number) {
    return this.#agent.ask(path, question, deadlineMs) satisfies Promise<JsonObject | undefined>;
  }

  register(leftover: Leftover): Promise<Release> {
    return this.#agent.register(leftover);
  }

  put(path: string, text: string, mode: number): Promise<void> {
    return this.#agent.put(path, text, mode);
  }

  async remove(path: string): Promise<void> {
    await this.#boot();
    await this.#agent.remove(path);
  }

  tail(path: string, chars: number): Promise<string> {
    return this.#agent.tail(path, chars);
  }

  async finally(argv: readonly string[]): Promise<void> {
    await this.#agent.finally(argv);
  }

  async collect(there: string, here: string): Promise<void> {
    await this.#boot();
    await this.#agent.collect(there, here);
  }

  /** The agent ends, and the container with it; it is not removed. */
  async close(): Promise<void> {
    if (this.#isUp) await this.#agent.close(AGENT_STOP_MS_MAX);
    this.#isUp = false;
  }

  async #powerOff(): Promise<void> {
    if (!this.#isUp) return;
    await this.hooks?.beforeDown();
    await docker(["kill", this.#container]);
    await this.#agent.gone;
    this.#isUp = false;
  }

  /** Where it is down; whoever else comes meanwhile waits for the same boot, but for the hook's commands. */
  async #boot(): Promise<void> {
    if (this.#isUp) return;
    this.#booting ??= this.#up().finally(() => {
      this.#booting = undefined;
    });
    await this.#booting;
  }

  async #up(): Promise<void> {
    this.#agent = await connect(this.#container);
    this.#isUp = true;
    await this.hooks?.afterUp();
  }

  async #howItEnded(): Promise<string> {
    const format = "{{.State.Running}} {{.State.ExitCode}}";
    const said = await docker(["inspect", "--format", format, this.#container]).catch(String);
    this.#isUp = false;
    if (said.trim() === "false 137") return "SIGKILL";
    return `the container ended: ${said.trim()}`;
  }
}

function connect(container: string): Promise<AgentMachine> {
  return AgentMachine.connect(carrierOf(["docker", "start", "-ai", container]));
}
