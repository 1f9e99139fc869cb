// Where a replica can be made to end itself, to show that no moment is a bad one to die at. It is told
// what the driver does to log, ledger and network, not where the driver's code stands, so that it also
// finds the points of a driver that does things in the wrong order. Only a replica whose environment
// asks for it is told apart like this; every other one runs without a trace of it.

import type { Disk } from "./disk.js";
import type { LogContent } from "./replica-assembly.js";
import { type DriverTransport, sendingBy } from "./transport.js";

/** Set to 1, it has a replica take orders to end itself, on its control socket. */
export const CRASH_POINTS_VARIABLE = "ORDEAL_CRASH_POINTS";

/** In the order in which a turn comes to them. The nemesis has the same list, with its comments. */
export const CRASH_POINTS = [
  "before-persist",
  "after-persist-before-sync",
  "after-sync-before-commit",
  "after-persist-before-send",
  "before-compaction",
  "mid-compaction",
  "mid-send",
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

export function isCrashPoint(value: unknown): value is CrashPoint {
  return CRASH_POINTS.some((point) => point === value);
}

/** Guards: what is armed strikes once, at the `count`-th time that the point is come to. */
export class CrashPoints {
  readonly #strike: () => void;
  #armed: { point: CrashPoint; left: number } | undefined;
  /** Inside an append of records. */
  #appending = false;
  /** Records were appended since the last commit of the ledger. */
  #appended = false;
  /** The turn that now sends has recorded something. */
  #recorded = false;
  #sent = 0;

  /** `strike` ends the process; where it returns, nothing has happened. */
  constructor(strike: () => void) {
    this.#strike = strike;
  }

  /** In place of whatever was armed. */
  arm(point: CrashPoint, count: number): void {
    this.#armed = { point, left: count };
  }

  disarm(): void {
    this.#armed = undefined;
  }

  /** Around an append of so many records to the log. */
  append(recordCount: number, work: () => void): void {
    if (recordCount === 0) {
      work();
      return;
    }
    this.#reach("before-persist");
    this.#appending = true;
    work();
    this.#appending = false;
    this.#appended = true;
    this.#reach("after-sync-before-commit");
  }

  /** Before a sync of the log. */
  beforeSync(): void {
    if (this.#appending) this.#reach("after-persist-before-sync");
  }

  /** The ledger's transaction has ended: once in every turn. */
  committed(): void {
    this.#recorded = this.#appended;
    this.#appended = false;
    this.#sent = 0;
  }

  /** Before the ledger is made durable, and so before the log is cut. */
  beforeLedgerSync(): void {
    this.#reach("before-compaction");
  }

  /** Before the log is cut. */
  beforeReplace(): void {
    this.#reach("mid-compaction");
  }

  /** Before messages leave for one destination. */
  beforeSend(): void {
    if (this.#sent === 0 && this.#recorded) this.#reach("after-persist-before-send");
    if (this.#sent === 1) this.#reach("mid-send");
    this.#sent += 1;
  }

  #reach(point: CrashPoint): void {
    const armed = this.#armed;
    if (armed?.point !== point) return;
    armed.left -= 1;
    if (armed.left > 0) return;
    this.#armed = undefined;
    this.#strike();
  }
}

/** SIGKILL to ourselves: it has ended us when the call returns. */
export function killSelf(): void {
  process.kill(process.pid, "SIGKILL");
}

/** The disk, with the points told of its syncs. */
export function watchedDisk(disk: Disk, points: CrashPoints): Disk {
  return {
    ...disk,
    syncData(file) {
      points.beforeSync();
      disk.syncData(file);
    },
  };
}

/** The log, with the points told of what is done to it. */
export function watchedLog(log: LogContent["log"], points: CrashPoints): LogContent["log"] {
  return {
    append: (records) => points.append(records.length, () => log.append(records)),
    replace(records) {
      points.beforeReplace();
      log.replace(records);
    },
    get bytes() {
      return log.bytes;
    },
    close: () => log.close(),
  };
}

/** The transport, as a driver uses it, with the points told of what it sends. */
export function watchedTransport(transport: DriverTransport, points: CrashPoints): DriverTransport {
  return sendingBy(transport, (to, messages) => {
    points.beforeSend();
    transport.send(to, messages);
  });
}
