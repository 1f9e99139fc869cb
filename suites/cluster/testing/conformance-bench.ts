// One cluster under test, with words for what the cases of conformance do to it.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  Evidence,
  FaultIntent,
  FaultKind,
  LinkRule,
  MessageMatch,
  NodeName,
} from "../../../nemesis/faults.js";
import { type Grudge, linksOfGrudge } from "../../../nemesis/grudge.js";
import type { ClientAnswer } from "../../../node/runtime/client-call.js";
import { PATIENCE } from "../deadline.js";
import type { Environment, EnvironmentOptions, NodeStatus } from "../environment.js";

const DEADLINE_MS = 20_000 * PATIENCE;
const POLL_MS = 20;
/** The compiled files of this very build. */
export const BUILD = resolve(fileURLToPath(new URL("../../../", import.meta.url)));
export const TARGET = { kind: "none" } as const;
export const CUT = { kind: "partition", shape: "isolate", target: TARGET } as const;

export function environmentOptions(directory: string): EnvironmentOptions {
  return { replicas: 4, clientProcesses: 2, directory, protocol: {}, build: BUILD, seed: 11 };
}

/** Says so where an environment cannot do this here. */
export function cannot(kind: FaultKind, { name, capabilities }: Environment): boolean {
  if (capabilities.has(kind)) return false;
  process.stdout.write(`skipped: conformance of ${name}: ${kind}: it cannot do that here\n`);
  return true;
}

export class Bench {
  readonly environment: Environment;
  #faultCount = 0;
  #callCount = 0;
  #deposited = 0;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  get everybody(): readonly NodeName[] {
    return [...this.environment.replicas, ...this.environment.clients];
  }

  /** A session of its own for each call: a lost one blocks nobody. */
  call(client: NodeName, f: string, value: object, timeoutMs = DEADLINE_MS): Promise<ClientAnswer> {
    const id = ++this.#callCount;
    return this.environment.call(client, { id, session: id, f, value, timeoutMs });
  }

  async open(): Promise<void> {
    assert.equal((await this.call("c0", "open", { account: "A" })).type, "ok");
  }

  /** Deposits 1, `count` times, all at once through c0; every one must be acknowledged. */
  async deposit(count = 1): Promise<readonly ClientAnswer[]> {
    const answers = await Promise.all(
      Array.from({ length: count }, () => this.call("c0", "deposit", { account: "A", amount: 1 })),
    );
    for (const { type, error } of answers) assert.equal(type, "ok", error);
    this.#deposited += count;
    return answers;
  }

  /** True as soon as it holds, false when it has not within the deadline, on the nodes' own clock. */
  async until(holds: () => Promise<boolean>): Promise<boolean> {
    const { time } = this.environment;
    const end = time.nowMs() + DEADLINE_MS;
    for (;;) {
      if (await holds()) return true;
      if (time.nowMs() >= end) return false;
      await time.sleep(POLL_MS);
    }
  }

  /** Everything that was acknowledged is there. */
  async audit(): Promise<void> {
    const { type, value } = await this.call("c0", "balance", { account: "A" });
    assert.equal(type, "ok");
    assert.deepEqual(value, { account: "A", balance: this.#deposited });
  }

  async apply(intent: FaultIntent, links: readonly LinkRule[]): Promise<string> {
    const id = `f${++this.#faultCount}`;
    await this.environment.apply({ id, intent, nodes: [], links });
    return id;
  }

  /** Loses datagrams with such messages on these links ("r0>r1"). */
  async lose(match: MessageMatch, links: readonly (readonly [NodeName, NodeName])[]) {
    const messages = [{ faultId: `f${this.#faultCount + 1}`, effect: "drop" as const, match }];
    const intent = { kind: "message", effect: "drop", match, direction: "in" } as const;
    return this.apply(
      { ...intent, target: TARGET },
      links.map(([from, to]) => ({ from, to, messages })),
    );
  }

  async cut(grudge: Grudge): Promise<string> {
    return this.apply(CUT, linksOfGrudge(grudge));
  }

  async strike(kind: "kill" | "pause" | "terminate", nodes: readonly NodeName[]): Promise<string> {
    return this.harm({ kind, target: { kind: "nodes", nodes } }, nodes);
  }

  async harm(intent: FaultIntent, nodes: readonly NodeName[]): Promise<string> {
    const id = `f${++this.#faultCount}`;
    await this.environment.apply({ id, intent, nodes, links: [] });
    return id;
  }

  /** Heals, and expects that the fault has bitten. */
  async heal(faultId: string): Promise<Evidence> {
    const evidence = await this.environment.heal(faultId);
    assert.ok(evidence.landed, evidence.summary);
    assert.notEqual(evidence.mechanism, "");
    return evidence;
  }

  /** The fault on every link between nodes that talk. */
  everyLink(rule: Omit<LinkRule, "from" | "to">): readonly LinkRule[] {
    const { replicas } = this.environment;
    return this.everybody.flatMap((from) =>
      this.everybody
        .filter((to) => to !== from && (replicas.includes(from) || replicas.includes(to)))
        .map((to) => ({ from, to, ...rule })),
    );
  }

  async status(node: NodeName): Promise<NodeStatus> {
    const found = (await this.environment.observe()).find((status) => status.node === node);
    assert.ok(found);
    return found;
  }

  async seq(node: NodeName): Promise<number> {
    return (await this.status(node)).status?.executedSeq ?? -1;
  }

  /** All replicas reach one seq and one digest. */
  async settle(): Promise<void> {
    let seen = "";
    const agreed = await this.until(async () => {
      const states = (await this.environment.observe()).map(
        ({ status }) => `${status?.executedSeq} ${status?.digest}`,
      );
      seen = states.join(", ");
      return !seen.includes("undefined") && new Set(states).size === 1;
    });
    assert.ok(agreed, `replicas came to rest in one state, found ${seen}`);
  }
}
