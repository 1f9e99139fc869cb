// A replica with everything around it: socket, log, ledger, timers, control socket. Opening checks
// each in turn, so that what is wrong is said before anything is promised to a peer.

import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createLinks } from "../core/datagram.js";
import { CLIENT_PRINCIPAL_MIN } from "../core/messages.js";
import { statusOf } from "../core/replica.js";
import { LedgerMachine } from "../ledger/machine.js";
import type { Store } from "../ledger/store.js";
import { type ClusterFile, checkKeys, principalsOf, protocolConfigOf } from "./cluster-file.js";
import { openControlSocket } from "./control-socket.js";
import type { Counters } from "./counters.js";
import {
  CRASH_POINTS,
  CRASH_POINTS_VARIABLE,
  CrashPoints,
  isCrashPoint,
  killSelf,
  watchedDisk,
  watchedLog,
  watchedTransport,
} from "./crash-points.js";
import { machineDisk } from "./disk.js";
import { openJournalFile } from "./journal-file.js";
import { createKeyring } from "./keyring.js";
import type { SecretKeys } from "./keys.js";
import { openLedgerFile, setLedgerAside } from "./ledger-file.js";
import { LIAR_VARIABLE, loadTongue, lyingTransport } from "./lying.js";
import { messageOf, OrdealError } from "./ordeal-error.js";
import { assembleReplica, type LogContent, openLog } from "./replica-assembly.js";
import { loadSignatureScheme } from "./signatures.js";
import type { StructuredLog } from "./structured-log.js";
import { systemClock } from "./timers.js";
import { type Address, openTransport } from "./transport.js";

export const LOG_FILE = "protocol.log";
export const LEDGER_FILE = "ledger.sqlite";
/** Between two lines of what was ignored. */
const IGNORED_INTERVAL_MS = 5_000;

export type ReplicaOptions = {
  cluster: ClusterFile;
  key: SecretKeys;
  /** Holds the log and the ledger; made where it is missing. */
  data: string;
  /** A new cluster: there must be no log. Otherwise a missing log means that the disk was wiped. */
  init: boolean;
  /** Default: the replica's place in the cluster file. */
  listen: Address | undefined;
  /** Path of the control socket. */
  control: string | undefined;
  /** Whether it can be asked, on the control socket, to end itself at a named point: for tests. */
  crashPoints: boolean;
  /** Path of a module that lies in the replica's name when it is asked to: for tests. */
  liar?: string | undefined;
  /** Path of the journal of what peers sign; absent: none is kept. */
  journal?: string | undefined;
  counters: Counters;
  log: StructuredLog;
};

export interface ReplicaProcess {
  /** Makes everything durable and closes it; nothing is sent afterwards. */
  stop(): Promise<void>;
}

/** Opens everything, recovers and begins to serve; throws OrdealError where that cannot be. */
export async function startReplica(options: ReplicaOptions): Promise<ReplicaProcess> {
  const { cluster, key, counters, log } = options;
  const own = entryOf(cluster, key);
  const scheme = loadSignatureScheme();
  const principals = principalsOf(cluster);
  const keyring = createKeyring({ cluster: cluster.cluster, secret: key, principals, scheme });
  const config = protocolConfigOf(cluster);
  const tongue =
    options.liar === undefined ? undefined : await loadTongue(options.liar, { config, keyring });
  const socket = await openTransport({
    links: createLinks({
      cluster: cluster.cluster,
      keyring,
      datagramBytesMax: cluster.datagramBytesMax,
      datagramMessagesMax: config.datagramMessagesMax,
      epoch: randomBytes(4).readUInt32BE(),
    }),
    listen: options.listen ?? own,
    replicas: new Map(cluster.replicas.map((replica) => [replica.id, replica])),
    counters,
    ...(tongue !== undefined && { spoil: tongue.spoil }),
  });
  const transport = tongue === undefined ? socket : lyingTransport(socket, tongue);
  const points = options.crashPoints ? new CrashPoints(killSelf) : undefined;
  const content = openData(options, points);
  const stateMachine = openLedger(options, points);
  const journal =
    options.journal === undefined
      ? undefined
      : openJournalFile(options.journal, { cluster: cluster.cluster, n: config.n });
  const { replica, recovery, driver } = assembleReplica({
    own,
    config,
    keyring,
    stateMachine,
    content,
    transport: points === undefined ? transport : watchedTransport(transport, points),
    clock: systemClock,
    counters,
    onEvent: log.onEvent,
    onMessage: journal?.heard,
  });
  const control =
    options.control === undefined
      ? undefined
      : await openControlSocket(options.control, (question) => {
          switch (question.get("op")) {
            case "status":
              return {
                ...statusOf(replica),
                digest: stateMachine.currentDigest(),
                rssBytes: process.memoryUsage.rss(),
                logBytes: content.log.bytes,
                ignored: counters.totals(),
                ...clocks(),
              };
            case "accounts":
              return { seq: stateMachine.seq, accounts: stateMachine.accounts(idsOf(question)) };
            case "crash-at":
              return armCrash(points, question);
            case "lie":
              if (tongue === undefined) throw new Error(`lie: started without ${LIAR_VARIABLE}`);
              return tongue.answer(question);
            default:
              throw new Error("want op: status or accounts");
          }
        });
  const interval = setInterval(log.writeIgnored, IGNORED_INTERVAL_MS);
  log.write({
    event: "started",
    node: own.name,
    cluster: cluster.cluster,
    pid: process.pid,
    listen: `${socket.address.host}:${socket.address.port}`,
    receiveBufferBytes: socket.receiveBufferBytes,
    signatures: scheme.backend,
    hollow: content.hollow,
    recordCount: content.records.length,
    logTorn: content.torn,
    ...statusOf(replica),
  });
  driver.start(recovery);
  return {
    async stop() {
      clearInterval(interval);
      driver.stop();
      content.log.close();
      stateMachine.close();
      journal?.close();
      log.writeIgnored();
      await control?.close();
      await socket.close();
    },
  };
}

