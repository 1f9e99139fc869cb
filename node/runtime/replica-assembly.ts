// What a replica is made of, without what it stands on: log, core and driver put together in the one
// right order. The process does it over sockets and files, the simulator over modelled ones.

import type { ProtocolConfig } from "../core/config.js";
import type { Keyring } from "../core/keyring.js";
import type { LogRecord } from "../core/log.js";
import type { ReplicaId } from "../core/messages.js";
import { createReplica, type Replica, recover, step } from "../core/replica.js";
import type { Effect } from "../core/step.js";
import { decodeRecord } from "../core/wire.js";
import type { LedgerMachine } from "../ledger/machine.js";
import { type Disk, machineDisk } from "./disk.js";
import { createDriver, type Driver, type DriverOptions } from "./driver.js";
import { LogFile } from "./log-file.js";
import { OrdealError } from "./ordeal-error.js";

export type LogContent = {
  log: Pick<LogFile, "append" | "replace" | "bytes" | "close">;
  records: readonly LogRecord[];
  /** Whether a last group was begun and not finished: it was cut off. */
  torn: boolean;
  /** The log was lost: what was promised before is not known. */
  hollow: boolean;
};

export type LogOpening = {
  cluster: string;
  /** A new cluster; otherwise a missing log means that the disk was wiped. */
  init: boolean;
  /**
   * Hears what is wrong with a damaged log, before another takes its place, and sets the ledger aside:
   * what justified it is gone.
   */
  onDamage: (reason: string) => void;
};

/**
 * Opens the log, or begins one. A damaged log is as good as none: it may have lost any vote. It is kept
 * under another name, and the replica rejoins as one whose disk was wiped (core/rejoin.ts). A crash
 * at any moment of this leaves the damaged log in its place, or none. Throws OrdealError where the
 * log is foreign, of another version, or cannot be read or written.
 */
export function openLog(path: string, opening: LogOpening, disk: Disk = machineDisk): LogContent {
  const { cluster, init } = opening;
  const content = openSound(path, opening, disk);
  if (content === undefined) {
    const hollow = !init;
    const log = LogFile.create(path, { cluster, hollow }, disk);
    return { log, records: [], torn: false, hollow };
  }
  const records = content.records.map((bytes, index) => {
    const record = decodeRecord(bytes);
    if (record !== undefined) return record;
    throw new OrdealError("log-version", `${path}: record ${index} is none of this version`);
  });
  return { ...content, records };
}

function openSound(path: string, { cluster, onDamage }: LogOpening, disk: Disk) {
  try {
    return LogFile.open(path, cluster, disk);
  } catch (error) {
    if (!(error instanceof OrdealError) || error.code !== "corrupt-log") throw error;
    onDamage(error.message);
    LogFile.setAside(path, disk);
    return undefined;
  }
}

export type AssemblyOptions = Pick<
  DriverOptions,
  "transport" | "clock" | "counters" | "onEvent" | "onMessage"
> & {
  own: { id: ReplicaId };
  config: ProtocolConfig;
  keyring: Keyring;
  stateMachine: LedgerMachine;
  content: LogContent;
};

/** `driver.start(recovery)` begins to serve. */
export type Assembly = { replica: Replica; recovery: readonly Effect[]; driver: Driver };

export function assembleReplica(options: AssemblyOptions): Assembly {
  const { own, config, keyring, stateMachine, content } = options;
  const { hollow } = content;
  const replica = createReplica({ id: own.id, config, keyring, stateMachine, hollow });
  const driver = createDriver({
    step: (input) => step(replica, input),
    stateMachine,
    log: content.log,
    transport: options.transport,
    clock: options.clock,
    counters: options.counters,
    onEvent: options.onEvent,
    onMessage: options.onMessage,
  });
  const recovery = recover(replica, content.records);
  return { replica, recovery, driver };
}
