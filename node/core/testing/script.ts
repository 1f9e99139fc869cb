// Scenario scripts: text files that drive a few replicas by hand and show every effect. A command line,
// then its output indented by two spaces, then an empty line; "#" lines tell the story.
//
//   cluster n=4 checkpoint=4 window=8 outstanding=1
//   request c0 deposit to r0 r1       delivered at once
//   deliver [from r0] [to r1 r2] [kind prepare ...]    what is pending and matches, and what follows
//   drop    [from r0] [to r1 r2] [kind prepare ...]
//   timeout r1 view
//   crash r1 | restart r1 | wipe r1
//   status

import assert from "node:assert";
import { PROTOCOL_DEFAULTS, type ProtocolConfig } from "../config.js";
import type { LogRecord } from "../log.js";
import type { Message, PrincipalId, ReplicaId } from "../messages.js";
import { createReplica, type Replica, recover, statusOf, step } from "../replica.js";
import type { CoreEvent, Effect, TimerName } from "../step.js";
import { modelKeyring } from "./model-keyring.js";
import { modelRequest } from "./model-request.js";
import { type ModelStateMachine, modelStateMachine } from "./model-state-machine.js";

type Node = {
  replica: Replica;
  stateMachine: ModelStateMachine;
  log: LogRecord[];
  alive: boolean;
};
type Pending = { from: PrincipalId; to: PrincipalId; message: Message };
type Filter = (pending: Pending) => boolean;

const DELIVERIES_MAX = 10_000;

/** Runs the script; returns it with the output of every command filled in. */
export function runScript(text: string): string {
  const runner = new ScriptRunner();
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("  ")) continue; // the expected output
    lines.push(line);
    if (line === "" || line.startsWith("#")) continue;
    for (const output of runner.run(line)) lines.push(`  ${output}`);
  }
  return lines.join("\n");
}

class ScriptRunner {
  private config: ProtocolConfig = { cluster: "00112233445566aa", n: 4, ...PROTOCOL_DEFAULTS };
  private nodes: Node[] = [];
  private pending: Pending[] = [];
  private readonly timestamps = new Map<number, number>();
  private output: string[] = [];

  run(line: string): readonly string[] {
    this.output = [];
    const [command, ...words] = line.split(" ");
    switch (command) {
      case "cluster":
        this.cluster(words);
        break;
      case "request":
        this.request(words);
        break;
      case "deliver":
        this.deliver(filterOf(words));
        break;
      case "drop":
        this.drop(filterOf(words));
        break;
      case "timeout":
        this.timeout(replicaOf(words[0]), timerOf(words[1]));
        break;
      case "crash":
        this.crash(replicaOf(words[0]));
        break;
      case "restart":
        this.restart(replicaOf(words[0]), "with its log");
        break;
      case "wipe":
        this.restart(replicaOf(words[0]), "wiped");
        break;
      case "status":
        this.status();
        break;
      default:
        throw new Error(`no such command: ${line}`);
    }
    return this.output;
  }

  private cluster(words: readonly string[]): void {
    const numbers = new Map(words.map((word) => [word.split("=")[0], Number(word.split("=")[1])]));
    this.config = {
      ...this.config,
      n: numbers.get("n") ?? 4,
      checkpointInterval: numbers.get("checkpoint") ?? 4,
      window: numbers.get("window") ?? 8,
      statusIntervalMs: 1_000, // longer than the view time-out: scripts fire timers by hand
      batchesOutstandingMax: numbers.get("outstanding") ?? 1,
    };
    this.nodes = Array.from({ length: this.config.n }, (_, id) => this.createNode(id, false));
    for (const node of this.nodes) recover(node.replica, []); // the first statuses tell nothing
  }

  private createNode(id: ReplicaId, hollow: boolean, before?: Node): Node {
    const stateMachine = before?.stateMachine ?? modelStateMachine(() => undefined);
    const { config } = this;
    const keyring = modelKeyring(id);
    const replica = createReplica({ id, config, keyring, stateMachine, hollow });
    return { replica, stateMachine, log: before?.log ?? [], alive: true };
  }

  private node(id: ReplicaId): Node {
    const node = this.nodes[id];
    assert(node !== undefined, `no replica ${id}`);
    return node;
  }

  private request(words: readonly string[]): void {
    const [session = "", operation = "", , ...targets] = words;
    const client = 256 * 65536 + Number(session.slice(1));
    const timestamp = (this.timestamps.get(client) ?? 0) + 1;
    this.timestamps.set(client, timestamp);
    const message = modelRequest(this.config, client, timestamp, operation);
    for (const target of targets) {
      const to = replicaOf(target);
      this.perform(to, step(this.node(to).replica, { kind: "message", from: 256, message }));
    }
  }

  private deliver(matches: Filter): void {
    for (let count = 0; ; count++) {
      assert(count < DELIVERIES_MAX, "the script never comes to rest");
      const index = this.pending.findIndex(matches);
      const [next] = index < 0 ? [] : this.pending.splice(index, 1);
      if (next === undefined) return;
      const { from, to, message } = next;
      const node = this.nodes[to];
      if (node === undefined || !node.alive) continue;
      this.perform(to, step(node.replica, { kind: "message", from, message }));
    }
  }

  private drop(matches: Filter): void {
    this.pending = this.pending.filter((one) => !matches(one));
  }

  private timeout(id: ReplicaId, timer: TimerName): void {
    this.perform(id, step(this.node(id).replica, { kind: "timeout", timer }));
  }

