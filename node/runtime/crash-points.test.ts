import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  CRASH_POINTS,
  type CrashPoint,
  CrashPoints,
  isCrashPoint,
  watchedDisk,
  watchedLog,
  watchedTransport,
} from "./crash-points.js";
import { machineDisk } from "./disk.js";

class Struck extends Error {}

/** A replica of which only the order of its deeds is left; `done` has those before the strike. */
function rig(point?: CrashPoint, count = 1) {
  const done: string[] = [];
  const points = new CrashPoints(() => {
    throw new Struck();
  });
  const does = (what: string) => () => void done.push(what);
  const disk = watchedDisk({ ...machineDisk, syncData: does("sync") }, points);
  const log = watchedLog(
    {
      append(records) {
        if (records.length > 0) done.push("write");
        if (records.length > 0) disk.syncData(0);
      },
      replace: does("replace"),
      bytes: 0,
      close: does("close"),
    },
    points,
  );
  const transport = watchedTransport(
    { open: () => ({ from: 0, messages: [] }), send: does("send"), onDatagram: undefined },
    points,
  );
  /** As the driver does it: records, the transaction's end, perhaps a compaction, messages. */
  const turn = ({ records = 1, compacts = false, sends = 2 } = {}) => {
    log.append(Array.from({ length: records }, () => new Uint8Array(1)));
    done.push("commit");
    points.committed();
    if (compacts) {
      points.beforeLedgerSync();
      done.push("ledger sync");
      log.replace([]);
    }
    for (let index = 0; index < sends; index++) transport.send(index, []);
  };
  if (point !== undefined) points.arm(point, count);
  const run = (...turns: Parameters<typeof turn>[0][]): string => {
    try {
      for (const each of turns) turn(each);
    } catch (error) {
      if (!(error instanceof Struck)) throw error;
      return done.join(", ");
    }
    return "nothing struck";
  };
  return { run, points, done };
}

test("each point lies between the two deeds that it names", () => {
  const full = { records: 2, compacts: true, sends: 2 };
  const before: Record<CrashPoint, string> = {
    "before-persist": "",
    "after-persist-before-sync": "write",
    "after-sync-before-commit": "write, sync",
    "after-persist-before-send": "write, sync, commit, ledger sync, replace",
    "before-compaction": "write, sync, commit",
    "mid-compaction": "write, sync, commit, ledger sync",
    "mid-send": "write, sync, commit, ledger sync, replace, send",
  };
  for (const point of CRASH_POINTS) assert.is(rig(point).run(full), before[point], point);
});

test("it strikes at the count, once, and only what is armed", () => {
  const turn = { sends: 1 };
  assert.is(rig("before-persist", 3).run(turn, turn), "nothing struck");
  assert.match(
    rig("before-persist", 3).run(turn, turn, turn),
    /^(write, sync, commit, send(, |$)){2}$/,
  );
  assert.is(rig().run(turn, turn), "nothing struck");
  const { run, points } = rig("before-persist");
  points.disarm();
  assert.is(run(turn), "nothing struck");
  points.arm("before-persist", 1);
  assert.is.not(run(turn), "nothing struck");
  assert.is(run(turn), "nothing struck");
});

test("a turn that records nothing passes no point of recording; one message is no middle", () => {
  const quiet = { records: 0, sends: 2 };
  for (const point of CRASH_POINTS.filter((each) => each.includes("persist"))) {
    assert.is(rig(point).run(quiet), "nothing struck", point);
  }
  assert.is(rig("after-sync-before-commit").run(quiet), "nothing struck");
  assert.is(rig("mid-send").run({ sends: 1 }, { sends: 1 }), "nothing struck");
  // What the turn before recorded counts for that turn only.
  assert.is(rig("after-persist-before-send", 2).run({ sends: 1 }, quiet, quiet), "nothing struck");
});

test("messages that leave before their records are durable pass no point of a safe order", () => {
  const { points, done } = rig("after-persist-before-send");
  points.beforeSend();
  points.append(1, () => void done.push("write"));
  points.committed();
  assert.equal(done, ["write"]);
});

test("only names of points are points", () => {
  assert.ok(CRASH_POINTS.every(isCrashPoint));
  assert.not(isCrashPoint("after-send"));
  assert.not(isCrashPoint(undefined));
});

test.run();
