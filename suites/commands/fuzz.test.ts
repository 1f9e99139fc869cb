import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { OWN_BUILD } from "../sim/testing/own-build.js";
import { fuzzCommand, type RawFuzzOptions } from "./fuzz.js";
import { shrinkCommand } from "./shrink.js";
import { parseSwarmRequest, swarmCommand } from "./swarm.js";

const test = suite<{ store: string }>("commands of the swarm");
const OURS = { ownBuild: OWN_BUILD, commit: "0123456789" };
/** Short ones. */
const FIRST_SEED = "10";

test.before.each((context) => {
  context.store = mkdtempSync(join(tmpdir(), "ordeal-fuzz-"));
});
test.after.each(({ store }) => rmSync(store, { recursive: true, force: true }));

function outputTo(lines: string[]) {
  return { line: (text: string) => void lines.push(text), transient: () => true };
}

async function fuzz(options: Omit<RawFuzzOptions, "workers" | "firstSeed">) {
  const lines: string[] = [];
  const raw = { workers: "1", firstSeed: FIRST_SEED, ...options };
  const ending = await fuzzCommand(raw, outputTo(lines), OURS);
  return { ending, lines };
}

test("seeds are run, and a second call goes on where the first ended", async ({ store }) => {
  const first = await fuzz({ seeds: "2", store });
  assert.is(first.ending, true);
  assert.match(first.lines.join("\n"), /^2 seeds, .* 0 failed, 0 unknown; \d+ message kinds/m);
  assert.match(first.lines.join("\n"), /points reached: /);
  const second = await fuzz({ seeds: "3", store });
  assert.match(second.lines[0] ?? "", /going on after 2 seeds/);
  assert.match(second.lines.join("\n"), /^3 seeds, /m);
  const anew = await fuzz({ seeds: "1", store, fresh: true });
  assert.match(anew.lines.join("\n"), /^1 seeds, /m);
});

test("a shard takes its own seeds only", async ({ store }) => {
  await fuzz({ seeds: "2", shard: "1/2", store });
  const file = join(store, `fuzz-${FIRST_SEED}-shard-1-of-2.json`);
  const progress: { done: number; next: number } = JSON.parse(readFileSync(file, "utf8"));
  assert.is(progress.done, 1);
});

test("a seed is run again by its line, kept, and judged from what was kept", async ({ store }) => {
  const request = parseSwarmRequest(["swarm"], { seed: FIRST_SEED, only: "operations=5", store });
  assert.ok(request !== undefined);
  const lines: string[] = [];
  assert.is(await swarmCommand(request, outputTo(lines), OURS), true);
  assert.match(lines.at(-1) ?? "", /--seed 10 --only operations=5 {2}\(commit 0123456789\)$/);
  const verdict = JSON.parse(readFileSync(join(store, "latest", "verdict.json"), "utf8"));
  assert.is(verdict.checks.agreement.valid, true);
  const shrinking: string[] = [];
  const folder = join(store, "latest");
  assert.is(await shrinkCommand(folder, {}, outputTo(shrinking), OURS), true);
  assert.equal(shrinking, ["seed 10 does not fail: there is nothing to shrink"]);
});

test("a run beyond f is expected to be unsafe, and good if it is caught", async ({ store }) => {
  const raw = { seed: "4", only: "replicas=4", store, beyondF: true } as const;
  const request = parseSwarmRequest(["swarm"], raw);
  assert.ok(request !== undefined);
  const lines: string[] = [];
  assert.is(await swarmCommand(request, outputTo(lines), OURS), true);
  assert.is(lines.at(-1), "expected-unsafe: caught");
  assert.match(lines.join("\n"), /INVALID {2}agreement: /);
});

test("what cannot be is refused in one line", async ({ store }) => {
  const refused = async (work: () => unknown, line: RegExp) => {
    try {
      await work();
    } catch (error) {
      assert.match(String(error), line);
      return;
    }
    assert.unreachable(`expected ${line}`);
  };
  await refused(
    () => fuzz({ shard: "2/2", store }),
    /--shard wants i\/m with i below m, found "2\/2"/,
  );
  await refused(() => fuzz({ seeds: "none", store }), /--seeds wants a whole number/);
  await refused(() => fuzz({ replicaBuild: store, store }), /--replica-build wants a build/);
  await refused(() => parseSwarmRequest(["swarm", "smoke"], {}), /swarm runs by itself/);
  await refused(() => parseSwarmRequest(["swarm"], { env: "local" }), /in the simulator only/);
  await refused(() => parseSwarmRequest(["smoke"], { only: "faults=" }), /--only is for seeds/);
});

test.run();
