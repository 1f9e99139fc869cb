// A row of the table of faults: what was asked, what was measured, how far apart they may lie.

/** What one fault was asked to do and did, in one unit. */
export type FaultRow = {
  fault: string;
  asked: number;
  measured: number;
  unit: string;
  /** How far the measured value may lie below and above the asked one, in the unit. */
  tolerance: { below: number; above: number };
  /** How it was done, as the evidence says. */
  mechanism: string;
};

/** A fault that cannot be measured on this machine, and why. */
export type SkippedRow = { fault: string; skipped: string };

/** Rows of one kind of faults, made one after the other as they are measured. */
export type FaultSection = {
  name: string;
  measure: () => AsyncIterable<FaultRow | SkippedRow>;
};

export function withinTolerance({ asked, measured, tolerance }: FaultRow): boolean {
  return measured >= asked - tolerance.below && measured <= asked + tolerance.above;
}

/** The same distance on either side. */
export function around(distance: number): FaultRow["tolerance"] {
  return { below: distance, above: distance };
}

/** As asked, and nothing else. */
export const EXACT = around(0);

/** Less is as good. */
export const AT_MOST: FaultRow["tolerance"] = { below: Number.POSITIVE_INFINITY, above: 0 };
