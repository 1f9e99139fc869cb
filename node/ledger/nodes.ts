// The binary form of the state tree's nodes. The first byte says which it is:
//
//   01 root           version, seq, counts, chain head, digests of the three trees below it
//   02 branch         of a trie: items below it, bitmap of its children, their digests
//   03 accounts       a leaf of the trie of accounts
//   04 sessions       a leaf of the trie of sessions, with their cached replies
//   05 index          of entry pages: level, digests of its children
//   06 page           of entries: index of the first, then the entries
//
// No node is larger than NODE_BYTES_MAX. A digest names a node's bytes; that the bytes are also
// the one form of a state is checked where a state is installed, by building the tree again.

import type { Digest, Seq } from "../core/messages.js";
import { ByteReader, ByteWriter } from "./bytes.js";
import { ACCOUNT_ID_BYTES_MAX, ADDRESS_BYTES_MAX, NAME_BYTES_MAX } from "./operation.js";
import type { Account, Entry, EntryKind, Session } from "./store.js";

export const NODE_BYTES_MAX = 16_384;
/** Entries in a full page; at most 95 bytes each. */
export const PAGE_ENTRIES = 128;
/** Children of an index node. */
export const INDEX_FAN_OUT = 256;
/** Items in a leaf of a trie: at most 235 bytes an account, 551 a session. */
export const LEAF_ACCOUNTS_MAX = 32;
export const LEAF_SESSIONS_MAX = 16;

const ROOT_VERSION = 1;
const DIGEST_BYTES = 32;
const RESULT_BYTES_MAX = 1_024;
const TAG = { root: 1, branch: 2, accounts: 3, sessions: 4, index: 5, page: 6 } as const;
const ENTRY_KINDS: readonly EntryKind[] = ["open", "deposit", "withdraw", "move"];

export type Root = {
  seq: Seq;
  accountCount: number;
  sessionCount: number;
  entryCount: number;
  chain: Digest;
  accounts: Digest;
  sessions: Digest;
  entries: Digest;
};

/** What an entry page says of an entry; the rest follows from where it stands. */
export type PostedEntry = Pick<
  Entry,
  "seq" | "client" | "timestamp" | "kind" | "debit" | "credit" | "amount"
>;
type StoredAccount = Pick<Account, "id" | "name" | "address" | "balance">;

export type TreeNode =
  | { kind: "root"; root: Root }
  | { kind: "branch" | "index"; children: readonly Digest[] }
  | { kind: "accounts"; accounts: readonly StoredAccount[] }
  | { kind: "sessions"; sessions: readonly Session[] }
  | { kind: "page"; firstEntry: number; entries: readonly PostedEntry[] };

export function encodeRoot(root: Root): Uint8Array {
  const out = new ByteWriter(192);
  out.u8(TAG.root);
  out.u8(ROOT_VERSION);
  out.integer(root.seq);
  out.integer(root.accountCount);
  out.integer(root.sessionCount);
  out.integer(root.entryCount);
  out.hex(root.chain);
  out.hex(root.accounts);
  out.hex(root.sessions);
  out.hex(root.entries);
  return out.bytes();
}

/** `children` are the 16 places of a branch; `itemCount` counts the items below it. */
export function encodeBranch(
  itemCount: number,
  children: readonly (Digest | undefined)[],
): Uint8Array {
  const out = new ByteWriter(8 + 16 * DIGEST_BYTES);
  out.u8(TAG.branch);
  out.u32(itemCount);
  out.u16(children.reduce((bits, child, place) => bits | (child ? 1 << place : 0), 0));
  for (const child of children) if (child !== undefined) out.hex(child);
  return out.bytes();
}

export function encodeIndex(level: number, children: readonly Digest[]): Uint8Array {
  const out = new ByteWriter(2 + children.length * DIGEST_BYTES);
  out.u8(TAG.index);
  out.u8(level);
  for (const child of children) out.hex(child);
  return out.bytes();
}

export function encodeAccounts(accounts: readonly StoredAccount[]): Uint8Array {
  const out = new ByteWriter(1_024);
  out.u8(TAG.accounts);
  for (const account of accounts) {
    out.text(account.id);
    out.text(account.name);
    out.text(account.address);
    out.integer(account.balance);
  }
  return out.bytes();
}

