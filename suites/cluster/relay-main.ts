// The relay as a process: commands on stdin, answers on stdout, gone when stdin ends.

import { createRandom } from "../../nemesis/random.js";
import { readLines } from "./json-lines.js";
import { Relay } from "./relay.js";
import { decodeCommand, encodeLine, type RelayAnswer, type RelayCommand } from "./relay-wire.js";

let relay: Relay | undefined;
let last = Promise.resolve();

readLines(process.stdin, (line) => {
  last = last.then(async () => {
    let answer: RelayAnswer;
    try {
      answer = await obey(decodeCommand(line));
    } catch (error) {
      answer = { op: "failed", error: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(encodeLine(answer));
  });
});
process.stdin.on("end", () => process.exit(0));

async function obey(command: RelayCommand): Promise<RelayAnswer> {
  switch (command.op) {
    case "open": {
      const random = createRandom(command.seed).fork("relay");
      relay = new Relay((link) => random.fork(link).float);
      return { op: "open", addresses: await relay.open(command.nodes, command.pairs) };
    }
    case "rules":
      opened().setRules(command.rules);
      return { op: "rules" };
    case "counters":
      return { op: "counters", links: opened().counters() };
    default:
      return command satisfies never;
  }
}

function opened(): Relay {
  if (relay === undefined) throw new Error("relay: want op open first");
  return relay;
}
