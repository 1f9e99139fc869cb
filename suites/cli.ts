#!/usr/bin/env node
// The command line. Usage errors are one line and exit 254, crashes one line and exit 255 (with the
// stack where --debug is given); otherwise the verdict decides: 0 valid, 1 invalid, 2 unknown.
// Each command loads its own modules when it is given, so that a short one starts quickly.

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { HistoryError } from "../checker/history-error.js";
import { JUDGED_NAMES } from "../checker/judged-names.js";
import { errorCode } from "./append-file.js";
import { ENVIRONMENT_NAMES } from "./cluster/environment-name.js";
import { checkOptions, type RawModelOptions } from "./commands/check-options.js";
import type { RawFuzzOptions } from "./commands/fuzz.js";
import type { RawShrinkOptions } from "./commands/shrink.js";
import { registerVagrant } from "./commands/vagrant.js";
import { EXIT_CRASH, EXIT_USAGE, exitCodeOf } from "./exit-code.js";
import { registerClient } from "./hands/client.js";
import { registerCluster } from "./hands/cluster.js";
import { type Output, terminalOutput } from "./progress.js";
import type { RawRunOptions } from "./run-options.js";
import { findRun } from "./store.js";
import { oneLine, UsageError } from "./usage-error.js";

/** dist/, where our own compiled files are. */
const BUILD = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** This build, and what it was built from. */
async function ours(): Promise<{ ownBuild: string; commit: string }> {
  const { commitOf } = await import("./commit.js");
  return { ownBuild: BUILD, commit: await commitOf(resolve(BUILD, "..")) };
}

function createProgram(): Command {
  const program = new Command("ordeal");
  const output = terminalOutput(process.stdout);
  program
    .description("Trial by fault: runs a PBFT bank, breaks what it runs on, judges what it did.")
    .option("--debug", "show the stack of a crash")
    .exitOverride()
    .configureOutput({ writeErr: () => undefined }); // What it says is said once, below.

  registerRun(program, output);
  program
    .command("list")
    .description("describe every suite: what it does, what it claims, how long it takes")
    .action(async () => {
      const { listLines } = await import("./commands/list.js");
      for (const line of listLines()) output.line(line);
    });
  program
    .command("doctor")
    .description("try what works on this machine: environments, faults, tools (exit code 0 or 1)")
    .option("--json", "one line of JSON")
    .option("--uml", "boot User-Mode Linux, too")
    .option("--inventory <file>", "look at these hosts, for --env ssh")
    .action(async ({ json, uml, inventory }: RawDoctorOptions) => {
      const { doctorCommand } = await import("./commands/doctor.js");
      const hosts = inventory !== undefined && { inventory: resolve(inventory) };
      const options = { json: json === true, uml: uml === true, ...hosts };
      process.exitCode = await doctorCommand(options, output);
    });
  program
    .command("clean")
    .description("remove what runs that were killed have left on this machine")
    .option("--dry-run", "only list it")
    .action(async ({ dryRun }: { dryRun?: true }) => {
      const { cleanCommand } = await import("./commands/clean.js");
      process.exitCode = await cleanCommand({ dryRun: dryRun === true }, output);
    });
  registerCheck(program, output);
  registerReplay(program, output);
  registerFuzz(program, output);
  registerShrink(program, output);
  registerCluster(program);
  registerClient(program);
  registerVagrant(program, output);
  return program;
}

type RawDoctorOptions = { json?: true; uml?: true; inventory?: string };

