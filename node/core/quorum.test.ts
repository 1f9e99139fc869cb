import { test } from "uvu";
import * as assert from "uvu/assert";
import { faultsTolerated, preparesNeeded, primaryOf, quorumOf, weakQuorumOf } from "./quorum.js";
import { rejoinReportsNeeded } from "./rejoin.js";

const SIZES = [4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 100, 253];

test("for every n = 3f+1 two quorums share a correct replica, and a quorum is alive without f", () => {
  for (const n of SIZES) {
    const f = faultsTolerated(n);
    assert.is(n, 3 * f + 1);
    assert.ok(2 * quorumOf(n) - n >= f + 1, `n = ${n}: quorums intersect in f+1`);
    assert.ok(quorumOf(n) <= n - f, `n = ${n}: a quorum answers though f are silent`);
    assert.ok(weakQuorumOf(n) > f, `n = ${n}: a weak quorum holds a correct replica`);
    assert.is(preparesNeeded(n) + 1, quorumOf(n), "the pre-prepare stands for the primary's vote");
  }
});

test("n that is not 3f+1 is refused", () => {
  for (const n of [0, 1, 2, 3, 5, 6, 8, 30, 256, 4.5, Number.NaN]) {
    assert.throws(() => faultsTolerated(n), /3f\+1/);
  }
});

test("the primary of a view goes round the replicas", () => {
  for (const n of SIZES) {
    const primaries = Array.from({ length: n }, (_, view) => primaryOf(view, n));
    assert.is(new Set(primaries).size, n);
    assert.is(primaryOf(n, n), 0);
    assert.is(primaryOf(Number.MAX_SAFE_INTEGER, n), Number.MAX_SAFE_INTEGER % n);
  }
});

test("enough reports for a rejoin hold f of any f+1 correct replicas, and can be had without f-1", () => {
  for (const n of SIZES) {
    const f = faultsTolerated(n);
    const reports = rejoinReportsNeeded(n, f);
    const others = n - 1;
    assert.ok(f + 1 - (others - reports) >= f, `n = ${n}`);
    assert.ok(reports <= others - (f - 1) || f > 2, `n = ${n}`);
  }
});

test.run();
