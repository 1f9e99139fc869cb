// The paper's simulation (its Table 1): a fixed count of operations, half reads, with replicas killed and
// restarted on the way; each run judged by every check, not by looking at the balances.

import { createRandom } from "../nemesis/random.js";
import { resolveFault } from "../nemesis/resolve.js";
import { endingOf } from "./campaign.js";
import type { CampaignRun } from "./campaign-run.js";
import type { TableRow } from "./catalogue.js";
import { createInterpreter, type LoadOptions } from "./interpreter.js";
import { clusterView, type FaultStep } from "./nemesis-runner.js";
import type { ScriptMaker } from "./script.js";
import { layoutTable } from "./table-layout.js";

/** Crash k of n begins and ends at these shares of the operations: 1/3..2/3; 1/5..2/5, 3/5..4/5; … */
export function crashShares(crashes: number): { kill: number; restart: number }[] {
  const parts = 2 * crashes + 1;
  return Array.from({ length: crashes }, (_, index) => ({
    kill: (2 * index + 1) / parts,
    restart: (2 * index + 2) / parts,
  }));
}

/** As many operations as the row says, and its crashes between them. */
export function tableScript(row: TableRow, load: LoadOptions): ScriptMaker {
  return ({ calls, seed }) => {
    const random = createRandom(seed);
    const options = { ...load, operationsMax: row.iterations };
    const interpreter = createInterpreter(calls, options, random.fork("load"));
    const targets = random.fork("targets");
    const { counts } = calls.recorder;
    const ended = () => counts.ok + counts.fail + counts.info;
    let before = 0;

    const reached = (share: number) => async (signal: AbortSignal) => {
      while (!signal.aborted && ended() - before < share * row.iterations) {
        await calls.environment.time.sleep(5, signal);
      }
    };
    return {
      async prepare(signal) {
        await interpreter.openAccounts(signal);
        before = ended();
      },
      load: interpreter.load,
      steps: () =>
        crashShares(row.crashes).flatMap(({ kill, restart }, index): FaultStep[] => {
          const id = `f${index}`;
          const start = async (driver: Parameters<FaultStep["perform"]>[0]) => {
            const view = await clusterView(calls.environment);
            const intent = { kind: "kill", target: { kind: "one" } } as const;
            await driver.start(resolveFault(id, intent, view, targets.fork(id)));
          };
          return [
            { moment: reached(kill), perform: start },
            { moment: reached(restart), perform: (driver) => driver.stop(id) },
          ];
        }),
      demandProgress: interpreter.demandProgress,
      finalReads: interpreter.finalReads,
    };
  };
}

export type RowRuns = { row: TableRow; runs: readonly CampaignRun[] };

/** Valid in every check, ledgers equal among them, and with every operation of the row performed. */
export function isAccurate(run: CampaignRun, { iterations }: TableRow): boolean {
  const { operations = 0 } = run.outcome?.figures ?? {};
  return endingOf(run) === true && operations >= iterations;
}

/** The paper's columns, ours beside the paper's figures. Times and view changes are means. */
export function tableLines(rows: readonly RowRuns[]): string[] {
  const head = ["iterations", "runs", "read", "write", "time", "paper", "view_change", "paper"];
  head.push("crash/recover", "accuracy", "paper");
  const cells = rows.map(({ row, runs }) => {
    const mean = (figure: (run: CampaignRun) => number) =>
      runs.reduce((sum, run) => sum + figure(run), 0) / Math.max(1, runs.length);
    const accurate = runs.filter((run) => isAccurate(run, row)).length;
    const crashes = mean(({ outcome }) => outcome?.figures.crashes ?? 0);
    return [
      row.iterations.toLocaleString("en"),
      String(runs.length),
      mean(({ outcome }) => outcome?.figures.reads ?? 0).toFixed(0),
      mean(({ outcome }) => outcome?.figures.writes ?? 0).toFixed(0),
      `${mean(({ outcome }) => outcome?.figures.seconds ?? 0).toFixed(2)} s`,
      `${row.paper.timeS} s`,
      mean(({ outcome }) => outcome?.figures.viewChanges ?? 0).toFixed(1),
      String(row.paper.viewChanges),
      `${crashes.toFixed(0)}`,
      `${Math.round((100 * accurate) / Math.max(1, runs.length))} %`,
      `${row.paper.accuracyPercent} %`,
    ];
  });
  return layoutTable(head, cells);
}
