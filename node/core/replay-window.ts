// Which of a peer's datagrams were seen: a window over the counters of its present process, as in
// IPsec (RFC 4303 §3.4.3). It spares the core what the network duplicates. It is no safety rule:
// every message of the protocol may be repeated, and a peer's older process may be replayed, which
// costs no more than a fresh window.

/** Counters that may arrive out of order. */
export const REPLAY_WINDOW = 1024;

export type ReplayWindow = {
  /** Of the sending process; undefined before its first datagram. */
  epoch: number | undefined;
  highest: number;
  /** A bit for each of the last REPLAY_WINDOW counters, at counter mod REPLAY_WINDOW. */
  readonly seen: Uint32Array;
};

export function createReplayWindow(): ReplayWindow {
  return { epoch: undefined, highest: -1, seen: new Uint32Array(REPLAY_WINDOW / 32) };
}

/** Marks the counter as seen; true where it was seen before, or is too old to know. */
export function refusesReplay(window: ReplayWindow, epoch: number, counter: number): boolean {
  if (window.epoch !== epoch) {
    window.epoch = epoch;
    window.highest = counter;
    window.seen.fill(0);
    mark(window, counter);
    return false;
  }
  if (counter > window.highest) {
    const skipped = Math.min(counter - window.highest, REPLAY_WINDOW);
    for (let step = 0; step < skipped; step++) unmark(window, counter - step);
    window.highest = counter;
    mark(window, counter);
    return false;
  }
  if (counter <= window.highest - REPLAY_WINDOW) return true;
  if (isMarked(window, counter)) return true;
  mark(window, counter);
  return false;
}

function mark(window: ReplayWindow, counter: number): void {
  const bit = counter % REPLAY_WINDOW;
  window.seen[bit >>> 5] = (window.seen[bit >>> 5] ?? 0) | (1 << (bit & 31));
}

function unmark(window: ReplayWindow, counter: number): void {
  const bit = counter % REPLAY_WINDOW;
  window.seen[bit >>> 5] = (window.seen[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
}

function isMarked(window: ReplayWindow, counter: number): boolean {
  const bit = counter % REPLAY_WINDOW;
  return (((window.seen[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
}