export function encodeSessions(sessions: readonly Session[]): Uint8Array {
  const out = new ByteWriter(1_024);
  out.u8(TAG.sessions);
  for (const { client, reply } of sessions) {
    out.u32(client);
    out.integer(reply.timestamp);
    out.integer(reply.seq);
    out.u16(reply.result.length);
    out.raw(reply.result);
  }
  return out.bytes();
}

/** Starts a page; entries follow by `writeEntry`. */
export function writePageHeader(out: ByteWriter, firstEntry: number): void {
  out.u8(TAG.page);
  out.integer(firstEntry);
}

export function writeEntry(out: ByteWriter, entry: PostedEntry): void {
  out.integer(entry.seq);
  out.u32(entry.client);
  out.integer(entry.timestamp);
  out.u8(ENTRY_KINDS.indexOf(entry.kind));
  out.text(entry.debit);
  out.text(entry.credit);
  out.integer(entry.amount);
}

/** Undefined where the bytes are no node; never throws. */
export function decodeNode(bytes: Uint8Array): TreeNode | undefined {
  if (bytes.length > NODE_BYTES_MAX) return undefined;
  const reader = new ByteReader(bytes);
  const node = readNode(reader);
  return reader.atEnd ? node : undefined;
}

/** Digests of the nodes below this one. */
export function childrenOf(node: TreeNode): readonly Digest[] {
  switch (node.kind) {
    case "root":
      return [node.root.accounts, node.root.sessions, node.root.entries];
    case "branch":
    case "index":
      return node.children;
    case "accounts":
    case "sessions":
    case "page":
      return [];
    default:
      return node satisfies never;
  }
}

function readNode(reader: ByteReader): TreeNode | undefined {
  switch (reader.u8()) {
    case TAG.root:
      return readRoot(reader);
    case TAG.branch:
      reader.take(6); // count and bitmap: rebuilt and compared at installation
      return { kind: "branch", children: readAll(reader, readDigest) };
    case TAG.accounts:
      return { kind: "accounts", accounts: readAll(reader, readAccount) };
    case TAG.sessions:
      return { kind: "sessions", sessions: readAll(reader, readSession) };
    case TAG.index:
      reader.u8();
      return { kind: "index", children: readAll(reader, readDigest) };
    case TAG.page: {
      const firstEntry = reader.integer();
      return { kind: "page", firstEntry, entries: readAll(reader, readEntry) };
    }
    default:
      return undefined;
  }
}

function readAll<Item>(reader: ByteReader, read: (reader: ByteReader) => Item): readonly Item[] {
  const items: Item[] = [];
  while (reader.remaining > 0) items.push(read(reader));
  return items;
}

function readRoot(reader: ByteReader): TreeNode {
  if (reader.u8() !== ROOT_VERSION) reader.fail();
  const root: Root = {
    seq: reader.integer(),
    accountCount: reader.integer(),
    sessionCount: reader.integer(),
    entryCount: reader.integer(),
    chain: readDigest(reader),
    accounts: readDigest(reader),
    sessions: readDigest(reader),
    entries: readDigest(reader),
  };
  return { kind: "root", root };
}

function readDigest(reader: ByteReader): Digest {
  return Buffer.from(reader.take(DIGEST_BYTES)).toString("hex");
}

function readAccount(reader: ByteReader): StoredAccount {
  const id = reader.text(ACCOUNT_ID_BYTES_MAX);
  const name = reader.text(NAME_BYTES_MAX);
  const address = reader.text(ADDRESS_BYTES_MAX);
  return { id, name, address, balance: reader.integer() };
}

function readSession(reader: ByteReader): Session {
  const client = reader.u32();
  const timestamp = reader.integer();
  const seq = reader.integer();
  const length = reader.u16();
  if (length > RESULT_BYTES_MAX) reader.fail();
  // A copy: the session outlives the datagram these bytes came in.
  return { client, reply: { timestamp, seq, result: new Uint8Array(reader.take(length)) } };
}

function readEntry(reader: ByteReader): PostedEntry {
  const seq = reader.integer();
  const client = reader.u32();
  const timestamp = reader.integer();
  const kind = ENTRY_KINDS[reader.u8()];
  if (kind === undefined) reader.fail();
  const debit = reader.text(ACCOUNT_ID_BYTES_MAX);
  const credit = reader.text(ACCOUNT_ID_BYTES_MAX);
  const amount = reader.integer();
  return { seq, client, timestamp, kind: kind ?? "open", debit, credit, amount };
}
