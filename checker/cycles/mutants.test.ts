// The tests tested: with an edge dropped or a check skipped in the compiled checker, the histories that
// show every anomaly tell.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LIST_CASES } from "./testing/list-cases.js";
import { transactionsFrom } from "./testing/notation.js";
import { REGISTER_CASES } from "./testing/register-cases.js";
import { transactionsOf } from "./transactions.js";

const COMPILED = fileURLToPath(new URL("../", import.meta.url));

type Mutant = { what: string; file: string; find: string; replace: string };

const MUTANTS: readonly Mutant[] = [
  edge(
    "no ww between versions that were read",
    "versions",
    "if (before >= 0)\n                    edges.add(before, txn, WW, element);",
  ),
  edge(
    "no ww to what was never read",
    "versions",
    "edges.add(before, writer[element] ?? -1, WW, element);",
  ),
  edge("no wr", "versions", "edges.add(last, txn, WR, order[position - 1] ?? -1);"),
  edge(
    "no rw to versions that were read",
    "versions",
    "edges.add(txn, writer[missed] ?? -1, RW, missed);",
  ),
  edge(
    "no rw to what was never read",
    "versions",
    "edges.linkAll(readersOfAll.get(key) ?? [], targets, RW);",
  ),
  edge("no wr of registers", "rw-register", "edges.add(by, txn, WR, version);"),
  edge("no ww of registers", "rw-register", "edges.add(earlier, by, WW, late);"),
  edge(
    "no rw of registers",
    "rw-register",
    "edges.linkAll(readers.get(version) ?? [], targets, RW);",
  ),
  swap("real time is forgotten", "order-edges", "after[txn] = called;", "after[txn] = count;"),
  swap(
    "real time begins at the call",
    "order-edges",
    "after[txn] = called;",
    "after[txn] = txn + 1;",
  ),
  swap("processes are forgotten", "order-edges", "processNext[before] = txn;", ";"),
  swap("info ends a transaction", "order-edges", "outcome[before] === OK", "true"),
  swap(
    "real time does not make a cycle",
    "acyclic",
    "(firstAfter[int(byReturn, returned)] ?? count)",
    "count",
  ),
  edge("internal is skipped", "list-reads", "checkInternal(subject, txn, op, before);"),
  edge("future-read is skipped", "list-reads", "checkFuture(subject, txn, op, begin);"),
  edge("dirty-update is skipped", "list-reads", "checkDirtyUpdates(subject);"),
  edge(
    "only reads that do not fit are looked through",
    "list-reads",
    "firstBad[number] = int(position, element);",
  ),
  edge("elements twice are skipped", "list-reads", "firstBad[number] = 0;"),
  swap("G1b is skipped", "list-reads", "writers.intermediate[last] === 1", "false"),
  swap("its own intermediate state is G1b", "list-reads", "&& writer !== txn", ""),
  swap(
    "orders that do not fit are not told",
    "list-reads",
    'findings.add("incompatible-order"',
    'void ("incompatible-order"',
  ),
  swap(
    "lost updates are skipped",
    "lost-update",
    'findings.add("lost-update"',
    'void ("lost-update"',
  ),
  swap(
    "failed writes count as committed",
    "writers",
    "outcome[txn] === FAIL ? failed : writer",
    "writer",
  ),
  swap(
    "rw edges may touch in G-nonadjacent",
    "cycle-search",
    "allowed = (state & 1) === 1 ? rest & ~RW : rest",
    "allowed = rest",
  ),
  swap("G-single may hold more than one rw", "cycle", "if (rw === 1)", "if (rw >= 1)"),
  swap("adjacency is not looked at", "cycle", "return adjacent ?", "return false ?"),
  swap(
    "components of one node more",
    "graph",
    "if (!alone)\n                count += 1;",
    "count += 2;",
  ),
  swap("wfr-keys are ignored", "register-versions", "assumptions.wfrKeys === true", "false"),
  swap(
    "sequential-keys are ignored",
    "register-versions",
    "assumptions.sequentialKeys === true",
    "false",
  ),
  swap(
    "linearizable-keys are ignored",
    "register-versions",
    "assumptions.linearizableKeys === true",
    "false",
  ),
  swap(
    "versions in a circle are accepted",
    "register-versions",
    "if (found.length === 0)",
    "if (true)",
  ),
  edge(
    "the initial state is before nothing",
    "register-versions",
    "pairs.add(initialVersion(transactions, key), element);",
  ),
  swap(
    "internal of registers is skipped",
    "register-reads",
    'tell("internal",',
    'void ("internal",',
  ),
  edge(
    "G1a of registers is skipped",
    "register-reads",
    'tell("G1a", "it was written by what failed:", aborted);',
  ),
  edge(
    "G1b of registers is skipped",
    "register-reads",
    'tell("G1b", "that is not the last that was written there by", by);',
  ),
];

function edge(what: string, file: string, find: string): Mutant {
  return { what, file, find, replace: ";" };
}

function swap(what: string, file: string, find: string, replace: string): Mutant {
  return { what, file, find, replace };
}

/** How many of the histories the checker in a folder judges otherwise than they ought to be. */
async function mistakes(folder: string): Promise<number> {
  const load = (file: string) => import(pathToFileURL(join(folder, "cycles", file)).href);
  const { checkListAppend } = await load("list-append.js");
  const { checkRwRegister } = await load("rw-register.js");
  const wrong = (shows: readonly string[], check: () => { anomalies: { name: string }[] }) => {
    try {
      return (
        check()
          .anomalies.map(({ name }) => name)
          .join() !== shows.join()
      );
    } catch {
      return true; // A mutant that dies is caught as well.
    }
  };
  const lists = LIST_CASES.filter(({ history, shows }) =>
    wrong(shows, () => checkListAppend(transactionsOf(transactionsFrom(history), "list-append"))),
  );
  const registers = REGISTER_CASES.filter(({ history, shows, assumptions }) =>
    wrong(shows, () =>
      checkRwRegister(transactionsOf(transactionsFrom(history), "rw-register"), assumptions),
    ),
  );
  return lists.length + registers.length;
}

const root = mkdtempSync(join(tmpdir(), "ordeal-mutants-"));
writeFileSync(join(root, "package.json"), '{ "type": "module" }\n');

test("the checker as it is makes no mistake", async () => {
  assert.is(await mistakes(COMPILED), 0);
});

for (const [index, { what, file, find, replace }] of MUTANTS.entries()) {
  test(`caught: ${what}`, async () => {
    const folder = join(root, String(index));
    cpSync(join(COMPILED, "cycles"), join(folder, "cycles"), {
      recursive: true,
      filter: (path) => !path.endsWith(".test.js") && basename(path) !== "testing",
    });
    cpSync(join(COMPILED, "columns.js"), join(folder, "columns.js"));
    const path = join(folder, "cycles", `${file}.js`);
    const text = readFileSync(path, "utf8");
    assert.is(text.split(find).length, 2, `${file}.js has moved on from: ${find}`);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
    assert.ok((await mistakes(folder)) > 0);
  });
}

test.after(() => rmSync(root, { recursive: true, force: true }));
test.run();
