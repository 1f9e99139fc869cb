// A name that one process of this machine holds at a time. It is an abstract Unix socket: the kernel
// gives it up when its holder dies, so there is no stale lock to judge. Source: unix(7).

import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";

/** Takes the name; resolves to what gives it up, or to undefined where another holds it. */
export function holdName(name: string): Promise<(() => void) | undefined> {
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 32);
  const server = createServer((connection) => connection.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      if (systemCodeOf(error) === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(`\0ordeal-${digest}`, () => {
      server.unref();
      resolve(() => server.close());
    });
  });
}