function entryOf(cluster: ClusterFile, key: SecretKeys): { id: number; name: string } & Address {
  checkKeys(cluster, key);
  const own = cluster.replicas[key.principal];
  if (own !== undefined && key.principal < CLIENT_PRINCIPAL_MIN) return own;
  throw new OrdealError("key-file", `key file: principal ${key.principal} is a client`);
}

function openData(
  { data, cluster, init, log }: ReplicaOptions,
  points: CrashPoints | undefined,
): LogContent {
  try {
    mkdirSync(data, { recursive: true });
    accessSync(data, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new OrdealError("data-directory", `--data cannot be written: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const path = join(data, LOG_FILE);
  if (init && (existsSync(path) || existsSync(join(data, LEDGER_FILE)))) {
    throw new OrdealError(
      "log-exists",
      `--init: ${data} holds a replica already: start it without --init, or give an empty directory`,
    );
  }
  const onDamage = (reason: string) => {
    log.write({ event: "log-damaged", reason, keptAs: `${path}.damaged`, consequence: "rejoin" });
    setLedgerAside(join(data, LEDGER_FILE));
  };
  const opening = { cluster: cluster.cluster, init, onDamage };
  if (points === undefined) return openLog(path, opening);
  const content = openLog(path, opening, watchedDisk(machineDisk, points));
  return { ...content, log: watchedLog(content.log, points) };
}

function openLedger({ data, log }: ReplicaOptions, points: CrashPoints | undefined) {
  const path = join(data, LEDGER_FILE);
  const machineOn = (store: Store): LedgerMachine =>
    points === undefined ? new LedgerMachine(store) : new WatchedLedger(store, points);
  return openLedgerFile(path, machineOn, (reason) => {
    const keptAs = `${path}.damaged`;
    log.write({ event: "ledger-damaged", reason, keptAs, consequence: "state-transfer" });
  });
}

function idsOf(question: ReadonlyMap<string, unknown>): readonly string[] | undefined {
  const ids = question.get("ids");
  if (ids === undefined) return undefined;
  if (!Array.isArray(ids)) throw new Error("want ids: a list of accounts");
  return ids.map((id) => {
    if (typeof id !== "string") throw new Error("want ids: a list of accounts");
    return id;
  });
}

/** The ledger, with the points told of what is done to it. */
class WatchedLedger extends LedgerMachine {
  readonly #points: CrashPoints;

  constructor(store: Store, points: CrashPoints) {
    super(store);
    this.#points = points;
  }

  override commit(): void {
    super.commit();
    this.#points.committed();
  }

  override sync(): void {
    this.#points.beforeLedgerSync();
    super.sync();
  }
}

/** The wall clock beside the monotonic one, ms; `readMs` is how far apart the two may have been read. */
function clocks(): { wallClockMs: number; monotonicMs: number; readMs: number } {
  const before = process.hrtime.bigint();
  const wallClockMs = Date.now();
  const after = process.hrtime.bigint();
  return {
    wallClockMs,
    monotonicMs: Number(before + after) / 2_000_000,
    readMs: Number(after - before) / 1_000_000,
  };
}

function armCrash(points: CrashPoints | undefined, question: ReadonlyMap<string, unknown>) {
  const [point, count] = [question.get("point"), question.get("count")];
  if (points === undefined) throw new Error(`crash-at: started without ${CRASH_POINTS_VARIABLE}=1`);
  if (!isCrashPoint(point)) throw new Error(`want point: ${CRASH_POINTS.join(", ")}`);
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 1) {
    throw new Error("want count: 1 or more");
  }
  points.arm(point, count);
  return { armed: point, count };
}
