// A replica in the simulation: the real driver, log, ledger and core of the build under test, on a
// modelled disk, processor and clock. Its process can end before any effect that reaches the world.

import type { Random } from "../../nemesis/random.js";
import type { ProtocolConfig } from "../../node/core/config.js";
import type { ReassemblyLimits } from "../../node/core/fragments.js";
import type { Keyring } from "../../node/core/keyring.js";
import type { PrincipalId, ReplicaId } from "../../node/core/messages.js";
import type { Replica } from "../../node/core/replica.js";
import type { LedgerMachine } from "../../node/ledger/machine.js";
import type { MemoryStore } from "../../node/ledger/memory-store.js";
import type { Stored } from "../../node/ledger/store.js";
import { CrashPoints } from "../../node/runtime/crash-points.js";
import type { Driver, DriverOptions } from "../../node/runtime/driver.js";
import type { Ended } from "./ended.js";
import type { EventQueue } from "./event-queue.js";
import { LogDamage } from "./log-damage.js";
import type { NodeBuild } from "./node-build.js";
import { SimClock, type Turn } from "./sim-clock.js";
import { type DamageAtRest, SimDisk } from "./sim-disk.js";
import { createSimTransport, datagramFrom, type SimTransport } from "./sim-transport.js";
import { ProcessEnd, Violation } from "./violation.js";
import type { Watch } from "./watch.js";
import { watchedMachine } from "./watched-machine.js";

export const LOG_PATH = "/data/protocol.log";
/** What a turn of the event loop costs, and each datagram in and out, µs. */
const TURN_US = 20;
const RECEIVE_US = 10;
const SEND_US = 6;
/** What commit and sync of the ledger cost beside the disk's own latency, µs. */
const COMMIT_US = 30;
/** Writes of the ledger that find no room in its files: a write-ahead log is used again and again. */
const LEDGER_GROWS_SHARE = 0.1;
/** What a socket holds while its process does not read. */
const SOCKET_BYTES_MAX = 4 * 1024 * 1024;

/** Small, so that floods reach them; a message of these clusters is smaller still. */
const REASSEMBLY_LIMITS: ReassemblyLimits = {
  replica: 512 * 1024,
  client: 64 * 1024,
  all: 1024 * 1024,
};

export type ReplicaGround = {
  build: NodeBuild;
  queue: EventQueue;
  config: ProtocolConfig;
  datagramBytesMax: number;
  id: ReplicaId;
  keyring: Keyring;
  random: Random;
  watch: Watch;
  send: (from: PrincipalId, to: PrincipalId, datagram: Uint8Array, atUs: number) => void;
  /** What a liar sends instead; undefined: the truth. */
  lie: (to: PrincipalId, messages: readonly Uint8Array[]) => readonly Uint8Array[] | undefined;
  /** What a liar makes of a datagram; undefined: it sends none. */
  spoil: (to: PrincipalId, datagram: Uint8Array) => Uint8Array | undefined;
  /** Hears what it hears. */
  onMessage: DriverOptions["onMessage"];
};

type Running = {
  replica: Replica;
  machine: LedgerMachine;
  transport: SimTransport;
  driver: Driver;
};

export class SimReplica {
  readonly id: ReplicaId;
  readonly disk: SimDisk;
  readonly clock: SimClock;
  cpuFactor = 1;
  store: MemoryStore;
  /** Undefined while the process is there. */
  ended: Ended | undefined = { how: "kill" };
  readonly #ground: ReplicaGround;
  readonly #ledgerSpace: Random;
  #running: Running | undefined;
  #incarnation = 0;
  /** Up to when it is busy: the moment at which it is, while it does something. */
  #cursorUs = 0;
  #paused = false;
  #inTimer = false;
  /** What came while it was paused. */
  #backlog: (() => void)[] = [];
  #backlogBytes = 0;
  #crash: { boundary: number; how: "kill" | "power-cut" } | undefined;
  #log = new LogDamage();
  /** Where it is to end by itself. */
  points = endingPoints();

