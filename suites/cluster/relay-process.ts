// The runner's end of the relay process.

import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { LinkRule } from "../../nemesis/faults.js";
import { within } from "./deadline.js";
import { readLines } from "./json-lines.js";
import type { RelayAddress, RelayNode } from "./relay.js";
import type { LinkTraffic } from "./relay-link.js";
import { decodeAnswer, encodeLine, type RelayAnswer, type RelayCommand } from "./relay-wire.js";

const ANSWER_MS_MAX = 10_000;
const MAIN = fileURLToPath(new URL("./relay-main.js", import.meta.url));

type Asked = { resolve: (answer: RelayAnswer) => void; reject: (error: Error) => void };

export class RelayProcess {
  readonly pid: number;
  readonly #stdin: Writable;
  readonly #asked: Asked[] = [];
  readonly #exited: Promise<void>;
  #gone: string | undefined;
  #stopping = false;

  /** Starts the process; it ends when its stdin does, so also when this process is killed. */
  constructor() {
    const subprocess = execa(process.execPath, [MAIN], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      buffer: false,
      reject: false,
      cleanup: false,
      // A session of its own: a Ctrl-C is for the runner, which still needs the relay to stop well.
      detached: true,
    });
    if (subprocess.pid === undefined) throw new Error("relay: could not start its process");
    this.pid = subprocess.pid;
    this.#stdin = subprocess.stdin;
    this.#stdin.on("error", (error) => this.#fail(`relay: ${error.message}`));
    this.#read(subprocess.stdout);
    this.#exited = subprocess.then((result) => {
      const how = result.signal ?? `exit ${result.exitCode}`;
      this.#fail(`relay: its process ended (${how})`);
    });
  }

  /** Why the relay is gone, unless it was stopped; without it the cluster has no network. */
  get failure(): string | undefined {
    return this.#stopping ? undefined : this.#gone;
  }

  async open(
    seed: number,
    nodes: readonly RelayNode[],
    pairs: readonly (readonly [string, string])[],
  ): Promise<readonly RelayAddress[]> {
    const answer = await this.#ask({ op: "open", seed, nodes, pairs });
    if (answer.op !== "open") throw new Error(`relay: want an answer to open, found ${answer.op}`);
    return answer.addresses;
  }

  async setRules(rules: readonly LinkRule[]): Promise<void> {
    await this.#ask({ op: "rules", rules });
  }

  async traffic(): Promise<readonly LinkTraffic[]> {
    const answer = await this.#ask({ op: "counters" });
    if (answer.op !== "counters") throw new Error(`relay: want counters, found ${answer.op}`);
    return answer.links;
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    this.#stdin.end();
    const ended = await within(
      this.#exited.then(() => true),
      deadlineMs,
    );
    if (ended === undefined && this.#gone === undefined) process.kill(this.pid, "SIGKILL");
    await this.#exited;
  }

  async #ask(command: RelayCommand): Promise<RelayAnswer> {
    if (this.#gone !== undefined) throw new Error(this.#gone);
    const answered = new Promise<RelayAnswer>((resolve, reject) => {
      this.#asked.push({ resolve, reject });
    });
    this.#stdin.write(encodeLine(command));
    const answer = await within(answered, ANSWER_MS_MAX);
    if (answer === undefined) throw new Error(`relay: no answer to ${command.op} in time`);
    if (answer.op === "failed") throw new Error(answer.error);
    return answer;
  }

  #read(stdout: Readable): void {
    readLines(stdout, (line) => {
      const first = this.#asked.shift();
      if (first === undefined) this.#fail("relay: an answer that nobody asked for");
      else first.resolve(decodeAnswer(line));
    });
  }

  #fail(reason: string): void {
    this.#gone ??= reason;
    for (const { reject } of this.#asked.splice(0)) reject(new Error(reason));
  }
}
