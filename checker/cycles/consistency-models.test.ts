import { test } from "uvu";
import * as assert from "uvu/assert";
import type { AnomalyName } from "./anomalies.js";
import {
  modelBoundary,
  modelNamed,
  modelNames,
  proscribed,
  violates,
} from "./consistency-models.js";

function weakestBroken(...anomalies: readonly AnomalyName[]): readonly string[] {
  return modelBoundary(anomalies).not;
}

test("nothing found rules nothing out", () => {
  const { not, alsoNot, survive } = modelBoundary([]);
  assert.equal([not, alsoNot, survive], [[], [], ["strong-serializable"]]);
});

test("each anomaly rules out the weakest models that proscribe it", () => {
  assert.equal(weakestBroken("G0"), ["read-uncommitted"]);
  assert.equal(weakestBroken("duplicate-elements"), ["read-uncommitted"]);
  assert.equal(weakestBroken("G1a"), ["read-committed"]);
  assert.equal(weakestBroken("G1b"), ["read-committed"]);
  assert.equal(weakestBroken("G1c"), ["read-committed"]);
  assert.equal(weakestBroken("incompatible-order"), ["read-committed"]);
  assert.equal(weakestBroken("internal"), ["read-atomic"]);
  assert.equal(weakestBroken("lost-update"), ["cursor-stability", "rola"]);
  assert.equal(weakestBroken("G-single"), ["consistent-view", "repeatable-read"]);
  assert.equal(weakestBroken("G-nonadjacent"), ["repeatable-read", "snapshot-isolation"]);
  assert.equal(weakestBroken("G2-item"), ["repeatable-read"]);
  assert.equal(weakestBroken("G0-process"), ["strong-session-read-uncommitted"]);
  assert.equal(weakestBroken("G1c-process"), ["strong-session-read-committed"]);
  assert.equal(weakestBroken("G-single-process"), ["strong-session-snapshot-isolation"]);
  assert.equal(weakestBroken("G2-item-process"), ["strong-session-serializable"]);
  assert.equal(weakestBroken("G0-realtime"), ["strong-read-uncommitted"]);
  assert.equal(weakestBroken("G1c-realtime"), ["strong-read-committed"]);
  assert.equal(weakestBroken("G-single-realtime"), ["strong-snapshot-isolation"]);
  assert.equal(weakestBroken("G2-item-realtime"), ["strong-serializable"]);
});

test("what is stronger than a broken model is broken, what is weaker may stand", () => {
  const { not, alsoNot, survive } = modelBoundary(["G2-item"]);
  assert.equal(not, ["repeatable-read"]);
  assert.equal(alsoNot, ["serializable", "strong-serializable", "strong-session-serializable"]);
  assert.equal(survive, ["strong-snapshot-isolation", "update-serializable"]);
});

test("write skew is snapshot isolation's own; a long fork is not", () => {
  assert.not.ok(violates("G2-item", "snapshot-isolation"));
  assert.ok(violates("G-nonadjacent", "snapshot-isolation"));
  assert.ok(violates("G2-item", "serializable"));
  assert.ok(violates("G-single", "consistent-view"));
  assert.not.ok(violates("G-single-realtime", "serializable"));
  assert.ok(violates("G-single-realtime", "strict-serializable"));
});

test("every name of a model is known, and only those", () => {
  for (const name of modelNames()) {
    assert.ok(modelNamed(name) !== undefined);
    assert.ok(proscribed(name).size > 0, name);
  }
  assert.is(modelNamed("PL-2.99"), "repeatable-read");
  assert.is(modelNamed("acid"), undefined);
});

test.run();