  private crash(id: ReplicaId): void {
    this.node(id).alive = false;
    this.pending = this.pending.filter(({ to }) => to !== id);
  }

  private restart(id: ReplicaId, disk: "with its log" | "wiped"): void {
    const before = this.node(id);
    before.stateMachine = before.stateMachine.restarted("kill");
    const node = this.createNode(id, disk === "wiped", disk === "wiped" ? undefined : before);
    this.nodes[id] = node;
    this.perform(id, recover(node.replica, node.log));
  }

  private status(): void {
    this.nodes.forEach(({ replica, alive, stateMachine }, id) => {
      const { view, viewActive, executedSeq, stableSeq } = statusOf(replica);
      const state = alive ? `view ${view}${viewActive ? "" : " asked for"}` : "down";
      const last = stateMachine.history().at(-1)?.split(" ").slice(2).join(" ") ?? "nothing";
      this.output.push(`r${id} ${state}, executed ${executedSeq} (${last}), stable ${stableSeq}`);
    });
  }

  private perform(id: ReplicaId, effects: readonly Effect[]): void {
    const node = this.node(id);
    for (const effect of effects) {
      this.show(id, effect);
      if (effect.kind === "persist") node.log.push(effect.record);
      if (effect.kind === "compact") node.log = [...effect.records];
      if (effect.kind !== "send") continue;
      for (const to of effect.to) {
        if (to < this.config.n) this.pending.push({ from: id, to, message: effect.message });
      }
    }
    node.stateMachine.commit();
  }

  private show(id: ReplicaId, effect: Effect): void {
    const line = describeEffect(effect);
    if (line !== undefined) this.output.push(`r${id} ${line}`);
  }
}

function replicaOf(word = ""): ReplicaId {
  const id = Number(word.slice(1));
  assert(word.startsWith("r") && Number.isInteger(id), `no replica: ${word}`);
  return id;
}

function timerOf(word = ""): TimerName {
  assert(word === "view" || word === "status" || word === "fetch", `no timer: ${word}`);
  return word;
}

/** "from r0 to r1 r2 kind prepare commit": all parts may be left out. */
function filterOf(words: readonly string[]): Filter {
  const wanted = new Map<string, Set<string>>();
  let part: Set<string> | undefined;
  for (const word of words) {
    if (word === "from" || word === "to" || word === "kind") {
      part = new Set();
      wanted.set(word, part);
    } else {
      assert(part !== undefined, `not from, to or kind: ${word}`);
      part.add(word);
    }
  }
  const holds = (name: string, value: string): boolean => wanted.get(name)?.has(value) ?? true;
  return ({ from, to, message }) =>
    holds("from", `r${from}`) && holds("to", `r${to}`) && holds("kind", message.kind);
}

/** Timers and statuses would drown the story. */
function describeEffect(effect: Effect): string | undefined {
  switch (effect.kind) {
    case "persist":
      return `persist ${describeRecord(effect.record)}`;
    case "compact":
      return `compact to ${effect.records.length} records`;
    case "send": {
      if (effect.message.kind === "status") return undefined;
      const to = effect.to.map((one) => (one < 256 ? `r${one}` : "client")).join(" ");
      return `send ${describeMessage(effect.message)} to ${to}`;
    }
    case "set-timer":
      return effect.timer === "view" ? `view timer ${effect.delayMs} ms` : undefined;
    case "cancel-timer":
      return effect.timer === "view" ? "view timer off" : undefined;
    case "event":
      return describeEvent(effect.event);
    default:
      effect satisfies never;
      return undefined;
  }
}

function describeRecord(record: LogRecord): string {
  switch (record.kind) {
    case "view":
      return `view ${record.view}`;
    case "prepared":
    case "committed": {
      const { view, seq, digest } = record.certificate;
      return `${record.kind} ${view}/${seq} ${digest.slice(0, 4)}`;
    }
    case "stable":
      return `stable ${record.proof[0]?.seq}`;
    case "rejoin":
      return `rejoin ${record.seq}`;
    default:
      return describeMessage(record.message);
  }
}

function describeMessage(message: Message): string {
  switch (message.kind) {
    case "pre-prepare":
    case "prepare":
    case "commit":
    case "commit-certificate":
      return `${message.kind} ${message.view}/${message.seq} ${message.digest.slice(0, 4)}`;
    case "checkpoint":
      return `checkpoint ${message.seq} ${message.digest.slice(0, 4)}`;
    case "view-change": {
      const prepared = message.prepared.map(({ view, seq }) => `${view}/${seq}`).join(" ");
      return `view-change ${message.view} stable ${message.stableSeq} prepared [${prepared}]`;
    }
    case "new-view": {
      const from = message.viewChanges.map(({ replica }) => `r${replica}`).join(" ");
      const slots = message.prePrepares.map(({ seq, digest }) => `${seq} ${digest.slice(0, 4)}`);
      return `new-view ${message.view} from [${from}] with [${slots.join(", ")}]`;
    }
    case "reply":
      return `reply seq ${message.seq} "${Buffer.from(message.result).toString()}"`;
    case "request":
      return `request ${Buffer.from(message.operation).toString()}`;
    case "fetch":
      return `fetch ${message.digests.length} ${message.what}`;
    case "data":
      return `data of ${message.what}`;
    default:
      return message.kind;
  }
}

function describeEvent(event: CoreEvent): string {
  const { kind, ...rest } = event;
  const fields = Object.values(rest).map((field) =>
    `${field}`.replace(/^([0-9a-f]{4})[0-9a-f]{60}$/, "$1"),
  );
  return `* ${kind} ${fields.join(" ")}`;
}
