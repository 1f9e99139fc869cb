// Scenario scripts: text files that drive a few replicas by hand and show every effect. A command line,
// then its output indented by two spaces, then an empty line; "#" lines tell the story.
//
//   cluster n=4 checkpoint=4 window=8 outstanding=1
//   request c0 deposit to r0 r1       delivered at once
//   again c0 to r0 r1                 the same request once more
//   say r1 prepare 0/1 c0:deposit to r2    a faulty r1's own words (script-voice.ts), at once
//   deliver [from r0] [to r1 r2] [kind prepare ...]    what is pending and matches, and what follows
//   drop    [from r0] [to r1 r2] [kind prepare ...]
//   timeout r1 view
//   crash r1 [after 1]                now, or when it has performed so many more effects
//   restart r1 | wipe r1
//   status
//   quietly COMMAND                   for what has been shown elsewhere: no output

import assert from "node:assert";
import { PROTOCOL_DEFAULTS, type ProtocolConfig } from "../config.js";
import type { LogRecord } from "../log.js";
import type { Message, PrincipalId, ReplicaId } from "../messages.js";
import { createReplica, type Replica, recover, statusOf, step } from "../replica.js";
import type { Effect, TimerName } from "../step.js";
import { modelKeyring } from "./model-keyring.js";
import { type ModelStateMachine, modelStateMachine } from "./model-state-machine.js";
import { describeEffect } from "./script-effects.js";
import { ScriptVoice } from "./script-voice.js";
import { type Filter, filterOf, type Pending, replicaOf, timerOf } from "./script-words.js";

type Node = {
  replica: Replica;
  stateMachine: ModelStateMachine;
  log: LogRecord[];
  /** Records that wait for the next that must be durable. */
  unsynced: LogRecord[];
  alive: boolean;
  effectsUntilCrash: number;
};

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
  private voice = new ScriptVoice(this.config);
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
      case "again":
        this.requestAgain(words);
        break;
      case "say":
        this.say(words);
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
        if (words[1] === "after")
          this.node(replicaOf(words[0])).effectsUntilCrash = Number(words[2]);
        else this.crash(replicaOf(words[0]));
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
      case "quietly":
        this.run(words.join(" "));
        return [];
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
    this.voice = new ScriptVoice(this.config);
    this.nodes = Array.from({ length: this.config.n }, (_, id) => this.createNode(id, false));
    for (const node of this.nodes) recover(node.replica, []); // the first statuses tell nothing
  }

  private createNode(id: ReplicaId, hollow: boolean, before?: Node): Node {
    const stateMachine = before?.stateMachine ?? modelStateMachine(() => undefined);
    const { config } = this;
    const keyring = modelKeyring(id);
    const replica = createReplica({ id, config, keyring, stateMachine, hollow });
    return {
      replica,
      stateMachine,
      log: before?.log ?? [],
      unsynced: [],
      alive: true,
      effectsUntilCrash: Number.POSITIVE_INFINITY,
    };
  }

  private node(id: ReplicaId): Node {
    const node = this.nodes[id];
    assert(node !== undefined, `no replica ${id}`);
    return node;
  }

  private request(words: readonly string[]): void {
    const [session = "", operation = "", , ...targets] = words;
    const message = this.voice.nextRequest(session, operation);
    for (const target of targets) this.hand(256, replicaOf(target), message);
  }

  private requestAgain(words: readonly string[]): void {
    const [session = "", , ...targets] = words;
    const message = this.voice.lastRequest(session);
    for (const target of targets) this.hand(256, replicaOf(target), message);
  }

  private say(words: readonly string[]): void {
    const { from, to, message } = this.voice.say(words);
    for (const target of to) this.hand(from, target, message);
  }

  private hand(from: PrincipalId, to: ReplicaId, message: Message): void {
    const { replica, alive } = this.node(to);
    if (alive) this.perform(to, step(replica, { kind: "message", from, message }));
  }

  private deliver(matches: Filter): void {
    for (let count = 0; ; count++) {
      assert(count < DELIVERIES_MAX, "the script never comes to rest");
      const index = this.pending.findIndex(matches);
      const [next] = index < 0 ? [] : this.pending.splice(index, 1);
      if (next === undefined) return;
      const { from, to, message } = next;
      this.hand(from, to, message);
    }
  }

  private drop(matches: Filter): void {
    this.pending = this.pending.filter((one) => !matches(one));
  }

  private timeout(id: ReplicaId, timer: TimerName): void {
    this.perform(id, step(this.node(id).replica, { kind: "timeout", timer }));
  }

  private crash(id: ReplicaId): void {
    const node = this.node(id);
    node.alive = false;
    node.effectsUntilCrash = Number.POSITIVE_INFINITY;
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
      if (node.effectsUntilCrash-- <= 0) {
        this.output.push(`r${id} dies`);
        this.crash(id);
        return;
      }
      this.show(id, effect);
      if (effect.kind === "send") this.voice.hear(effect.message);
      if (effect.kind === "persist") {
        node.unsynced.push(effect.record);
        if (!effect.later) node.log.push(...node.unsynced.splice(0));
      }
      if (effect.kind === "compact") {
        node.log = [...effect.records];
        node.unsynced = [];
      }
      if (effect.kind !== "send") continue;
      // A driver ends the transaction before it sends; nobody sees the difference earlier.
      node.stateMachine.commit();
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
