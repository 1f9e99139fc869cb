// What a package of the nemesis is; packages.ts has them by name.

import type { FaultIntent, FaultKind } from "./faults.js";
import type { Hold } from "./hold.js";
import type { Random } from "./random.js";

export type NemesisPackage = {
  name: string;
  /** One sentence, for `ordeal list`. */
  description: string;
  /** What an environment must be able to do. */
  kinds: readonly FaultKind[];
  /** The next fault of this package, the `index`-th of the run. */
  intent: (random: Random, index: number) => FaultIntent;
  hold: Hold;
  /** What it waits for may not come in a short run: no swarm draws it, for nothing may land. */
  rare?: true;
  /** It leaves more replicas faulty than the cluster tolerates: it must be asked for. */
  beyondF?: true;
};
