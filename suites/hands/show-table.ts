// Each replica's own row of an account, side by side, as the paper's experiments show them: what the
// replica itself holds, asked past the protocol.

import type { NodeName } from "../../nemesis/faults.js";
import { askControl } from "../cluster/control.js";
import {
  field,
  isObject,
  type JsonObject,
  numberField,
  stringField,
} from "../cluster/json-lines.js";
import { layoutTable } from "../table-layout.js";
import { type ClusterFolder, controlSocket, replicaNamesOf } from "./cluster-folder.js";

const ANSWER_MS_MAX = 2_000;

export type AccountRow = { id: string; name: string; address: string; balance: number };
/** What one replica holds; undefined where it does not answer. */
export type Holding = {
  node: NodeName;
  held: { seq: number; rows: readonly AccountRow[] } | undefined;
};

/** `ids` empty: all accounts. */
export function askHoldings(folder: ClusterFolder, ids: readonly string[]): Promise<Holding[]> {
  const question =
    ids.length === 0 ? { op: "accounts" as const } : { op: "accounts" as const, ids };
  return Promise.all(
    replicaNamesOf(folder).map(async (node) => {
      const answer = await askControl(controlSocket(folder, node), question, ANSWER_MS_MAX);
      return { node, held: answer === undefined ? undefined : decodeHeld(node, answer) };
    }),
  );
}

/** A row for each account and replica, then a line for each thing that is not as it should be. */
export function showLines(holdings: readonly Holding[], ids: readonly string[]): readonly string[] {
  const answering = holdings.flatMap(({ node, held }) =>
    held === undefined ? [] : [{ node, ...held }],
  );
  const found = answering.flatMap(({ rows }) => rows.map(({ id }) => id));
  const accounts = [...new Set(ids.length > 0 ? ids : found.toSorted(compareText))];
  const cells: string[][] = [];
  const notes = holdings.flatMap(({ node, held }) =>
    held === undefined ? [`${node} does not answer`] : [],
  );
  for (const id of accounts) {
    const versions = new Map<string, NodeName[]>();
    for (const { node, seq, rows } of answering) {
      const row = rows.find((candidate) => candidate.id === id);
      const shown = row === undefined ? ["-", "-", "-"] : [row.name, row.address, `${row.balance}`];
      cells.push([id, node, ...shown, `${seq}`]);
      const version =
        row === undefined
          ? "no such account"
          : `balance ${row.balance}, ${row.name}, ${row.address}`;
      versions.set(version, [...(versions.get(version) ?? []), node]);
    }
    if (versions.size > 1) notes.push(disagreement(id, versions, answering));
  }
  if (accounts.length === 0) return ["no accounts", ...notes];
  return [
    ...layoutTable(["account", "replica", "name", "address", "balance", "seq"], cells),
    ...notes,
  ];
}

/** Replicas at different seqs may differ for a moment; at the same seq they never may. */
function disagreement(
  id: string,
  versions: ReadonlyMap<string, readonly NodeName[]>,
  answering: readonly { node: NodeName; seq: number }[],
): string {
  const said = [...versions]
    .map(([version, nodes]) => `${nodes.join(", ")}: ${version}`)
    .join("; ");
  const seqs = new Set(answering.map(({ seq }) => seq));
  const why = seqs.size === 1 ? "THE REPLICAS DISAGREE" : "replicas differ, at different seqs";
  return `${why} on ${id}: ${said}`;
}

function decodeHeld(
  node: NodeName,
  answer: JsonObject,
): { seq: number; rows: readonly AccountRow[] } {
  const seq = numberField(answer, "seq");
  const accounts = field(answer, "accounts");
  if (seq === undefined || !Array.isArray(accounts)) {
    throw new Error(`${node}: ${stringField(answer, "error") ?? "a strange answer to accounts"}`);
  }
  return { seq, rows: accounts.map((account) => decodeRow(node, account)) };
}

function decodeRow(node: NodeName, account: unknown): AccountRow {
  const object = isObject(account) ? account : {};
  const id = stringField(object, "id");
  const name = stringField(object, "name");
  const address = stringField(object, "address");
  const balance = numberField(object, "balance");
  if (id === undefined || name === undefined || address === undefined || balance === undefined) {
    throw new Error(`${node}: a strange row: ${JSON.stringify(account)}`);
  }
  return { id, name, address, balance };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
