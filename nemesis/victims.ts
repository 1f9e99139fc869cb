// Whom faults of nodes strike: several packages choose among the same.

import type { Target } from "./faults.js";

export const VICTIMS: readonly Target[] = [{ kind: "one" }, { kind: "primary" }, { kind: "all" }];

export const ONE_OR_PRIMARY: readonly Target[] = [{ kind: "one" }, { kind: "primary" }];
