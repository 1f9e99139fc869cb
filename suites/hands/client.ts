// `ordeal client …`: the paper's client on the command line, for a cluster of `ordeal cluster up`.

import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { messageOf } from "../../node/runtime/ordeal-error.js";
import { integer } from "../run-options.js";
import { UsageError } from "../usage-error.js";
import { tellAnswer } from "./answer-line.js";
import {
  type ClusterFolder,
  FOLDER_DEFAULT,
  openFolder,
  runningReplicas,
} from "./cluster-folder.js";
import { openHandClient } from "./hand-client.js";
import {
  type HandOperation,
  parseOperation,
  USAGE,
  VERBS,
  type Verb,
  wordsOf,
} from "./hand-operation.js";
import { askHoldings, showLines } from "./show-table.js";

const TIMEOUT_S_DEFAULT = 10;

type Options = { dir: string; replica?: string; timeout: string };
type Step = { operation: HandOperation; where: string };

const DESCRIPTIONS: Readonly<Record<Verb, string>> = {
  get: "an account's balance",
  balance: "an account's balance",
  open: "open an account",
  deposit: "put money into an account",
  withdraw: "take money out of an account",
  move: "move money from one account to another",
  statement: "an account's balance and newest movements",
};

/**
 * Adds the commands. Results go to stdout; the exit code is 0 for done, 1 for refused, 2 for not
 * known. Throws UsageError before anything is sent.
 */
export function registerClient(program: Command): void {
  const client = program
    .command("client")
    .description("the bank's client (exit codes: 0 done, 1 refused, 2 not known)");
  const withOptions = (command: Command) =>
    command
      .option("--dir <folder>", "where the cluster is kept", FOLDER_DEFAULT)
      .option("--replica <n>", "ask this replica first")
      .option("--timeout <seconds>", "wait so long for an answer", String(TIMEOUT_S_DEFAULT));

  for (const verb of VERBS) {
    const command = withOptions(client.command(verb))
      .alias(verb.toUpperCase()) // as the paper writes its commands
      .description(DESCRIPTIONS[verb])
      .usage(USAGE[verb].replace(`${verb} `, ""))
      .argument("[words...]");
    if (verb === "open") command.option("--name <text>").option("--address <text>");
    // An amount below zero is the ledger's to refuse, not an option that we do not know.
    command.allowUnknownOption();
    command.action(
      async (words: string[], options: Options & { name?: string; address?: string }) => {
        const texts = (["name", "address"] as const).flatMap((key) => {
          const value = options[key];
          return verb === "open" && value !== undefined ? [`--${key}`, value] : [];
        });
        const operation = parseOperation([verb, ...words, ...texts]);
        process.exitCode = await perform([{ operation, where: "" }], options);
      },
    );
  }

  withOptions(client.command("batch"))
    .description("operations from a file, or - for stdin: one a line, # begins a comment")
    .argument("<file>")
    .action(async (file: string, options: Options) => {
      process.exitCode = await perform(parseBatch(await readBatch(file), file), options);
    });

  client
    .command("show")
    .description("each replica's own row of the accounts, and where they differ")
    .argument("[account...]", "default: all")
    .option("--dir <folder>", "where the cluster is kept", FOLDER_DEFAULT)
    .action(async (ids: string[], { dir }: { dir: string }) => {
      const lines = showLines(await askHoldings(openRunning(dir), ids), ids);
      for (const line of lines) print(line);
    });
}

/** One after the other; stops where the outcome is not known: what follows may depend on it. */
async function perform(steps: readonly Step[], options: Options): Promise<number> {
  const folder = openRunning(options.dir);
  const timeoutMs = 1_000 * integer("--timeout", options.timeout, 1, 3_600);
  const first = firstReplica(folder, options.replica);
  const client = await openHandClient(folder, {
    timeoutMs,
    operationCount: steps.length,
    ...(first !== undefined && { first }),
  });
  let worst = 0;
  try {
    for (const [index, { operation, where }] of steps.entries()) {
      const told = tellAnswer(operation, await client.perform(operation), timeoutMs);
      print(`${where}${told.line}`);
      worst = Math.max(worst, told.exitCode);
      const left = steps.length - index - 1;
      if (told.exitCode === 2 && left > 0) print(`${left} more were not sent`);
      if (told.exitCode === 2) break;
    }
  } finally {
    await client.close();
  }
  return worst;
}

/** Nobody needs to wait for a time-out to learn that all of the cluster is down. */
function openRunning(path: string): ClusterFolder {
  const folder = openFolder(path);
  if (runningReplicas(folder).size > 0) return folder;
  throw new UsageError("cluster", `the cluster in ${path} is down: ordeal cluster up starts it`);
}

function firstReplica({ file }: ClusterFolder, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return integer("--replica", text.replace(/^r/, ""), 0, file.replicas.length - 1, text);
}

/** The whole batch is read before any of it is sent; throws UsageError naming the line. */
function parseBatch(batch: string, file: string): readonly Step[] {
  return batch.split("\n").flatMap((line, index) => {
    try {
      const words = wordsOf(line);
      return words.length === 0
        ? []
        : [{ operation: parseOperation(words), where: `${index + 1}: ` }];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const name = file === "-" ? "stdin" : file;
      throw new UsageError(
        "batch",
        `${name} line ${index + 1}: ${error.message}; nothing was sent`,
      );
    }
  });
}

async function readBatch(file: string): Promise<string> {
  if (file === "-") return text(process.stdin);
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError("batch", `${file} cannot be read: ${messageOf(error)}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
