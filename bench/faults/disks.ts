// What the disk under a node does, by the library that is preloaded into its process. The last row is what
// the library costs where no fault is active.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskTool } from "../../nemesis/host/disk-tool.js";
import { localShell } from "../../nemesis/host/shell.js";
import { diskPrograms } from "../../suites/cluster/disk-programs.js";
import { around, EXACT, type FaultSection, type FaultRow as Row } from "./row.js";

const RECORD_BYTES = 512;
const SYNCED = 90;
const UNSYNCED = 60;
const WRITES = 4_000;
/** Of n sectors half are kept, give or take four standard deviations. */
const shareTolerance = (n: number) => 400 * Math.sqrt(0.25 / n);
const SOUND = { failing: new Set<never>(), full: false, writeDelayUs: 0, syncDelayUs: 0 };
const MECHANISM = "LD_PRELOAD";

export function diskFaults(): FaultSection {
  return {
    name: "disks",
    async *measure() {
      const found = diskPrograms();
      if (!("programs" in found)) {
        yield { fault: "power cuts, errors of disks", skipped: found.reason };
        return;
      }
      const bench = new Bench(found.programs);
      try {
        yield* rows(bench);
      } finally {
        rmSync(bench.root, { recursive: true, force: true });
      }
    },
  };
}

class Bench {
  readonly root = mkdtempSync(join(tmpdir(), "ordeal-disk-bench-"));
  readonly disk: DiskTool;
  readonly #log: string;

  constructor(programs: ConstructorParameters<typeof DiskTool>[1]) {
    const folder = join(this.root, "r0");
    mkdirSync(folder);
    this.#log = join(folder, "protocol.log");
    this.disk = new DiskTool(localShell(), programs, { folder, state: join(this.root, "state") });
  }

  /** Runs these statements in a process of their own; what they said, as JSON. */
  run(body: string, variables: Readonly<Record<string, string>> = this.disk.variables): unknown {
    const program = `
      const fs = require("node:fs");
      const log = ${JSON.stringify(this.#log)};
      const fd = fs.openSync(log, fs.existsSync(log) ? "r+" : "w+");
      const record = (index, byte) => fs.writeSync(fd, Buffer.alloc(${RECORD_BYTES}, byte), 0, ${RECORD_BYTES}, index * ${RECORD_BYTES});
      const failures = (count, work) => { let failed = 0; for (let i = 0; i < count; i++) { try { work(i); } catch { failed += 1; } } return failed; };
      const syncFolder = () => { const folder = fs.openSync(${JSON.stringify(join(this.root, "r0"))}, "r"); fs.fsyncSync(folder); };
      fs.writeSync(1, JSON.stringify((() => { ${body} })() ?? null));`;
    const { stdout, stderr, status } = spawnSync(process.execPath, ["-e", program], {
      env: { ...process.env, ...variables },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`a measured process ended with ${status}: ${stderr}`);
    return JSON.parse(stdout);
  }

  /** Records of this byte among those of an index in first <= index < end. */
  count(byte: number, first: number, end: number): number {
    const bytes = readFileSync(this.#log);
    let found = 0;
    for (let index = first; index < end; index++) {
      if (bytes[index * RECORD_BYTES] === byte) found += 1;
    }
    return found;
  }
}

async function* rows(bench: Bench): AsyncIterable<Row> {
  const { disk } = bench;
  const exact = (fault: string, asked: number, measured: number, unit: string): Row => {
    return { fault, asked, measured, unit, tolerance: EXACT, mechanism: MECHANISM };
  };
  await disk.prepare();
  const write = `
    for (let i = 0; i < ${SYNCED}; i++) record(i, 1);
    fs.fdatasyncSync(fd); syncFolder();
    for (let i = ${SYNCED}; i < ${SYNCED + UNSYNCED}; i++) record(i, 1);`;
  bench.run(write);
  await disk.cut(1, "lost");
  yield exact("power cut: synced records kept", SYNCED, bench.count(1, 0, SYNCED), "records");
  const left = bench.count(1, SYNCED, SYNCED + UNSYNCED);
  yield exact("power cut: unsynced records lost", UNSYNCED, UNSYNCED - left, "records");

  bench.run(write);
  await disk.cut(7, "torn");
  const kept = bench.count(1, SYNCED, SYNCED + UNSYNCED);
  const share = shareTolerance(UNSYNCED);
  yield {
    fault: "torn power cut: unsynced sectors kept",
    asked: 50,
    measured: Math.round((100 * kept) / UNSYNCED),
    unit: "%",
    tolerance: around(share),
    mechanism: MECHANISM,
  };
  const flaws = [
    ["write", "record(0, 2)"],
    ["sync", "fs.fdatasyncSync(fd)"],
    ["read", "fs.readSync(fd, Buffer.alloc(1), 0, 1, 0)"],
  ] as const;
  for (const [what, statement] of flaws) {
    bench.run("record(0, 1); fs.fsyncSync(fd)");
    await disk.set({ ...SOUND, failing: new Set([what]) });
    const failed = Number(bench.run(`return failures(20, () => ${statement});`));
    yield exact(`${what} errors`, 20, failed, "calls");
    await disk.set(SOUND);
  }
  await disk.set({ ...SOUND, full: true });
  yield exact(
    "full disk",
    20,
    Number(bench.run("return failures(20, (i) => record(5000 + i, 1));")),
    "calls",
  );
  await disk.set(SOUND);
  yield cost(bench);
}

/** Processor time of writes with a sync after every tenth, as the protocol log has them. */
function cost(bench: Bench): Row {
  const body = `
    for (let i = 0; i < 2000; i++) record(i, 1);
    fs.fsyncSync(fd);
    const before = process.cpuUsage();
    for (let i = 0; i < ${WRITES}; i++) { record(i, 2); if (i % 10 === 9) fs.fdatasyncSync(fd); }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / ${WRITES};`;
  const runs = (variables?: Record<string, string>) =>
    Math.min(...Array.from({ length: 3 }, () => Number(bench.run(body, variables))));
  const extra = runs() - runs({});
  return {
    fault: "processor time of a write, beside its own",
    asked: 0,
    measured: Math.round(extra * 10) / 10,
    unit: "µs",
    tolerance: { below: Number.POSITIVE_INFINITY, above: 50 },
    mechanism: MECHANISM,
  };
}
