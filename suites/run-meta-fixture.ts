// A run.json for tests: what a short run without faults leaves.

import type { RunMeta } from "./run-meta.js";

export const RUN_META_FIXTURE: RunMeta = {
  version: 1,
  suite: "smoke",
  seed: 1,
  commit: "none",
  environment: "fake",
  environmentDescription: "fake",
  startedAt: "2026-01-01T00:00:00.000Z",
  replicas: 4,
  f: 1,
  options: {},
  claims: {},
  reproduce: "",
  phases: { loadEnd: 1, healed: 1, quiescent: 1, end: 1 },
  recoveryBoundNs: 1,
  quiescence: { reached: true, detail: "" },
  expectedFaults: [],
  correctReplicas: [],
  samples: [],
};