function registerRun(program: Command, output: Output): void {
  program
    .command("run")
    .description("run suites and judge them (see: ordeal list)")
    .argument("<suite...>", "names of suites")
    .option("--env <name>", `${ENVIRONMENT_NAMES.join(", ")}; default: the best that can run here`)
    .option("--inventory <file>", "the hosts of --env ssh")
    .option("--replicas <n>", "3f+1 replicas (default: 4)")
    .option("--time-limit <seconds>", "load and faults; default: the suite's own")
    .option(
      "--concurrency <count>",
      "sessions at work, a count or a multiple of the replicas (default: 2n)",
    )
    .option("--rate <ops>", "operations a second, 0 for as many as possible (default: 200)")
    .option("--accounts <count>", "accounts of the bank, at least a quarter of the sessions")
    .option("--seed <number>", "decides operations and faults; default: drawn, and printed")
    .option(
      "--nemesis <names>",
      "packages a,b in place of the suite's own; none, or all for a swarm",
    )
    .option("--kill-at <point>", "have replicas kill themselves there, beside what else happens")
    .option("--nemesis-interval <seconds>", "mean time from a fault to the next")
    .option("--test-count <count>", "repeat with derived seeds")
    .option("--store <folder>", "where runs are kept", "store")
    .option("--junit <file>", "write a JUnit XML report")
    .option("--replica-build <folder>", "run the replicas of another build, to test the tests")
    .option("--only <parts>", "of a seed of the swarm: what shrinking left of it")
    .option("--scenario <file>", "swarm: what `ordeal shrink --save` kept, in place of a seed")
    .option("--beyond-f", "let more than f replicas be faulty, which must be caught")
    .action(async (suites: string[], options: RawRunOptions) => {
      const { parseSwarmRequest, swarmCommand } = await import("./commands/swarm.js");
      const swarm = parseSwarmRequest(suites, options);
      if (swarm !== undefined) {
        process.exitCode = exitCodeOf(await swarmCommand(swarm, output, await ours()));
        return;
      }
      const { neededFaults, parseRunRequest, runCommand } = await import("./commands/run.js");
      const request = parseRunRequest(suites, options, BUILD);
      const { env, inventory, store } = request.options;
      const needed = neededFaults(request);
      const { commit } = await ours();
      const { inEnvironment } = await import("./in-environment.js");
      process.exitCode = await inEnvironment(
        { env, inventory, needed, store, output },
        async (chosen) => exitCodeOf(await runCommand(request, chosen, commit)),
      );
    });
}

function registerCheck(program: Command, output: Output): void {
  program
    .command("check")
    .description("judge saved runs again, or with --model histories from anywhere")
    .argument("<path...>", "folders of runs (store/latest), or history files")
    .option("--model <name>", `${JUDGED_NAMES.join(", ")}, or a module: ./my-model.js`)
    .option("--initial <value>", "what a register holds at first, as JSON")
    .option("--nil-reads <meaning>", "unknown or nothing; default: nothing in logs, else unknown")
    .option("--failed-cas <meaning>", "no-effect or mismatch; default: mismatch in logs")
    .option("--independent", "values are [key value], and each key is judged by itself")
    .option("--consistency-model <name>", "of transactions (default: the strongest)")
    .option("--assume <names>", "of rw-register: wfr-keys,sequential-keys,linearizable-keys")
    .option("--format <name>", "json-lines, json, edn or log; default: what the file looks like")
    .option("--budget-time <seconds>", "for each file (default: 60; of a run: 900)")
    .option("--budget-memory <megabytes>", "for each file (default: 2048; of a run: 4096)")
    .option("--jobs <count>", "files and parts judged at once (default: the cores)")
    .option("--json", "a line of JSON for each file")
    .option("--store <folder>", "where the smallest failing histories are kept", "store")
    .option(
      "--minimal <file>",
      "the smallest failing history of one file; without --model: beside it",
    )
    .action(async (paths: string[], options: RawModelOptions) => {
      const { model } = options;
      if (model === undefined) {
        const { checkCommand } = await import("./commands/check.js");
        process.exitCode = exitCodeOf(await checkCommand(paths, output, checkOptions(options)));
        return;
      }
      const { checkModelCommand } = await import("./commands/check-model.js");
      process.exitCode = exitCodeOf(
        await checkModelCommand(paths, { ...options, model }, output, complain),
      );
    });
}

