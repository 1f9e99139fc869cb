import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Request } from "../../node/core/messages.js";
import type { Replica } from "../../node/core/replica.js";
import { RelayWatch } from "./relay-watch.js";

const REQUEST: Request = {
  kind: "request",
  client: 7,
  timestamp: 3,
  operation: new Uint8Array(),
  authenticator: new Uint8Array(),
  signature: new Uint8Array(),
};

/** r2 of four, with the request waiting or not. */
function replicaOf(view: number, viewActive: boolean, waits = true): Replica {
  const waiting = new Map(waits ? [[7, { request: REQUEST, proposed: false }]] : []);
  return { id: 2, view, viewActive, waiting } as unknown as Replica;
}

function watchIn(view: number, viewActive = true): RelayWatch {
  const watch = new RelayWatch(4);
  watch.onTurn(replicaOf(view, viewActive, false));
  watch.onAsked(REQUEST);
  return watch;
}

test("a backup that keeps a client's request to itself is caught", () => {
  const watch = watchIn(0);
  assert.throws(() => watch.onTurn(replicaOf(0, true)), /r2 keeps request 3 of client 7 from.*r0/);
  const other = watchIn(0);
  other.onSend(REQUEST, 1);
  assert.throws(() => other.onTurn(replicaOf(0, true)), /from the primary, r0/);
});

test("nothing is owed for what was passed on, what does not wait, and where there is no primary", () => {
  const passed = watchIn(0);
  passed.onSend(REQUEST, 0);
  passed.onTurn(replicaOf(0, true));
  passed.onTurn(replicaOf(0, true));
  watchIn(0).onTurn(replicaOf(0, true, false));
  watchIn(2).onTurn(replicaOf(2, true)); // it is the primary
  watchIn(1, false).onTurn(replicaOf(1, false));
  watchIn(0).onTurn(replicaOf(1, true)); // the view changed in between
});

test.run();
