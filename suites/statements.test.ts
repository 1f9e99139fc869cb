import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { signatureHolds } from "../checker/forensics/ed25519.js";
import { decodeStatement } from "../checker/forensics/statement.js";
import { type Signable, signedBytes } from "../node/core/wire.js";
import { createKeyring } from "../node/runtime/keyring.js";
import { generateKeys } from "../node/runtime/keys.js";
import { suiteNamed } from "./catalogue.js";
import { nodeFiles, OWN_BUILD } from "./cluster/layout.js";
import { createSim, SIM_CAPABILITIES } from "./cluster/sim.js";
import { judgeRun, readRun } from "./judge.js";
import { suitePlan } from "./plan.js";
import { performRun } from "./run.js";
import { parseRunOptions } from "./run-options.js";
import { openStore, verdictText } from "./store.js";

const CLUSTER = "00112233aabbccdd";
const VIEW = 2 ** 40 + 3;
const DIGEST = "0123456789abcdef".repeat(4);

test("the checker reads from signed bytes what the replica's codec put there", () => {
  const slot = { view: VIEW, seq: 17, digest: DIGEST };
  const carried = { stableSeq: 0, stableProof: [], prepared: [] };
  const signable: readonly Signable[] = [
    { kind: "pre-prepare", ...slot },
    { kind: "prepare", ...slot, replica: 30 },
    { kind: "commit", ...slot, replica: 30 },
    { kind: "checkpoint", seq: 17, digest: DIGEST, replica: 30 },
    { kind: "view-change", view: VIEW, replica: 30, ...carried },
    { kind: "new-view", view: VIEW, replica: 30, viewChanges: [], prePrepares: [] },
  ];
  for (const statement of signable) {
    const bytes = Buffer.from(signedBytes(CLUSTER, statement));
    const content = decodeStatement(bytes);
    assert.is(content?.cluster, CLUSTER);
    assert.match(content?.digest ?? "", /^[0-9a-f]{64}$/);
    for (const field of ["kind", "view", "seq", "digest", "replica"] as const) {
      if (field in statement) assert.is(content?.[field], Reflect.get(statement, field));
    }
    assert.is(decodeStatement(bytes.subarray(1)), undefined);
    assert.is(decodeStatement(Buffer.concat([bytes, Buffer.of(0)])), undefined);
  }
});

test("what a replica's keyring signs holds for the checker, and nothing else does", () => {
  const { secret, public: keys } = generateKeys(0);
  const keyring = createKeyring({ cluster: CLUSTER, secret, principals: new Map([[0, keys]]) });
  const bytes = signedBytes(CLUSTER, { kind: "pre-prepare", view: 0, seq: 1, digest: DIGEST });
  const hex = (raw: Uint8Array) => Buffer.from(raw).toString("hex");
  const signature = hex(keyring.sign(bytes));
  assert.ok(signatureHolds(keys.signingKey, hex(bytes), signature));
  assert.not.ok(signatureHolds(generateKeys(1).public.signingKey, hex(bytes), signature));
  assert.not.ok(signatureHolds(keys.signingKey, hex(bytes.subarray(1)), signature));
});

test("in the simulator an equivocating primary is proved to lie, by the run's files alone", async () => {
  const store = openStore(mkdtempSync(join(tmpdir(), "ordeal-statements-")));
  try {
    const options = parseRunOptions({ timeLimit: "3", nemesis: "liar:equivocate" });
    const plan = suitePlan(suiteNamed("liar"), {
      ...{ options, seed: 3, environment: "sim", commit: "none", build: OWN_BUILD },
      capabilities: SIM_CAPABILITIES,
    });
    const { directory, verdict } = await performRun(plan, {
      store,
      createEnvironment: createSim,
      output: { line: () => undefined, transient: () => false },
      interrupt: new AbortController().signal,
    });
    const { valid, proved = [], summary } = verdict.checks["accountable"] ?? {};
    assert.is(valid, true);
    assert.match(summary ?? "", /^r0 proved to have lied: pre-prepares for view 0, seq \d+ with/);
    const liars = new Set(proved.map(({ replica }) => replica));
    assert.equal([...liars], ["r0"]);
    assert.match(readFileSync(join(directory, "report.html"), "utf8"), "Proof of who lied");
    assert.is(verdictText(judgeRun(readRun(directory))), verdictText(verdict));

    // A run of an earlier build knew of no journals; of one that did, they are missing.
    const saved = readRun(directory);
    for (const node of saved.meta.correctReplicas) rmSync(nodeFiles(directory, node).journal);
    assert.is(judgeRun(readRun(directory)).checks["accountable"]?.valid, "unknown");
    const { accountable: _, ...claims } = saved.meta.claims;
    writeFileSync(join(directory, "run.json"), JSON.stringify({ ...saved.meta, claims }));
    assert.not("accountable" in judgeRun(readRun(directory)).checks);
  } finally {
    rmSync(store, { recursive: true });
  }
});

test.run();
