import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LogRecord } from "../core/log.js";
import type { Message } from "../core/messages.js";
import type { Effect, Input } from "../core/step.js";
import { decodeMessage, decodeRecord, encodeMessage } from "../core/wire.js";
import { Counters } from "./counters.js";
import { createDriver, type DriverOptions } from "./driver.js";
import type { Clock } from "./timers.js";

const REPLY: Message = {
  kind: "reply",
  view: 0,
  client: 256 * 65_536,
  timestamp: 1,
  replica: 0,
  seq: 1,
  result: Uint8Array.of(1),
};

const REQUEST: Message = {
  kind: "request",
  client: 256 * 65_536,
  timestamp: 1,
  operation: Uint8Array.of(1),
  authenticator: new Uint8Array(64),
  signature: new Uint8Array(64),
};

function view(number: number): LogRecord {
  return { kind: "view", view: number, active: true };
}

function status(view: number): Message {
  return {
    kind: "status",
    replica: 1,
    view,
    viewActive: true,
    stableSeq: 0,
    executedSeq: 0,
    slots: new Uint8Array(0),
    viewChangesHeld: new Uint8Array(1),
  };
}

const COMMITTED: LogRecord = {
  kind: "committed",
  certificate: {
    kind: "commit-certificate",
    view: 0,
    seq: 1,
    digest: "00".repeat(32),
    requests: [],
    commits: [],
  },
};

/** A driver whose world writes down what is done to it, in order. */
function persist(record: LogRecord): Effect {
  return { kind: "persist", record, later: false };
}

function harness(respond: (input: Input) => readonly Effect[]) {
  const done: string[] = [];
  const due: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    after(_delayMs, callback) {
      due.push(callback);
      return () => due.splice(due.indexOf(callback), 1);
    },
    soon: (callback) => void setImmediate(callback),
  };
  const named = (records: readonly Uint8Array[]) =>
    records.map((bytes) => {
      const record = decodeRecord(bytes);
      return record?.kind === "view" ? `view ${record.view}` : `${record?.kind}`;
    });
  const transport: DriverOptions["transport"] = {
    onDatagram: undefined,
    open: ({ bytes }) => ({ from: 1, messages: [bytes] }),
    send: (to, messages) => {
      const kinds = messages.map((bytes) => decodeMessage(bytes)?.kind);
      done.push(`send ${to}: ${kinds.join("+")}`);
    },
  };
  const counters = new Counters();
  const driver = createDriver({
    step: (input) => {
      if (input.kind === "stop") done.push("stop");
      else if (input.kind === "timeout") done.push(`timeout ${input.timer}`);
      else done.push(`step ${input.message.kind}`);
      return respond(input);
    },
    stateMachine: { commit: () => done.push("commit"), sync: () => done.push("sync") },
    log: {
      append: (records) => {
        if (records.length > 0) done.push(`append ${named(records).join(", ")}`);
      },
      replace: (records) => done.push(`replace ${named(records).join(", ")}`),
    },
    transport,
    clock,
    counters,
    onEvent: (event) => done.push(`event ${event.kind}`),
  });
  const receive = (bytes: Uint8Array) =>
    transport.onDatagram?.({ bytes, source: { host: "127.0.0.1", port: 1 } });
  const turn = () => new Promise<void>((next) => setImmediate(next));
  const take = () => done.splice(0);
  return {
    driver,
    receive,
    turn,
    take,
    fire: () => due.splice(0).forEach((f) => void f()),
    counters,
  };
}

test("one turn's datagrams are fed together and cost one append, one commit, one send each", async () => {
  const { driver, receive, turn, take } = harness(() => [
    { kind: "send", to: [2, 3], message: REPLY },
    persist(view(1)),
    { kind: "send", to: [3], message: REPLY },
  ]);
  driver.start([]);
  take();
  receive(encodeMessage(status(0)));
  receive(encodeMessage(status(1)));
  assert.equal(take(), [], "nothing is done while datagrams still come in");
  await turn();
  assert.equal(take(), [
    "step status",
    "step status",
    "append view 1, view 1",
    "send 2: reply+reply",
    "send 3: reply+reply+reply+reply",
    "commit",
  ]);
});

