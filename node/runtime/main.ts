// The replica process. Exit codes: 0 after SIGTERM or SIGINT, 254 for bad arguments, cluster file or
// keys, 253 when the disk failed or is full, 255 when an assertion or something else failed; the last line of the structured log says why.

import { readClusterFile, readKeyFile } from "./cluster-file.js";
import { Counters } from "./counters.js";
import { CRASH_POINTS_VARIABLE } from "./crash-points.js";
import { runMain } from "./exit.js";
import { JOURNAL_VARIABLE } from "./journal-file.js";
import { LIAR_VARIABLE } from "./lying.js";
import { parseOptions } from "./options.js";
import { startReplica } from "./replica-process.js";
import { createStructuredLog, type StructuredLog } from "./structured-log.js";
import { parseAddress } from "./transport.js";

const USAGE =
  "main --cluster FILE --key FILE --data DIR [--listen HOST:PORT] [--control SOCKETPATH] [--init]";

let log: StructuredLog | undefined;

runMain(
  async () => {
    const options = parseOptions(
      USAGE,
      {
        required: ["cluster", "key", "data"],
        optional: ["listen", "control"],
        flags: ["init"],
      },
      process.argv.slice(2),
    );
    const listen = options.optional("listen");
    const cluster = readClusterFile(options.text("cluster"));
    const key = readKeyFile(options.text("key"));
    const counters = new Counters();
    log = createStructuredLog(key.principal, counters, (line) => process.stdout.write(line));
    const signal = firstSignal();
    const replica = await startReplica({
      cluster,
      key,
      data: options.text("data"),
      init: options.flag("init"),
      listen: listen === undefined ? undefined : parseAddress(listen, "--listen"),
      control: options.optional("control"),
      liar: process.env[LIAR_VARIABLE],
      journal: process.env[JOURNAL_VARIABLE],
      crashPoints: process.env[CRASH_POINTS_VARIABLE] === "1",
      counters,
      log,
    });
    const reason = await signal;
    await replica.stop();
    return reason;
  },
  (exit) => log?.write({ event: "exit", ...exit }),
);

function firstSignal(): Promise<string> {
  return new Promise((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => done(signal));
  });
}
