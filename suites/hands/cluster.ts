// `ordeal cluster up | status | down`.

import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { integer, parseReplicas } from "../run-options.js";
import { layoutTable } from "../table-layout.js";
import { FOLDER_DEFAULT, openFolder } from "./cluster-folder.js";
import {
  down,
  PORT_DEFAULT,
  REPLICAS_DEFAULT,
  type ReplicaRow,
  statusRows,
  up,
} from "./cluster-life.js";

/** dist/, where our own compiled files are. */
const BUILD = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** As many characters of a digest as people compare. */
const DIGEST_CHARS = 12;

/** Adds the commands; each writes to stdout and throws UsageError. */
export function registerCluster(program: Command): void {
  const cluster = program
    .command("cluster")
    .description("a cluster of replicas on this machine, for ordeal client");
  const inFolder = (command: Command) =>
    command.option("--dir <folder>", "where the cluster is kept", FOLDER_DEFAULT);

  inFolder(cluster.command("up"))
    .description("start it, a new one where there is none; it goes on when this command ends")
    .option("--replicas <n>", `3f+1 replicas of a new cluster (default: ${REPLICAS_DEFAULT})`)
    .option("--port <port>", `first UDP port of a new cluster (default: ${PORT_DEFAULT})`)
    .action(async (options: { dir: string; replicas?: string; port?: string }) => {
      const { folder, isNew, started } = await up({
        path: options.dir,
        build: BUILD,
        ...(options.replicas !== undefined && { replicas: parseReplicas(options.replicas) }),
        ...(options.port !== undefined && { port: integer("--port", options.port, 1_024, 65_000) }),
      });
      const what = isNew ? "a new cluster" : "the cluster, from its disks";
      print([
        `started ${what} in ${relative(process.cwd(), folder.path) || "."}: ${started.join(", ")}`,
        ...statusLines(await statusRows(folder)),
      ]);
    });

  inFolder(cluster.command("status"))
    .description("view, seq, checkpoint and digest of each replica")
    .action(async ({ dir }: { dir: string }) => {
      print(statusLines(await statusRows(openFolder(dir))));
    });

  inFolder(cluster.command("down"))
    .description("stop it and keep its data")
    .action(async ({ dir }: { dir: string }) => {
      const stopped = await down(dir);
      print([
        stopped.length === 0
          ? `nothing was up; the data stays in ${dir}`
          : `stopped ${stopped.join(", ")}; the data stays in ${dir}`,
      ]);
    });
}

function statusLines(rows: readonly ReplicaRow[]): readonly string[] {
  const head = ["replica", "pid", "view", "seq", "checkpoint", "digest", "memory", "state"];
  return layoutTable(head, rows.map(statusCells));
}

function statusCells({ node, pid, status }: ReplicaRow): readonly string[] {
  if (pid === undefined) return [node, "", "", "", "", "", "", "down"];
  if (status === undefined) return [node, `${pid}`, "", "", "", "", "", "does not answer"];
  const { view, viewActive, executedSeq, stableSeq, digest, rssBytes, transferring } = status;
  const doing = transferring ? "fetching state" : viewActive ? "serving" : "changing view";
  return [
    node,
    `${pid}`,
    `${view}`,
    `${executedSeq}`,
    `${stableSeq}`,
    digest.slice(0, DIGEST_CHARS),
    `${Math.round(rssBytes / 2 ** 20)} MiB`,
    doing,
  ];
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
