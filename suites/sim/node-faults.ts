// What faults do to processes, disks, processors and clocks; and how a process comes back.

import type { DiskFile, FaultIntent, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { PAUSING } from "../../nemesis/processes.js";
import type { Random } from "../../nemesis/random.js";
import type { MemoryStore } from "../../node/ledger/memory-store.js";
import { type DiskBites, type DiskFlaws, NO_BITES, SOUND } from "./disk-faults.js";
import { nameOf, principalOf } from "./names.js";
import type { SimClient } from "./sim-client.js";
import type { SimReplica } from "./sim-replica.js";
import { Violation } from "./violation.js";
import type { Watch } from "./watch.js";

/** A slow disk, times the usual. */
const SLOW_FACTOR = 100;

const DISK_FILES: readonly DiskFile[] = ["protocol-log", "protocol-log", "ledger"];

type DamageIntent = FaultIntent & { kind: "disk-damage" };
type Image = { restoreLog: () => void; store: MemoryStore };

export type Nodes = {
  replicas: readonly SimReplica[];
  clients: readonly SimClient[];
  watch: Watch;
  random: Random;
};

export class NodeFaults {
  readonly #replicas: readonly SimReplica[];
  readonly #clients: readonly SimClient[];
  readonly #watch: Watch;
  readonly #random: Random;
  readonly #bitesBefore = new Map<string, DiskBites>();
  /** How a disk was when a roll-back of it was announced, by fault and node. */
  readonly #images = new Map<string, Image>();
  /** By fault id: what was seen of it. */
  readonly #bites = new Map<string, string[]>();

  constructor({ replicas, clients, watch, random }: Nodes) {
    this.#replicas = replicas;
    this.#clients = clients;
    this.#watch = watch;
    this.#random = random;
  }

  apply(fault: ResolvedFault, active: readonly ResolvedFault[]): void {
    const { intent } = fault;
    for (const replica of this.#of(fault)) {
      const before = replica.ended;
      switch (intent.kind) {
        case "kill":
          replica.end("kill");
          if (before === undefined) this.#bite(fault, `${nameOf(replica.id)} ended`);
          break;
        case "power-cut":
          replica.end("power-cut", intent.unsynced);
          this.#bite(fault, `${nameOf(replica.id)} lost power`);
          break;
        case "crash":
          replica.crashAt(intent.boundary, intent.how);
          break;
        case "kill-at":
          replica.points.arm(intent.point, intent.count);
          break;
        case "terminate":
          replica.terminate();
          if (before === undefined) this.#bite(fault, `${nameOf(replica.id)} ended`);
          break;
        case "memory":
          replica.end("kill");
          if (before === undefined) this.#bite(fault, `${nameOf(replica.id)} ended`);
          break;
        case "pause":
        case "freeze":
          replica.pause();
          this.#bite(fault, `${nameOf(replica.id)} stopped`);
          break;
        case "disk-damage":
          // A wiped replica knows that it forgot; the others do not, and may contradict themselves.
          if (intent.damage !== "wiped") this.#watch.excuse(replica.id);
          if (intent.damage === "rolled-back") {
            const image = { restoreLog: replica.disk.image(), store: replica.store.copy() };
            this.#images.set(`${fault.id} ${replica.id}`, image);
          } else {
            replica.end("kill");
          }
          break;
        case "lie":
          this.#watch.excuse(replica.id);
          break;
        case "disk":
          this.#bitesBefore.set(`${fault.id} ${replica.id}`, { ...replica.disk.bites });
          break;
        case "strobe":
          replica.clock.strobe(intent.periodMs);
          this.#bite(fault, `${nameOf(replica.id)} had it`);
          break;
        case "slow-cpu":
        case "clock":
        case "files":
          this.#bite(fault, `${nameOf(replica.id)} had it`);
          break;
        default:
          throw new RangeError(`${intent.kind} is no fault of a node`);
      }
    }
    if (intent.kind === "clock") {
      // Timers know nothing of a jump back: their clock never runs backwards.
      const jumpMs = Math.max(0, intent.jumpMs);
      for (const replica of this.#of(fault)) replica.clock.set(intent.rate, jumpMs);
    }
    if (intent.kind === "kill") this.#killClients(fault);
    this.#adjust(active);
  }

  #killClients(fault: ResolvedFault): void {
    for (const client of this.#clients) {
      const name = nameOf(client.principal);
      if (!fault.nodes.includes(name)) continue;
      if (!client.isDown) this.#bite(fault, `${name} ended`);
      client.end();
    }
  }

  heal(fault: ResolvedFault, active: readonly ResolvedFault[]): void {
    const { intent } = fault;
    for (const replica of this.#of(fault)) {
      if (intent.kind === "clock" || intent.kind === "strobe") replica.clock.set(1, 0);
      if (PAUSING.has(intent.kind) && !pausedBy(active, nameOf(replica.id))) replica.resume();
      if (intent.kind === "disk-damage") this.#damage(fault, replica, intent);
      if (intent.kind === "disk") this.#noteDisk(fault, replica);
      if (intent.kind === "crash") {
        if (replica.ended !== undefined) this.#bite(fault, `${nameOf(replica.id)} ended`);
        replica.disarm();
      }
      if (intent.kind === "kill-at") {
        if (replica.ended !== undefined) this.#bite(fault, `${nameOf(replica.id)} ended`);
        replica.points.disarm();
      }
    }
    this.#adjust(active);
  }

  bitesOf(faultId: string): readonly string[] {
    return this.#bites.get(faultId) ?? [];
  }

  /** Starts the process again, as an operator would: on a fresh disk where the old one is refused. */
  restart(replica: SimReplica): void {
    const { ended } = replica;
    if (ended?.how === "exit" && this.#isFlawed(replica)) return; // It would end again.
    replica.start(false);
    const again = replica.ended;
    if (again?.how !== "exit" || this.#isFlawed(replica)) return;
    throw new Violation("processes", `${nameOf(replica.id)} did not start again: ${again.message}`);
  }

  #damage(fault: ResolvedFault, replica: SimReplica, intent: DamageIntent): void {
    const { damage } = intent;
    const name = nameOf(replica.id);
    replica.end("kill");
    switch (damage) {
      case "wiped":
        this.#wipe(replica);
        break;
      case "rolled-back": {
        const image = this.#images.get(`${fault.id} ${replica.id}`);
        if (image === undefined) return;
        replica.rollBack(image);
        this.#watch.onWipe(replica.id);
        break;
      }
      case "bit-flip":
      case "truncated":
      case "torn":
      case "misdirected":
        if ((intent.file ?? this.#random.pick(DISK_FILES)) === "ledger") {
          // It has no bytes here to change; what a replica makes of changed ones is to set it aside.
          replica.loseLedger();
          this.#watch.onLostLedger(replica.id);
        } else if (!replica.damageLog(damage)) {
          return;
        }
        break;
      default:
        damage satisfies never;
    }
    this.#bite(fault, `${name}'s disk: ${damage}`);
  }

  /** What the flaws of a disk did while this fault was one of their causes. */
  #noteDisk(fault: ResolvedFault, { id, disk }: SimReplica): void {
    const before = this.#bitesBefore.get(`${fault.id} ${id}`) ?? NO_BITES;
    const { writesFailed, readsFailed, syncsFailed, refusedForSpace, slowed } = disk.bites;
    const counts: [number, string][] = [
      [writesFailed - before.writesFailed, "writes failed"],
      [readsFailed - before.readsFailed, "reads failed"],
      [syncsFailed - before.syncsFailed, "syncs failed"],
      [refusedForSpace - before.refusedForSpace, "writes found no space"],
      [slowed - before.slowed, "accesses were slow"],
    ];
    for (const [count, what] of counts) {
      if (count > 0) this.#bite(fault, `${nameOf(id)}: ${count} ${what}`);
    }
  }

  #wipe(replica: SimReplica): void {
    replica.wipe();
    this.#watch.onWipe(replica.id);
  }

  /** Sets what several faults may ask of one node. */
  #adjust(active: readonly ResolvedFault[]): void {
    for (const replica of this.#replicas) {
      let factor = 1;
      let flaws: DiskFlaws = SOUND;
      for (const { intent, nodes } of active) {
        if (!nodes.includes(nameOf(replica.id))) continue;
        // The least share counts, as on a real machine: a product would leave work for long after the cure.
        if (intent.kind === "slow-cpu") factor = Math.max(factor, intent.factor);
        if (intent.kind === "files") flaws = { ...flaws, noneOpens: true };
        if (intent.kind !== "disk") continue;
        switch (intent.flaw) {
          case "slow":
            flaws = {
              ...flaws,
              writeUs: flaws.writeUs * SLOW_FACTOR,
              syncUs: flaws.syncUs * SLOW_FACTOR,
            };
            break;
          case "full":
            flaws = { ...flaws, full: true };
            break;
          case "write-error":
            flaws = { ...flaws, failing: "write" };
            break;
          case "read-error":
            flaws = { ...flaws, failing: "read" };
            break;
          case "sync-error":
            flaws = { ...flaws, failing: "sync" };
            break;
          default:
            intent.flaw satisfies never;
        }
      }
      replica.cpuFactor = factor;
      replica.disk.flaws = flaws;
    }
  }

  #isFlawed({ disk: { flaws } }: SimReplica): boolean {
    return flaws.full || flaws.noneOpens || flaws.failing !== "none";
  }

  #of({ nodes }: ResolvedFault): SimReplica[] {
    return nodes.flatMap((node) => this.#replicas[principalOf(node)] ?? []);
  }

  #bite({ id }: ResolvedFault, what: string): void {
    this.#bites.set(id, [...(this.#bites.get(id) ?? []), what]);
  }
}

function pausedBy(active: readonly ResolvedFault[], name: NodeName): boolean {
  return active.some(({ intent, nodes }) => PAUSING.has(intent.kind) && nodes.includes(name));
}
