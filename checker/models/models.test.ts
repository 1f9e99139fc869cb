// What each model must reject, and what looks like it and must pass.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkModel } from "../check-model.js";
import { HistoryError } from "../history-error.js";
import { sketched } from "../testing/sketch.js";
import { independent } from "./independent.js";
import { kv } from "./kv.js";
import type { Model } from "./model.js";
import { multiRegister } from "./multi-register.js";
import { mutex } from "./mutex.js";
import { MODEL_NAMES, namedModel } from "./named.js";
import { fifoQueue, unorderedQueue } from "./queue.js";
import { casRegister, register } from "./register.js";
import { set } from "./set.js";
import { MODEL_CASES } from "./testing/model-cases.js";

for (const [model, what, text, isLegal] of MODEL_CASES) {
  test(`${model.name}: ${what} is ${isLegal ? "legal" : "rejected"}`, () => {
    assert.is(checkModel(sketched(text), model).valid, isLegal);
  });
}

test("every model has at least three histories to reject, and one that looks like them", () => {
  const models = new Set(MODEL_CASES.map(([model]) => model.name));
  for (const name of MODEL_NAMES) models.add(namedModel(name)?.name ?? name);
  for (const name of models) {
    const own = MODEL_CASES.filter(([model]) => model.name === name);
    const rejected = own.filter(([, , , isLegal]) => !isLegal).length;
    assert.ok(rejected >= 3, `${name} has ${rejected}`);
    assert.ok(own.length > rejected, `${name} has no near miss`);
  }
});

const UNKNOWN_CALLS: readonly [Model, string, RegExp][] = [
  [register(), "p0 0-1 cas [1 2]", /^op 0: a register knows read, write, not cas$/],
  [casRegister(), "p0 0-1 cas 3", /^op 0: cas wants \[from to\], not 3$/],
  [mutex(), "p0 0-1 lock", /a mutex knows acquire, release, not lock/],
  [kv(), "p0 0-1 get 1", /get wants \[key value\]/],
  [kv(), 'p0 0-1 cas ["k" 1]', /cas wants \[key \[from to\]\]/],
  [kv(), "p0 0-1 drop [1 2]", /kv knows get, put, append, cas, not drop/],
  [set(), "p0 0-1 remove 1", /a set knows add, read, not remove/],
  [set(), "p0 0-1 read -> 7", /read wants the elements, not 7/],
  [set(), "p0 0-1 add", /add wants a value/],
  [fifoQueue(), "p0 0-1 peek", /a queue knows enqueue, dequeue, not peek/],
  [unorderedQueue(), "p0 0-1 enqueue", /enqueue wants a value/],
  [multiRegister(), "p0 0-1 read", /a multi-register knows txn, not read/],
  [multiRegister(), "p0 0-1 txn [[:append 1 2]]", /txn wants/],
  [independent(register()), "p0 0-1 write 1", /write wants \[key value\], not 1/],
];

for (const [model, text, message] of UNKNOWN_CALLS) {
  test(`${model.name} does not know ${text}`, () => {
    try {
      checkModel(sketched(text), model);
    } catch (error) {
      assert.instance(error, HistoryError);
      assert.match(String(error instanceof Error ? error.message : error), message);
      return;
    }
    assert.unreachable("it was judged");
  });
}

test("a model that claims to be read-only, and is not, is found out", () => {
  const model: Model<number> = {
    name: "liar",
    init: 0,
    step: (state) => state + 1,
    isReadOnly: () => true,
  };
  assert.throws(
    () => checkModel(sketched("p0 0-1 read"), model),
    /liar: read is said to be read-only/,
  );
});

test("every name has a model", () => {
  for (const name of MODEL_NAMES) assert.is.not(namedModel(name), undefined);
  assert.is(namedModel("blockchain"), undefined);
});

test.run();
