// The client process: calls as JSON lines on stdin, answers as JSON lines on stdout, in the order in
// which they end. A line that is no call gets an answer that says why. Ends when stdin does.

import { openClient } from "./client.js";
import { type ClientAnswer, parseCall } from "./client-call.js";
import { readClusterFile, readKeyFile } from "./cluster-file.js";
import { runMain } from "./exit.js";
import { eachLine } from "./lines.js";
import { parseOptions } from "./options.js";
import { parseAddress } from "./transport.js";

const USAGE = "client-main --cluster FILE --key FILE [--listen HOST:PORT]";

/** A line longer than this is refused, and read over. */
const CALL_BYTES_MAX = 65_536;

runMain(async () => {
  const names = { required: ["cluster", "key"], optional: ["listen"] };
  const options = parseOptions(USAGE, names, process.argv.slice(2));
  const listen = options.optional("listen");
  const client = await openClient({
    cluster: readClusterFile(options.text("cluster")),
    key: readKeyFile(options.text("key")),
    ...(listen === undefined ? {} : { listen: parseAddress(listen, "--listen") }),
  });
  const write = answerWriter();
  await eachLine(process.stdin, CALL_BYTES_MAX, (line) => {
    if (line === "") return;
    const call = parseCall(line);
    if ("type" in call) write(call);
    else void client.call(call).then(write);
  });
  await client.close();
  return "stdin closed";
});

/** Answers of one turn of the event loop are written at once. */
function answerWriter(): (answer: ClientAnswer) => void {
  let lines: string[] = [];
  return (answer) => {
    if (lines.length === 0) {
      setImmediate(() => {
        process.stdout.write(lines.join(""));
        lines = [];
      });
    }
    lines.push(`${JSON.stringify(answer)}\n`);
  };
}
