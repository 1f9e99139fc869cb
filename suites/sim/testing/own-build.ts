// The build under test in the simulator's own tests: this very one, compiled.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadNodeBuild } from "../load-build.js";

export const OWN_BUILD = resolve(fileURLToPath(new URL("../../../", import.meta.url)));

export const ownBuild = await loadNodeBuild(OWN_BUILD);
