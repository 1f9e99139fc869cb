// Another build of the replicas than our own, as a user names it.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "./usage-error.js";

/** Its folder, absolute. Throws UsageError where there is no build. */
export function otherBuild(asked: string): string {
  const build = resolve(asked);
  const main = join(build, "node", "runtime", "main.js");
  if (existsSync(main)) return build;
  throw new UsageError(
    "no-build",
    `--replica-build wants a build with node/runtime/main.js, found none at ${main}: build it first`,
  );
}
