// Shrinks a failing seed with a build: what the command line and the bench do.

import type { NodeBuild } from "./node-build.js";
import type { Reduction } from "./reduction.js";
import { simulateSeed } from "./seed-run.js";
import { type Shrunk, shrink } from "./shrink.js";
import type { SimResult } from "./simulate.js";
import { drawScenario } from "./swarm.js";
import { Violation } from "./violation.js";
import type { World } from "./world.js";

/** A candidate that has not failed when so many times the time of the best is over is none. */
const PATIENCE_FACTOR = 2;

/** `check`: what fails, and goes on failing in whatever is left. */
export type ShrinkTask = {
  build: NodeBuild;
  seed: number;
  check: string;
  /** What the seed, or what is left of it to begin with, came to. */
  whole: SimResult;
  start: Reduction;
  isOver: () => boolean;
};

export function shrinkSeed({ build, seed, check, whole, start, isOver }: ShrinkTask): Shrunk {
  let bestMs = whole.stats.simulatedMs;
  const fails = (candidate: Reduction): boolean => {
    const untilMs = PATIENCE_FACTOR * bestMs;
    const { failed, stats } = simulateSeed(build, seed, candidate, (world) => stop(world, untilMs));
    if (!failed.includes(check)) return false;
    bestMs = stats.simulatedMs;
    return true;
  };
  const misfortunesOf = (candidate: Reduction) => simulateSeed(build, seed, candidate).misfortunes;
  return shrink({ scenario: drawScenario(seed), fails, misfortunesOf, isOver }, start);
}

function stop({ queue }: World, untilMs: number): void {
  queue.at(1_000 * untilMs, () => {
    throw new Violation("patience", `nothing had failed after ${untilMs} ms`);
  });
}
