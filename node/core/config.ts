// Numbers that every replica of a cluster must agree on, and their defaults.

import type { Seq } from "./messages.js";

export type ProtocolConfig = {
  /** Cluster id: 16 hexadecimal characters; inside everything that is authenticated. */
  cluster: string;
  /** Replicas, n = 3f+1. */
  n: number;
  /** A checkpoint every so many seqs (K). */
  checkpointInterval: Seq;
  /** Seqs between the low and the high watermark (L), a multiple of K, at least 2K. */
  window: Seq;
  /** Batches that the primary may have proposed and not yet executed. */
  batchesOutstandingMax: number;
  /** Requests in one batch. */
  batchRequestsMax: number;
  /** Bytes of request bodies in one batch. */
  batchBytesMax: number;
  /** How long a backup waits for a request it knows before it asks for the next view. */
  viewTimeoutMs: number;
  /** Doubling stops here. */
  viewTimeoutMsMax: number;
  /** Interval between status messages. */
  statusIntervalMs: number;
  /** Nodes asked for at a time in state transfer. */
  fetchNodesMax: number;
  /** Bytes of one request's operation. */
  operationBytesMax: number;
  /**
   * Messages that one datagram carries. Many share one, which is cheap; with 1 each travels alone, and
   * a fault of the network can choose among them by what the header says.
   */
  datagramMessagesMax: number;
};

export const PROTOCOL_DEFAULTS: Omit<ProtocolConfig, "cluster" | "n"> = {
  checkpointInterval: 64,
  window: 128,
  batchesOutstandingMax: 1,
  batchRequestsMax: 256,
  batchBytesMax: 32_768,
  viewTimeoutMs: 500,
  viewTimeoutMsMax: 8_000,
  statusIntervalMs: 150,
  fetchNodesMax: 32,
  operationBytesMax: 1_024,
  datagramMessagesMax: 65_535,
};