  constructor(ground: ReplicaGround) {
    this.#ground = ground;
    this.id = ground.id;
    this.#ledgerSpace = ground.random.fork("ledger space");
    this.disk = new SimDisk(ground.random.fork("disk"), (what, costUs) => {
      this.#effect(what, costUs);
    });
    this.store = createStore(ground);
    this.clock = new SimClock(
      ground.queue,
      (callback, why) => this.#turn(callback, why),
      () => Math.max(this.#cursorUs, ground.queue.nowUs),
    );
  }

  get replica(): Replica | undefined {
    return this.#running?.replica;
  }

  get machine(): LedgerMachine | undefined {
    return this.#running?.machine;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** A new process on the disk as it is. `init`: the first of a new cluster. */
  start(init: boolean): void {
    if (this.ended === undefined) return;
    this.ended = undefined;
    this.#incarnation += 1;
    this.#crash = undefined;
    this.points = endingPoints();
    this.#run(() => this.#boot(init), "soon");
  }

  /** Ends the process; a power cut takes what was not synced, too (`unsynced`: see SimDisk). */
  end(how: "kill" | "power-cut", unsynced?: "lost" | "torn"): void {
    if (this.ended === undefined) {
      this.#end({ how }, unsynced);
    } else if (how === "power-cut") {
      this.#ground.watch.onEnd(this.id, { how });
      this.#losePower(unsynced);
    }
  }

  /** SIGTERM: it makes everything durable, and ends. */
  terminate(): void {
    const driver = this.#running?.driver;
    if (driver === undefined) return;
    this.resume(); // A stopped process would hear nothing.
    this.#run(() => driver.stop(), "timer");
    if (this.ended === undefined) this.#end({ how: "kill" });
  }

  /** The process ends before its `boundary`-th effect from now. */
  crashAt(boundary: number, how: "kill" | "power-cut"): void {
    this.#crash = { boundary, how };
  }

  /** Whatever crash was to come does not. */
  disarm(): void {
    this.#crash = undefined;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#backlogBytes = 0;
    for (const work of this.#backlog.splice(0)) work();
  }

  receive(bytes: Uint8Array): void {
    const running = this.#running;
    if (running === undefined) return;
    if (!this.#paused) {
      running.transport.onDatagram?.(datagramFrom(bytes));
      return;
    }
    this.#backlogBytes += bytes.length;
    if (this.#backlogBytes > SOCKET_BYTES_MAX) return;
    this.#backlog.push(() => this.receive(bytes));
  }

  /** Nothing is left of what it stored. */
  wipe(): void {
    this.disk.wipe();
    this.#log = new LogDamage();
    this.loseLedger();
  }

  /** Disk and ledger as they were. */
  rollBack(image: { restoreLog: () => void; store: MemoryStore }): void {
    image.restoreLog();
    this.#log = new LogDamage();
    this.store = image.store;
  }

  /** False where there is no log. */
  damageLog(how: DamageAtRest): boolean {
    const at = this.disk.damage(LOG_PATH, how);
    if (at !== undefined) this.#log.onDamage(how, at);
    return at !== undefined;
  }

  /** Its ledger is gone, or was found damaged and set aside. */
  loseLedger(): void {
    this.store = createStore(this.#ground);
  }

  #boot(init: boolean): void {
    const { build, config, keyring, watch, id, random } = this.#ground;
    const { cluster, n } = config;
    const { points } = this;
    const onDamage = (reason: string) => {
      watch.onDamagedLog(id, reason);
      this.#log = new LogDamage();
      this.loseLedger();
    };
    const content = build.openLog(LOG_PATH, { cluster, init, onDamage }, this.disk);
    this.#log.onOpenedAsWhole(id);
    const machine = watchedMachine(build, this.store, {
      applied: (seq, requests, executions, ledger) =>
        watch.onApply(id, seq, requests, { executions, ledger }),
      restored: (ledger) => watch.onRestore(id, ledger),
      snapshotted: (seq, digest) => watch.onSnapshot(id, seq, digest),
      effect: (what) => this.#ledgerEffect(what),
      committed: () => points.committed(),
    });
    const links = build.createLinks({
      cluster,
      keyring,
      datagramBytesMax: this.#ground.datagramBytesMax,
      datagramMessagesMax: config.datagramMessagesMax,
      reassemblyLimits: REASSEMBLY_LIMITS,
      epoch: random.fork("epoch").int(2 ** 32) + this.#incarnation,
    });
    const transport = createSimTransport({
      build,
      links,
      n,
      filter: (to, messages) => this.#outgoing(to, messages),
      emit: (to, datagram) => this.#emit(to, datagram),
      onOpen: ({ from, refusal, messages }) => {
        this.#cursorUs += RECEIVE_US * this.cpuFactor;
        if (from === undefined) return;
        watch.onReassembly(id, from, links.reassembly);
        if (refusal !== undefined) watch.onRefusal(id, from, refusal);
        watch.onHeard(id, from, messages);
      },
    });
    this.clock.onAfter = (delayMs, name) => {
      // In a timer's own turn only a late one is set again, as long as it was.
      if (name === "view" && !this.#inTimer) watch.onViewTimer(id, delayMs);
    };
    const { log } = content;
    watch.onOpen(id, content);
    watch.onLedgerFound(id, machine);
    /** A log that takes records must have given them to the disk. */
    const written = (records: readonly Uint8Array[], write: () => void) => {
      const before = this.disk.bytesWritten;
      write();
      watch.onWritten(id, records, this.disk.bytesWritten - before);
    };
    const { replica, recovery, driver } = build.assembleReplica({
      own: { id },
      config,
      keyring,
      stateMachine: machine,
      content: {
        ...content,
        log: {
          append: (records) => {
            points.append(records.length, () => {
              const groupAt = log.bytes;
              written(records, () => log.append(records));
              this.#log.onAppended(groupAt);
              watch.onAppend(id, records);
            });
          },
          replace: (records) => {
            points.beforeReplace();
            written(records, () => log.replace(records));
            this.#log = new LogDamage();
            watch.onReplace(id, records);
          },
          close: () => log.close(),
          bytes: 0,
        },
      },
      transport,
      clock: this.clock,
      counters: new build.Counters(),
      onEvent: (event) => watch.onEvent(id, event),
      onMessage: this.#ground.onMessage,
    });
    this.#running = { replica, machine, transport, driver };
    watch.onStart(id, replica);
    driver.start(recovery);
  }

  /** Runs what the node's event loop runs, when it can. */
  #turn(callback: () => void, why: Turn): void {
    if (this.#running === undefined) return;
    const incarnation = this.#incarnation;
    if (this.#paused) {
      this.#backlog.push(() => {
        if (incarnation === this.#incarnation) this.#turn(callback, why);
      });
      return;
    }
    this.#run(callback, why);
  }

  #run(work: () => void, why: Turn): void {
    this.#cursorUs = Math.max(this.#ground.queue.nowUs, this.#cursorUs);
    this.#inTimer = why === "timer";
    if (why === "soon") this.#cursorUs += TURN_US * this.cpuFactor;
    try {
      work();
      if (this.#running !== undefined && why === "soon") {
        this.#ground.watch.onTurn(this.id, this.#running.replica);
      }
    } catch (error) {
      this.#onError(error);
    }
  }

  #onError(error: unknown): void {
    if (error instanceof Violation) throw error;
    if (error instanceof ProcessEnd) {
      this.#end({ how: error.how });
      return;
    }
    const code = codeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    if (code === undefined) {
      throw new Violation("processes", `r${this.id} ended by itself: ${message}`);
    }
    this.#end({ how: "exit", code, message });
  }

  #end(ended: Ended, unsynced?: "lost" | "torn"): void {
    this.ended = ended;
    this.#running = undefined;
    this.#crash = undefined;
    this.#paused = false;
    this.#backlog = [];
    this.#cursorUs = this.#ground.queue.nowUs; // What it was busy with is nobody's work any more.
    this.clock.cancelAll();
    this.#ground.watch.onEnd(this.id, ended);
    if (ended.how === "power-cut") {
      this.#losePower(unsynced);
      return;
    }
    this.disk.closeAll();
    this.store.lose("uncommitted");
  }

  #losePower(unsynced?: "lost" | "torn"): void {
    this.disk.powerCut(unsynced);
    this.store.lose("unsynced");
  }