test("a turn's requests are stepped before its votes", async () => {
  const { driver, receive, turn, take } = harness(() => []);
  driver.start([]);
  take();
  receive(encodeMessage(status(0)));
  receive(encodeMessage(REQUEST));
  receive(encodeMessage(status(0)));
  await turn();
  assert.equal(take(), ["step request", "step status", "step status", "commit"]);
});

test("a compaction comes after the transaction is durable, and keeps what was persisted behind it", async () => {
  const { driver, receive, turn, take } = harness(() => [
    persist(view(1)),
    { kind: "compact", records: [view(2)] },
    persist(view(3)),
    { kind: "send", to: [2], message: REPLY },
  ]);
  driver.start([]);
  take();
  receive(encodeMessage(status(0)));
  await turn();
  assert.equal(take(), [
    "step status",
    "append view 1, view 3",
    "commit",
    "sync",
    "replace view 2, view 3",
    "send 2: reply",
    "commit",
  ]);
});

test("a record that may wait does so until the next that must be durable, or the end", async () => {
  let effects: readonly Effect[] = [{ kind: "persist", record: COMMITTED, later: true }];
  const { driver, receive, turn, take } = harness(() => effects);
  driver.start([]);
  take();
  receive(encodeMessage(status(0)));
  await turn();
  assert.equal(take(), ["step status", "commit"]);
  effects = [persist(view(4))];
  receive(encodeMessage(status(0)));
  await turn();
  assert.equal(take(), ["step status", "append committed, view 4", "commit"]);
  effects = [{ kind: "persist", record: COMMITTED, later: true }];
  receive(encodeMessage(status(0)));
  await turn();
  take();
  effects = [persist(view(5))];
  driver.stop();
  assert.equal(take(), ["stop", "append committed, view 5", "commit", "sync"]);
});

test("a datagram that came before a timer is delivered is stepped first, and may cancel it", async () => {
  let effects: readonly Effect[] = [{ kind: "cancel-timer", timer: "view" }];
  const { driver, receive, turn, take, fire } = harness(() => effects);
  driver.start([{ kind: "set-timer", timer: "view", delayMs: 10 }]);
  take();
  fire();
  receive(encodeMessage(status(0)));
  await turn();
  assert.equal(take(), ["step status", "commit"]);

  effects = [{ kind: "set-timer", timer: "status", delayMs: 10 }];
  receive(encodeMessage(status(0)));
  await turn();
  fire();
  await turn();
  assert.equal(take(), ["step status", "commit", "timeout status", "commit"]);
});

test("recovery is performed like any other turn, and only then is anything received", () => {
  const { driver, receive, take } = harness(() => []);
  receive(encodeMessage(status(0)));
  driver.start([
    persist(view(0)),
    { kind: "event", event: { kind: "view-entered", view: 0 } },
    { kind: "send", to: [1], message: REPLY },
  ]);
  assert.equal(take(), ["event view-entered", "append view 0", "send 1: reply", "commit"]);
});

test("rubbish inside an authenticated datagram is counted, and the rest is stepped", async () => {
  const { driver, receive, turn, take, counters } = harness(() => []);
  driver.start([]);
  take();
  receive(Uint8Array.of(255, 1, 2));
  receive(encodeMessage(status(0)));
  await turn();
  assert.equal(take(), ["step status", "commit"]);
  assert.equal(counters.totals(), { "message/malformed": 1 });
});

test("after the stop nothing is received, sent or due", async () => {
  const { driver, receive, turn, take, fire } = harness(() => [
    { kind: "send", to: [2], message: REPLY },
  ]);
  driver.start([{ kind: "set-timer", timer: "view", delayMs: 10 }]);
  take();
  receive(encodeMessage(status(0)));
  driver.stop();
  assert.equal(take(), ["stop", "commit", "sync"]);
  fire();
  receive(encodeMessage(status(0)));
  await turn();
  assert.equal(take(), []);
});

test.run();
