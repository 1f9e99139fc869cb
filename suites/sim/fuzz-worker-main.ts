// A thread of the fuzzer: loads the build once, then simulates the seeds that it is given, one by one.

import { parentPort, workerData } from "node:worker_threads";
import type { FuzzAnswer } from "./fuzz-pool.js";
import { loadNodeBuild } from "./load-build.js";
import { simulateSeed, summaryOf } from "./seed-run.js";

const port = parentPort;
if (port === null) throw new Error("a thread of the fuzzer was started as a program");

const build = await loadNodeBuild(String(workerData));
port.on("message", (seed: number) => port.postMessage(answer(seed)));
port.postMessage({ kind: "ready" } satisfies FuzzAnswer);

function answer(seed: number): FuzzAnswer {
  try {
    return { kind: "done", summary: summaryOf(simulateSeed(build, seed)) };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: "crashed", seed, error: text };
  }
}
