// Whether faults do what they are asked to do: a table of what was asked, what was measured and what may
// lie between, for every fault that can be measured here. Exits 1 where a row is outside its tolerance, 2
// where nothing could be measured. Sections stand in bench/faults/, one a kind of faults.
// Run: npm run bench:faults [-- section…]; it runs itself again inside namespaces, as runs do.

import { fileURLToPath } from "node:url";
import { chooseEnvironment } from "../suites/cluster/choose.js";
import { enterSandbox, insideSandbox, type Sandbox } from "../suites/cluster/sandbox.js";
import { layoutTable } from "../suites/table-layout.js";
import { oneLine, UsageError } from "../suites/usage-error.js";
import { diskFaults } from "./faults/disks.js";
import { linkFaults } from "./faults/links.js";
import { processFaults } from "./faults/processes.js";
import {
  type FaultRow,
  type FaultSection,
  type SkippedRow,
  withinTolerance,
} from "./faults/row.js";
import { setUpTimes } from "./faults/set-up.js";

const HEAD = ["fault", "asked", "measured", "tolerance", "mechanism", "verdict"];

/** In the order in which they are measured. */
function sectionsIn({ backend, mechanism }: Sandbox): readonly FaultSection[] {
  return [
    linkFaults(backend, mechanism),
    diskFaults(),
    processFaults(),
    setUpTimes(backend, mechanism),
  ];
}

async function main(wanted: readonly string[]): Promise<number> {
  const inside = insideSandbox();
  if (inside === undefined) {
    const choice = await chooseEnvironment({ requested: "netns" });
    if (choice.name !== "netns") throw new UsageError("environment", "no namespaces here");
    const argv = [fileURLToPath(import.meta.url), ...wanted];
    return enterSandbox(argv, choice.sandbox);
  }
  const known = sectionsIn(inside);
  const unknown = wanted.filter((name) => !known.some((section) => section.name === name));
  if (unknown.length > 0) {
    const names = known.map(({ name }) => name).join(", ");
    throw new UsageError("bad-option", `no section ${unknown.join(", ")}; there are ${names}`);
  }
  const rows: (FaultRow | SkippedRow)[] = [];
  for (const section of known) {
    if (wanted.length > 0 && !wanted.includes(section.name)) continue;
    for await (const row of section.measure()) {
      rows.push(row);
      if (process.stderr.isTTY) process.stderr.write(`${row.fault}\n`);
    }
  }
  process.stdout.write(`${layoutTable(HEAD, rows.map(cellsOf)).join("\n")}\n`);
  const measured = rows.filter((row) => "measured" in row);
  const outside = measured.filter((row) => !withinTolerance(row));
  process.stdout.write(
    `\n${measured.length} measured, ${outside.length} outside their tolerance\n`,
  );
  if (measured.length === 0) return 2;
  return outside.length > 0 ? 1 : 0;
}

function cellsOf(row: FaultRow | SkippedRow): string[] {
  if ("skipped" in row) return [row.fault, "", "", "", row.skipped, "skipped"];
  const { fault, asked, measured, unit, tolerance, mechanism } = row;
  const value = (number: number) => `${Number(number.toFixed(1))} ${unit}`;
  const { below, above } = tolerance;
  const sides = below === above ? `±${value(above)}` : `-${value(below)}, +${value(above)}`;
  const bounds = below === Number.POSITIVE_INFINITY ? "at most" : sides;
  const verdict = withinTolerance(row) ? "ok" : "OUTSIDE";
  return [fault, value(asked), value(measured), bounds, mechanism, verdict];
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench:faults: ${oneLine(error)}\n`);
  return error instanceof UsageError ? 254 : 255;
});
