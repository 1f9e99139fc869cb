// The code under test: what the simulator takes from a build of node/. Another build, of a mutant, can
// stand in its place, so nothing here is imported as a value anywhere else in the simulator.

import type { createLinks, pack, unpack } from "../../node/core/datagram.js";
import type { batchDigest } from "../../node/core/digest.js";
import type { statusOf } from "../../node/core/replica.js";
import type {
  decodeMessage,
  decodeRecord,
  encodeMessage,
  signedBytes,
} from "../../node/core/wire.js";
import type { exportRows } from "../../node/ledger/export-rows.js";
import type { LedgerMachine } from "../../node/ledger/machine.js";
import type { MemoryStore } from "../../node/ledger/memory-store.js";
import type { ClientSessions } from "../../node/runtime/client-sessions.js";
import type { Counters } from "../../node/runtime/counters.js";
import type { createKeyring } from "../../node/runtime/keyring.js";
import type { publicKeysOf } from "../../node/runtime/keys.js";
import type { assembleReplica, openLog } from "../../node/runtime/replica-assembly.js";

export type NodeBuild = {
  createLinks: typeof createLinks;
  pack: typeof pack;
  unpack: typeof unpack;
  batchDigest: typeof batchDigest;
  statusOf: typeof statusOf;
  decodeMessage: typeof decodeMessage;
  encodeMessage: typeof encodeMessage;
  decodeRecord: typeof decodeRecord;
  signedBytes: typeof signedBytes;
  exportRows: typeof exportRows;
  LedgerMachine: typeof LedgerMachine;
  MemoryStore: typeof MemoryStore;
  ClientSessions: typeof ClientSessions;
  Counters: typeof Counters;
  createKeyring: typeof createKeyring;
  publicKeysOf: typeof publicKeysOf;
  assembleReplica: typeof assembleReplica;
  openLog: typeof openLog;
};
