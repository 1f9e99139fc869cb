// A small replicated state: the history of executed requests, in pages, and the sessions, in buckets;
// its snapshot is a tree of two levels. Applied, committed and synced states are kept apart, so that
// a killed process and a power cut lose what they would lose on a real disk.

import assert from "node:assert";
import { sha256 } from "../digest.js";
import type { ClientId, Digest, Request, Seq } from "../messages.js";
import type { CachedReply, Execution, StateMachine } from "../state-machine.js";

const PAGE_ENTRIES = 16;
const BUCKETS = 4;

type Session = { timestamp: number; seq: Seq; result: string };
type State = {
  seq: Seq;
  history: readonly string[];
  sessions: ReadonlyMap<ClientId, Session>;
};
type Snapshot = { seq: Seq; nodes: ReadonlyMap<Digest, Uint8Array> };
type Disk = { state: State; snapshots: readonly Snapshot[] };

const EMPTY: State = { seq: 0, history: [], sessions: new Map() };

export type ModelStateMachine = StateMachine & {
  /** What executed: "client timestamp operation@seq", in order. */
  history(): readonly string[];
  /** The machine as it comes back: after a kill what was committed, after a power cut what was synced. */
  restarted(after: "kill" | "power-cut"): ModelStateMachine;
};

export type OnApply = (seq: Seq, requests: readonly Request[]) => void;

export function modelStateMachine(onApply: OnApply, disk?: Disk): ModelStateMachine {
  let state = disk?.state ?? EMPTY;
  let snapshots: readonly Snapshot[] = disk?.snapshots ?? [];
  let committed: Disk = { state, snapshots };
  let synced: Disk = committed;
  let target: { seq: Seq; digest: Digest } | undefined;
  let fetched = new Map<Digest, Uint8Array>();

  const nodeHeld = (digest: Digest): Uint8Array | undefined =>
    fetched.get(digest) ?? findNode(snapshots, digest);

  return {
    get seq() {
      return state.seq;
    },
    history: () => state.history,
    restarted: (after) => {
      // Snapshots live in memory; the state as it is can be named again.
      const { state: kept } = after === "kill" ? committed : synced;
      const nodes = treeOf(kept).nodes;
      return modelStateMachine(onApply, { state: kept, snapshots: [{ seq: kept.seq, nodes }] });
    },

    apply(seq, requests) {
      assert(seq === state.seq + 1, `applied ${seq} after ${state.seq}`);
      onApply(seq, requests);
      const sessions = new Map(state.sessions);
      const history = [...state.history];
      const executions = requests.map((request): Execution => {
        const last = sessions.get(request.client);
        if (last !== undefined && request.timestamp < last.timestamp) return { kind: "stale" };
        if (last?.timestamp === request.timestamp) return { kind: "repeated", reply: reply(last) };
        const operation = Buffer.from(request.operation).toString("latin1");
        history.push(`${request.client} ${request.timestamp} ${operation}@${seq}`);
        const session = {
          timestamp: request.timestamp,
          seq,
          result: `${operation}=${history.length}`,
        };
        sessions.set(request.client, session);
        return { kind: "executed", reply: reply(session) };
      });
      state = { seq, history, sessions };
      return executions;
    },

    lastReply(client) {
      const session = state.sessions.get(client);
      return session === undefined ? undefined : reply(session);
    },

    snapshot() {
      const { digest, nodes } = treeOf(state);
      snapshots = [...snapshots.filter(({ seq }) => seq !== state.seq), { seq: state.seq, nodes }];
      return digest;
    },
    release(seq) {
      snapshots = snapshots.filter((snapshot) => snapshot.seq >= seq);
    },
    node: (digest) => findNode(snapshots, digest),

    beginRestore(seq, digest) {
      target = { seq, digest };
    },
    missingNodes(max) {
      return target === undefined ? [] : missing(target.digest, nodeHeld).slice(0, max);
    },
    putNode(bytes) {
      const digest = sha256(bytes);
      if (target === undefined || !missing(target.digest, nodeHeld).includes(digest)) {
        return "unwanted";
      }
      fetched.set(digest, bytes.slice());
      return "stored";
    },
    finishRestore() {
      assert(target !== undefined, "no restore is under way");
      state = stateOf(target.digest, nodeHeld);
      assert(state.seq === target.seq, `restored ${state.seq} instead of ${target.seq}`);
      snapshots = [...snapshots.filter(({ seq }) => seq < state.seq)];
      snapshots = [...snapshots, { seq: state.seq, nodes: treeOf(state).nodes }];
      target = undefined;
      fetched = new Map();
      return "installed";
    },

    commit() {
      committed = { state, snapshots };
    },
    sync() {
      synced = committed;
    },
  };
}

function reply(session: Session): CachedReply {
  const { timestamp, seq, result } = session;
  return { timestamp, seq, result: Buffer.from(result, "latin1") };
}

function findNode(snapshots: readonly Snapshot[], digest: Digest): Uint8Array | undefined {
  for (const { nodes } of snapshots) {
    const bytes = nodes.get(digest);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

type Root = { seq: Seq; pages: Digest[]; buckets: Digest[] };

function treeOf(state: State): { digest: Digest; nodes: ReadonlyMap<Digest, Uint8Array> } {
  const nodes = new Map<Digest, Uint8Array>();
  const add = (value: unknown): Digest => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = sha256(bytes);
    nodes.set(digest, bytes);
    return digest;
  };
  const pages: Digest[] = [];
  for (let at = 0; at < state.history.length; at += PAGE_ENTRIES) {
    pages.push(add({ at, entries: state.history.slice(at, at + PAGE_ENTRIES) }));
  }
  const buckets: Digest[] = [];
  const sessions = [...state.sessions].sort(([a], [b]) => a - b);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const entries = sessions.filter(([client]) => client % BUCKETS === bucket);
    buckets.push(add({ bucket, entries }));
  }
  const root: Root = { seq: state.seq, pages, buckets };
  return { digest: add(root), nodes };
}

type NodeHeld = (digest: Digest) => Uint8Array | undefined;

function missing(root: Digest, nodeHeld: NodeHeld): Digest[] {
  const bytes = nodeHeld(root);
  if (bytes === undefined) return [root];
  const { pages, buckets }: Root = JSON.parse(Buffer.from(bytes).toString());
  return [...new Set([...pages, ...buckets])].filter((digest) => nodeHeld(digest) === undefined);
}

function stateOf(digest: Digest, nodeHeld: NodeHeld): State {
  const parse = (of: Digest) => {
    const bytes = nodeHeld(of);
    assert(bytes !== undefined, `node ${of} is missing`);
    return JSON.parse(Buffer.from(bytes).toString());
  };
  const root: Root = parse(digest);
  const history: string[] = root.pages.flatMap((page) => parse(page).entries);
  const entries: [ClientId, Session][] = root.buckets.flatMap((bucket) => parse(bucket).entries);
  return { seq: root.seq, history, sessions: new Map(entries) };
}
