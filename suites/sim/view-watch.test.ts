import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CoreEvent } from "../../node/core/step.js";
import { ViewWatch } from "./view-watch.js";

const CONFIG = { n: 4, viewTimeoutMs: 100, viewTimeoutMsMax: 800 };
const EXECUTED: CoreEvent = { kind: "executed", seq: 1, requestCount: 1 };

function asks(view: number, reason: "timeout" | "joined" = "timeout"): CoreEvent {
  return { kind: "view-change-started", view, reason };
}

function watchOf(excused: readonly number[] = []): ViewWatch {
  return new ViewWatch(CONFIG, (id) => excused.includes(id));
}

test("view timers double with every view change that nothing executed in between, up to the cap", () => {
  const watch = watchOf();
  watch.onViewTimer(1, 100);
  for (const [view, least] of [100, 200, 400, 800, 800].entries()) {
    watch.onEvent(1, asks(view + 1));
    watch.onViewTimer(1, least);
    const less = () => watch.onViewTimer(1, least / 2);
    if (least > 100) assert.throws(less, /r1 waits \d+ ms, where it is/);
  }
  assert.throws(() => watch.onViewTimer(1, 1_600), /where it is 800 to 800 ms/);
  watch.onEvent(1, EXECUTED);
  watch.onViewTimer(1, 100);
  watch.onEvent(1, asks(9));
  watch.onEvent(1, asks(10));
  assert.throws(() => watch.onViewTimer(1, 100), /200 to 800/);
  watch.onStart(1);
  watch.onViewTimer(1, 100);
});

test("a view is joined when f+1 others ask for it or a later one; each liar may be one of them", () => {
  const watch = watchOf();
  watch.onViewChangeSent(0, 2);
  assert.throws(() => watch.onEvent(1, asks(2, "joined")), /joins view 2, and at most 1 others/);
  watch.onViewChangeSent(3, 1);
  assert.throws(() => watch.onEvent(1, asks(2, "joined")), /at most 1 others/);
  watch.onEvent(1, asks(1, "joined"));
  watch.onViewChangeSent(3, 5);
  watch.onEvent(1, asks(2, "joined"));
  const lied = watchOf([3]);
  assert.throws(() => lied.onEvent(1, asks(2, "joined")), /at most 1 others/);
  lied.onViewChangeSent(0, 2);
  lied.onEvent(1, asks(2, "joined"));
});

test.run();
