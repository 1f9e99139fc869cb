import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Message, NewView, Prepare } from "../core/messages.js";
import { signedBytes } from "../core/wire.js";
import { Journal } from "./journal.js";
import { openJournalFile } from "./journal-file.js";

const CLUSTER = "00112233aabbccdd";
const A = "aa".repeat(32);
const B = "bb".repeat(32);

function signature(first: number): Uint8Array {
  return new Uint8Array(64).fill(first);
}

function prepare(seq: number, digest = A): Prepare {
  return { kind: "prepare", view: 0, seq, digest, replica: 1, signature: signature(1) };
}

function journal() {
  const lines: string[] = [];
  const kept = new Journal({ cluster: CLUSTER, n: 4, write: (line) => lines.push(line) });
  return { kept, lines };
}

function kindsOf(lines: readonly string[]): readonly string[] {
  return lines.map((line) => {
    const { signer, kind, view, seq } = JSON.parse(line);
    return `${signer} ${kind} ${view} ${seq}`;
  });
}

test("a statement is one line, with the bytes that its signature covers", () => {
  const { kept, lines } = journal();
  kept.heard(1, prepare(7));
  const bytes = Buffer.from(signedBytes(CLUSTER, prepare(7))).toString("hex");
  const about = { signer: 1, kind: "prepare", view: 0, seq: 7, digest: A };
  assert.equal(
    lines.map((line) => JSON.parse(line)),
    [{ ...about, bytes, signature: "01".repeat(64) }],
  );
});

test("what was said before is not written again, another digest or signature is", () => {
  const { kept, lines } = journal();
  for (const said of [prepare(7), prepare(7), prepare(7, B)]) kept.heard(1, said);
  assert.is(lines.length, 2);
  kept.heard(1, { ...prepare(7), signature: signature(9) });
  assert.is(lines.length, 3);
});

test("a new-view is noted with what it proposes, a vote in another's name is not", () => {
  const { kept, lines } = journal();
  const newView: NewView = {
    ...{ kind: "new-view", view: 1, replica: 1, viewChanges: [], signature: signature(1) },
    prePrepares: [{ seq: 3, digest: A, signature: signature(2) }],
  };
  kept.heard(2, newView);
  kept.heard(2, prepare(7));
  kept.heard(256, { ...prepare(7), replica: 256 });
  assert.equal(kindsOf(lines), ["1 new-view 1 undefined", "1 pre-prepare 1 3"]);
});

test("all that replicas sign is noted, and nothing else", () => {
  const { kept, lines } = journal();
  const proposal = { kind: "pre-prepare" as const, view: 0, seq: 1, digest: A };
  const said: readonly Message[] = [
    { ...proposal, signature: signature(1), requests: [] },
    { ...prepare(2), kind: "commit" },
    { kind: "checkpoint", seq: 128, digest: A, replica: 1, signature: signature(1) },
    {
      ...{ kind: "view-change", view: 3, replica: 1, stableSeq: 0, stableProof: [] },
      ...{ prepared: [], signature: signature(1) },
    },
    { kind: "fetch", replica: 1, what: "batch", digests: [A] },
  ];
  for (const message of said) kept.heard(1, message);
  assert.equal(kindsOf(lines), [
    "1 pre-prepare 0 1",
    "1 commit 0 2",
    "1 checkpoint undefined 128",
    "1 view-change 3 undefined",
  ]);
});

test("a flood fills the share of its sender only, and it is said", () => {
  const { kept, lines } = journal();
  for (let seq = 1; seq <= 100_010; seq++) kept.heard(1, prepare(seq));
  assert.is(lines.length, 100_001);
  assert.is(lines.at(-1), '{"full":1}');
  kept.heard(2, { ...prepare(1), replica: 2 });
  assert.is(lines.length, 100_002);
});

test("a file goes on on a line of its own, and is complete when it is closed", () => {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-journal-"));
  try {
    const path = join(folder, "statements.jsonl");
    for (const seq of [1, 2]) {
      const file = openJournalFile(path, { cluster: CLUSTER, n: 4 });
      file.heard(1, prepare(seq));
      file.close();
      file.heard(1, prepare(seq + 2)); // Too late, and no harm.
    }
    const lines = readFileSync(path, "utf8").split("\n");
    assert.equal(
      lines.map((line) => line !== ""),
      [true, false, true, false],
    );
    assert.equal(kindsOf(lines.filter((line) => line !== "")), ["1 prepare 0 1", "1 prepare 0 2"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