  /** Everything that reaches the world passes here before it happens. */
  #effect(what: string, costUs: number): void {
    if (what === "sync") this.points.beforeSync();
    this.#cursorUs += costUs * this.cpuFactor;
    const crash = this.#crash;
    if (crash === undefined) return;
    if (crash.boundary === 0) {
      this.#ground.watch.coverage.sometimes(`crash before a ${what} (${crash.how})`);
      throw new ProcessEnd(crash.how);
    }
    crash.boundary -= 1;
  }

  #ledgerEffect(what: "commit" | "sync"): void {
    if (what === "sync") this.points.beforeLedgerSync();
    const grows = this.#ledgerSpace.chance(LEDGER_GROWS_SHARE);
    this.disk.refuse(what === "sync" ? "sync" : "write", grows);
    this.#effect(what, COMMIT_US + (what === "sync" ? this.disk.flaws.syncUs : 0));
  }

  #outgoing(to: PrincipalId, messages: readonly Uint8Array[]): readonly Uint8Array[] {
    const { watch, lie } = this.#ground;
    this.points.beforeSend();
    watch.onSend(this.id, to, messages, this.disk.isClean(LOG_PATH));
    return lie(to, messages) ?? messages;
  }

  #emit(to: PrincipalId, datagram: Uint8Array): void {
    this.#effect("send", SEND_US);
    const sent = this.#ground.spoil(to, datagram);
    if (sent !== undefined) this.#ground.send(this.id, to, sent, this.#cursorUs);
  }
}

/** A store that gives its rows back in any order, as a database may. */
function createStore({ build, random }: ReplicaGround): MemoryStore {
  const order = random.fork("row order");
  class UnorderedStore extends build.MemoryStore {
    override load(): Stored {
      const stored = super.load();
      const [accounts, sessions] = [order.shuffle(stored.accounts), order.shuffle(stored.sessions)];
      return { ...stored, accounts, sessions };
    }
  }
  return new UnorderedStore();
}

function endingPoints(): CrashPoints {
  return new CrashPoints(() => {
    throw new ProcessEnd("kill");
  });
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && code !== "ERR_ASSERTION" ? code : undefined;
}
