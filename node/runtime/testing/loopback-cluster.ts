// A cluster of replica processes on 127.0.0.1, for tests and measurements: starts, kills, wipes and
// asks them. Everything it makes lies in one directory; every process it starts is ended by `stop`.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ReplicaStatus } from "../../core/step.js";
import { type Client, openClient } from "../client.js";
import {
  type ClusterFile,
  createCluster,
  DATAGRAM_BYTES_MAX_DEFAULT,
  type ProtocolOverrides,
} from "../cluster-file.js";
import { freePorts } from "../free-ports.js";
import type { SecretKeys } from "../keys.js";
import type { LogLine } from "../structured-log.js";

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));
const STATUS_TIMEOUT_MS = 1_000;
const STOP_TIMEOUT_MS = 5_000;

export type LoopbackOptions = {
  directory: string;
  replicas: number;
  clients: number;
  protocol?: ProtocolOverrides;
  datagramBytesMax?: number;
  /** For node, before the program: "--cpu-prof" and the like. */
  nodeArguments?: readonly string[];
};

export type ControlStatus = ReplicaStatus & {
  digest: string;
  rssBytes: number;
  logBytes: number;
  ignored: Record<string, number>;
};

export type Ended = { code: number | null; signal: NodeJS.Signals | null; errors: string };

type Node = { child: ChildProcess; errors: () => string; ended: Promise<Ended> };

export class LoopbackCluster {
  readonly file: ClusterFile;
  readonly #options: LoopbackOptions;
  readonly #secrets: ReadonlyMap<string, SecretKeys>;
  readonly #nodes = new Map<number, Node>();
  readonly #clients: Client[] = [];

  private constructor(
    options: LoopbackOptions,
    file: ClusterFile,
    secrets: ReadonlyMap<string, SecretKeys>,
  ) {
    this.#options = options;
    this.file = file;
    this.#secrets = secrets;
  }

  /** Writes the files; starts nothing. */
  static async create(options: LoopbackOptions): Promise<LoopbackCluster> {
    const ports = await freePorts(options.replicas, "127.0.0.1");
    const { file, secrets } = createCluster({
      cluster: randomBytes(8).toString("hex"),
      protocol: options.protocol ?? {},
      datagramBytesMax: options.datagramBytesMax ?? DATAGRAM_BYTES_MAX_DEFAULT,
      replicas: ports.map((port, id) => ({ name: `r${id}`, host: "127.0.0.1", port })),
      clients: Array.from({ length: options.clients }, (_, index) => ({ name: `c${index}` })),
    });
    const cluster = new LoopbackCluster(options, file, secrets);
    mkdirSync(options.directory, { recursive: true });
    writeFileSync(cluster.clusterPath, JSON.stringify(file));
    for (const [name, secret] of secrets)
      writeFileSync(cluster.#keyPath(name), JSON.stringify(secret));
    return cluster;
  }

  get clusterPath(): string {
    return join(this.#options.directory, "cluster.json");
  }

  dataOf(id: number): string {
    return join(this.#options.directory, `r${id}`);
  }

  secretOf(name: string): SecretKeys {
    const secret = this.#secrets.get(name);
    if (secret === undefined) throw new Error(`no node ${name}`);
    return secret;
  }

  pidOf(id: number): number {
    return this.#nodeOf(id).child.pid ?? -1;
  }

  /** Starts all replicas of a new cluster and waits until each answers. */
  async up(): Promise<void> {
    for (const { id } of this.file.replicas) this.start(id, ["--init"]);
    await Promise.all(this.file.replicas.map(({ id }) => this.started(id)));
  }

  start(id: number, extra: readonly string[] = []): void {
    const data = this.dataOf(id);
    const output = openSync(`${data}.log`, "a");
    const child = spawn(
      process.execPath,
      [...(this.#options.nodeArguments ?? []), MAIN, ...this.argumentsOf(id), ...extra],
      { stdio: ["ignore", output, "pipe"] },
    );
    closeSync(output);
    let errors = "";
    child.stderr?.on("data", (chunk) => {
      errors += chunk;
    });
    const ended = new Promise<Ended>((done) => {
      child.once("close", (code, signal) => done({ code, signal, errors }));
    });
    this.#nodes.set(id, { child, errors: () => errors, ended });
  }

  argumentsOf(id: number): string[] {
    const control = join(this.#options.directory, `r${id}.sock`);
    const key = this.#keyPath(`r${id}`);
    return [
      ...["--cluster", this.clusterPath, "--key", key],
      ...["--data", this.dataOf(id), "--control", control],
    ];
  }

  /** Waits until the replica answers; throws what it said where it ended instead. */
  async started(id: number): Promise<ControlStatus> {
    const node = this.#nodeOf(id);
    return await waitFor(`r${id} to start`, async () => {
      if (node.child.exitCode !== null) throw new Error(`r${id} ended: ${node.errors()}`);
      return await this.status(id);
    });
  }

  /** Sends the signal and waits for the end. */
  async kill(id: number, signal: NodeJS.Signals): Promise<Ended> {
    const node = this.#nodeOf(id);
    node.child.kill(signal);
    return await node.ended;
  }

  async ended(id: number): Promise<Ended> {
    return await this.#nodeOf(id).ended;
  }

  wipe(id: number): void {
    rmSync(this.dataOf(id), { recursive: true });
  }

  /** Undefined where nobody answers in time. */
  async status(id: number): Promise<ControlStatus | undefined> {
    const line = await this.ask(id, { op: "status" });
    return line === undefined ? undefined : JSON.parse(line);
  }

  ask(id: number, question: object): Promise<string | undefined> {
    return new Promise((done) => {
      const connection = createConnection(join(this.#options.directory, `r${id}.sock`));
      let text = "";
      connection.setTimeout(STATUS_TIMEOUT_MS, () => connection.destroy());
      connection.on("data", (chunk) => {
        text += chunk;
        if (text.endsWith("\n")) connection.destroy();
      });
      // Nobody listens there, or no longer: the close that follows says so.
      connection.on("error", () => connection.destroy());
      connection.on("close", () => done(text.endsWith("\n") ? text : undefined));
      connection.end(`${JSON.stringify(question)}\n`);
    });
  }

  /** The structured log so far. */
  lines(id: number): LogLine[] {
    const text = readFileSync(`${this.dataOf(id)}.log`, "utf8");
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  async client(index: number): Promise<Client> {
    const client = await openClient({ cluster: this.file, key: this.secretOf(`c${index}`) });
    this.#clients.push(client);
    return client;
  }

  /** Ends every client and every process. */
  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(
      [...this.#nodes.values()].map(async ({ child, ended }) => {
        child.kill("SIGCONT");
        child.kill("SIGTERM");
        const deadline = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
        await ended;
        clearTimeout(deadline);
      }),
    );
  }

  #keyPath(name: string): string {
    return join(this.#options.directory, `${name}.key`);
  }

  #nodeOf(id: number): Node {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`r${id} was never started`);
    return node;
  }
}

/** Asks again and again until the answer is there; throws at the deadline. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((next) => setTimeout(next, 10));
  }
}