function registerReplay(program: Command, output: Output): void {
  program
    .command("replay")
    .description("repeat a saved run: its operations and its faults at their times")
    .argument("<run>", "folder of a run (store/latest)")
    .option("--env <name>", "default: the environment of the run")
    .option("--inventory <file>", "the hosts of --env ssh; default: those of the run")
    .option("--store <folder>", "where the replay is kept", "store")
    .option("--replica-build <folder>", "default: the build of the run")
    .action(async (path: string, options: RawRunOptions) => {
      const { faultsOf, replayCommand } = await import("./commands/replay.js");
      const { readRun } = await import("./judge.js");
      const { inEnvironment } = await import("./in-environment.js");
      const directory = findRun(path);
      const saved = readRun(directory);
      const env = options.env ?? saved.meta.environment;
      const { replicaBuild = BUILD } = { ...saved.meta.options, ...options };
      const { commit } = await ours();
      const source = { path: directory, build: resolve(String(replicaBuild)), commit };
      const store = options.store ?? "store";
      const needed = faultsOf(saved);
      const recorded = saved.meta.options["inventory"];
      const inventory = options.inventory ?? (env === "ssh" ? textOf(recorded) : undefined);
      process.exitCode = await inEnvironment(
        { env, inventory, needed, store, output },
        async ({ context }) => exitCodeOf(await replayCommand(saved, source, context)),
      );
    });
}

function registerFuzz(program: Command, output: Output): void {
  program
    .command("fuzz")
    .description("simulate seeds of the swarm until one fails")
    .option("--seeds <count>", "so many (default: 1000)")
    .option("--minutes <count>", "for so long")
    .option("--first-seed <number>", "the first of them (default: 1)")
    .option("--workers <count>", "threads (default: one for each processor)")
    .option("--shard <i/m>", "only the seeds that leave i when divided by m")
    .option("--keep-going", "collect all failures in place of stopping at the first")
    .option("--fresh", "begin anew in place of going on where the last call ended")
    .option("--store <folder>", "where the progress is kept", "store")
    .option("--replica-build <folder>", "simulate another build, to test the tests")
    .action(async (options: RawFuzzOptions) => {
      const { fuzzCommand } = await import("./commands/fuzz.js");
      process.exitCode = exitCodeOf(await fuzzCommand(options, output, await ours()));
    });
}

function registerShrink(program: Command, output: Output): void {
  program
    .command("shrink")
    .description("find the smallest run that fails as a seed of the swarm does")
    .argument("<run>", "a failing seed, or the folder of its run")
    .option("--only <parts>", "begin with what an earlier shrinking left of it")
    .option("--seconds <count>", "for so long at most (default: 60)")
    .option("--save <file>", "keep what is left, for: ordeal run swarm --scenario <file>")
    .option("--replica-build <folder>", "the build that fails")
    .action(async (seed: string, options: RawShrinkOptions) => {
      const { shrinkCommand } = await import("./commands/shrink.js");
      process.exitCode = exitCodeOf(await shrinkCommand(seed, options, output, await ours()));
    });
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function complain(text: string): void {
  process.stderr.write(`ordeal: ${text}\n`);
}

/** The exit code of what was thrown, after saying it in one line. */
function explain(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // Help was asked for, and shown.
    const text = error.code === "commander.help" ? "name a command" : error.message;
    const line = text
      .replace(/^error: /, "")
      .split("\n")
      .join(" ");
    complain(`${line}; see --help`);
    return EXIT_USAGE;
  }
  const remedy =
    errorCode(error) === "ENOSPC" ? "; what was recorded stays; free space or pass --store" : "";
  complain(`${oneLine(error)}${remedy}`);
  if (error instanceof UsageError || error instanceof HistoryError) return EXIT_USAGE;
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT_CRASH;
}

// Whoever reads may stop reading (`| head`); the run goes on, and its verdict is its exit code.
process.stdout.on("error", (error) => {
  if (errorCode(error) !== "EPIPE") throw error;
});

// What escapes every promise and every handler is a crash, too: one line, and the end.
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) =>
    process.exit(explain(error, process.argv.includes("--debug"))),
  );
}

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = explain(error, process.argv.includes("--debug"));
}
