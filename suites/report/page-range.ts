// The stretch of time that all plots show: zooming into one zooms into all.

export type TimeRange = { min: number; max: number };

export type SharedRange = {
  get(): TimeRange;
  /** Cut to the run, and to no less than a millisecond; does nothing where nothing changes. */
  set(range: TimeRange): void;
  reset(): void;
  onChange(listener: (range: TimeRange) => void): void;
};

const SECONDS_MIN = 0.001;

export function createSharedRange(end: number): SharedRange {
  let range: TimeRange = { min: 0, max: end };
  const listeners: ((range: TimeRange) => void)[] = [];
  const set = (wanted: TimeRange): void => {
    const width = Math.min(Math.max(wanted.max - wanted.min, SECONDS_MIN), end);
    const min = Math.min(Math.max(wanted.min, 0), end - width);
    const next = { min, max: min + width };
    if (Math.abs(next.min - range.min) < 1e-9 && Math.abs(next.max - range.max) < 1e-9) return;
    range = next;
    for (const listener of listeners) listener(range);
  };
  return {
    get: () => range,
    set,
    reset: () => set({ min: 0, max: end }),
    onChange: (listener) => listeners.push(listener),
  };
}
