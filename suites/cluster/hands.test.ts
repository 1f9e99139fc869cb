// The hands that harm processes, on a plain process of Node in place of a replica.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import type { FaultIntent, ResolvedFault } from "../../nemesis/faults.js";
import { type CgroupPlace, findCgroupPlaces } from "../../nemesis/host/cgroup.js";
import { faketimeLeftovers, findFaketime } from "../../nemesis/host/faketime.js";
import { localShell, must, type Shell } from "../../nemesis/host/shell.js";
import { ClockHand } from "./clock-hand.js";
import { cpuHand } from "./cpu-hand.js";
import { nowMs, sleep, waitUntil, within } from "./deadline.js";
import { filesHand } from "./files-hand.js";
import { freezeHand } from "./freeze-hand.js";
import { parseObject, readLines } from "./json-lines.js";
import { OWN_BUILD } from "./layout.js";
import { localMachine } from "./local-machine.js";
import type { EndOfProcess, NodeHand, NodeHost } from "./node-hand.js";
import { killAtHand, memoryHand, terminateHand } from "./process-hands.js";
import { variablesOf } from "./processes.js";

const test = suite("hands");
const DEADLINE_MS = 30_000;
const shell = localShell();
const found = await findCgroupPlaces(shell);
const library = await findFaketime(shell);
const target = { kind: "nodes", nodes: ["r0"] } as const;

/** Busy a little, wants memory all the time, opens files, and tells its wall clock to whoever writes a line. */
const PROGRAM = `
const fs = require("node:fs");
const kept = [];
let opened = 0, refused = "";
process.on("SIGTERM", () => process.exit(0));
setInterval(() => {
  for (const end = performance.now() + 8; performance.now() < end; );
  kept.push(Buffer.alloc(100_000, 1));
  if (kept.length > 400) kept.length = 0;
  try { fs.closeSync(fs.openSync("/dev/null")); opened++; refused = ""; } catch (error) { refused = error.code; }
}, 10);
process.stdin.on("data", () => {
  const monotonicMs = Number(process.hrtime.bigint()) / 1e6;
  console.log(JSON.stringify({ wallClockMs: Date.now(), monotonicMs, readMs: 0.1, opened, refused }));
});
console.log("{}");
`;

type Victim = { child: ChildProcess; host: NodeHost; end: EndOfProcess };
const folder = mkdtempSync(join(tmpdir(), "ordeal-hands-"));
const children: ChildProcess[] = [];
test.after.each(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
test.after(() => rmSync(folder, { recursive: true }));

async function victimOf(hand?: Pick<NodeHand, "prepare" | "launch">): Promise<Victim> {
  const { execPath } = process;
  const { register } = localMachine;
  const place = {
    node: "r0",
    shell,
    folder,
    runtimeFolder: folder,
    execPath,
    register,
    ownBuild: OWN_BUILD,
  };
  const nobody: NodeHost = { ...place, pid: undefined, ask: async () => undefined };
  await hand?.prepare(nobody);
  const variables = hand === undefined ? {} : variablesOf([hand.launch(nobody)]);
  const child = spawn(process.execPath, ["-e", PROGRAM], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, ...variables },
  });
  children.push(child);
  const exited = once(child, "exit");
  const lines: ((line: string) => void)[] = [];
  readLines(child.stdout, (line) => lines.shift()?.(line));
  const nextLine = () => new Promise<string>((resolve) => lines.push(resolve));
  await nextLine();
  const ask: NodeHost["ask"] = async (_question, deadlineMs) => {
    const answer = nextLine();
    child.stdin.write("\n");
    return parseObject((await within(answer, deadlineMs)) ?? "");
  };
  const end: EndOfProcess = async ({ signal, deadlineMs }) => {
    if (signal !== undefined) child.kill(signal);
    const ended = await within(exited, deadlineMs);
    if (ended === undefined) return undefined;
    const [code, killedBy] = ended;
    return killedBy ?? `exit ${code}`;
  };
  assert.ok(child.pid);
  return { child, host: { ...place, pid: child.pid, ask }, end };
}

function faultOf(intent: FaultIntent): ResolvedFault {
  return { id: "f0", intent, nodes: ["r0"], links: [] };
}

const stateOf = (pid: number | undefined) =>
  /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];

function needs(what: string, have: unknown, name: string, body: () => Promise<void>): void {
  if (have !== undefined) test(name, body);
  else {
    console.log(`skipped: ${name}: no ${what} here`);
    test.skip(name, body);
  }
}

test("SIGTERM lands where the process ends cleanly", async () => {
  const { host, end } = await victimOf();
  const fault = faultOf({ kind: "terminate", target });
  assert.deepEqual(await terminateHand().bringDown?.(fault, host, end), {
    landed: true,
    measured: {},
  });
});

test("a replica that refuses a point has not been ended by it", async () => {
  const { host } = await victimOf();
  const refusing: NodeHost = { ...host, ask: async () => ({ error: "started without it" }) };
  const fault = faultOf({ kind: "kill-at", point: "mid-send", count: 1, target });
  const waited: number[] = [];
  const deed = await killAtHand().bringDown?.(fault, refusing, async ({ deadlineMs }) => {
    waited.push(deadlineMs);
    return "SIGKILL";
  });
  assert.equal(deed?.landed, false);
  assert.deepEqual(waited, [0]);
});

for (const [name, place] of [["a cgroup", found.cpu] as const, ["turns", undefined] as const]) {
  const have = name === "turns" ? true : place;
  needs(
    "cgroup for CPUs",
    have,
    `a slow processor, by ${name}: a tenth of one, and then all`,
    async () => {
      const { host } = await victimOf();
      const hand = cpuHand(place);
      const fault = faultOf({ kind: "slow-cpu", factor: 10, target });
      await hand.apply(fault, [host]);
      await sleep(700);
      const evidence = await hand.heal(fault, [host]);
      assert.ok(evidence.landed, evidence.summary);
      assert.match(
        evidence.summary,
        /^r0 had \d+\.\d % of a processor, \d+ stops \(asked for 10\.0 %\)$/,
      );
      assert.ok(await waitUntil(() => stateOf(host.pid) !== "T", DEADLINE_MS));
      await hand.close();
    },
  );
}

test("a clock that is bent from a machine that was lost is bent again in the next life", async () => {
  const runtimeFolder = mkdtempSync(join(folder, "clock-"));
  let lose: () => void = () => undefined;
  let isGone: Promise<never> = new Promise((_, reject) => {
    lose = () => reject(new Error("the machine is gone"));
  });
  const losing: Shell = {
    run: (argv, options) => {
      const said = shell.run(argv, options);
      return argv.includes("-e") ? Promise.race([said, isGone]) : said;
    },
  };
  const { execPath } = process;
  const machine = { shell: losing, register: localMachine.register, ownBuild: OWN_BUILD };
  const place = { node: "r0", folder, runtimeFolder, execPath, ...machine };
  const host: NodeHost = { ...place, pid: undefined, ask: async () => undefined };
  const clock = join(runtimeFolder, "r0.faketime");
  const isAt = (offset: string) => () => readFileSync(clock, "utf8").startsWith(offset);
  const hand = new ClockHand("/no/library");
  const fault = faultOf({ kind: "clock", rate: 1, jumpMs: 60_000, target });
  await hand.prepare(host);
  await hand.apply(fault, [host]);
  assert.ok(isAt("+60")());
  lose();
  isGone = new Promise(() => undefined);
  await sleep(0); // The loss is heard.
  writeFileSync(clock, "+0"); // As on a machine that is as new.
  await hand.takeHold(host);
  assert.ok(await waitUntil(isAt("+60"), DEADLINE_MS));
  await hand.heal(fault, [host]);
  assert.ok(isAt("+0")());
  await hand.close();
});

test("a slow process that is stopped by another fault stays stopped until that is over", async () => {
  const { host } = await victimOf();
  const hand = cpuHand(undefined);
  const fault = faultOf({ kind: "slow-cpu", factor: 10, target });
  await hand.apply(fault, [host]);
  await hand.letGo?.(host);
  process.kill(host.pid ?? 0, "SIGSTOP");
  assert.ok(await waitUntil(() => stateOf(host.pid) === "T", DEADLINE_MS));
  await sleep(100);
  assert.equal(stateOf(host.pid), "T");
  await hand.takeHold?.(host);
  // Slow again, and so it runs at times.
  assert.ok(await waitUntil(() => stateOf(host.pid) !== "T", DEADLINE_MS));
  await hand.heal(fault, [host]);
});

needs(
  "cgroup for memory",
  found.memory,
  "memory of a group: the kernel ends the process",
  async () => {
    const { host, end } = await victimOf();
    const deed = await memoryHand(found.memory).bringDown?.(
      faultOf({ kind: "memory", target }),
      host,
      end,
    );
    assert.deepEqual(deed, { landed: true, measured: { oomKills: 1 } });
  },
);

test("memory by a limit: the process ends itself", async () => {
  const { host, end } = await victimOf();
  const deed = await memoryHand(undefined).bringDown?.(
    faultOf({ kind: "memory", target }),
    host,
    end,
  );
  assert.ok(deed?.landed, JSON.stringify(deed));
});

async function freezesAndThaws(place: CgroupPlace): Promise<void> {
  const { host } = await victimOf();
  const hand = freezeHand(place);
  assert.equal((await hand.pause(host)).landed, true);
  assert.equal(await host.ask({ op: "status" }, 300), undefined);
  await hand.resume(host);
  assert.ok(await host.ask({ op: "status" }, DEADLINE_MS));
  await hand.close();
}

needs("freezer", found.freezer, "what is frozen does nothing until it is thawed", async () => {
  assert.ok(found.freezer);
  await freezesAndThaws(found.freezer);
});

const unified = join(folder, "unified");
const mountUnified = ["unshare", "-m", "mount", "-t", "cgroup2", "none", "/mnt"];
const hasUnified = process.getuid?.() === 0 && (await shell.run(mountUnified)).exitCode === 0;

needs(
  "right to mount cgroup v2",
  hasUnified || undefined,
  "so it is with version 2 of control groups",
  async () => {
    mkdirSync(unified);
    await must(shell, ["mount", "-t", "cgroup2", "none", unified]);
    try {
      await freezesAndThaws({ version: 2, folder: unified });
      assert.deepEqual(
        readdirSync(unified).filter((name) => name.startsWith("ordeal-")),
        [],
      );
    } finally {
      await must(shell, ["umount", unified]);
    }
  },
);

test("a process that may open nothing is told so, and may again after the cure", async () => {
  const { host } = await victimOf();
  const hand = filesHand();
  const fault = faultOf({ kind: "files", openMax: 0, target });
  await hand.apply(fault, [host]);
  const isRefused = async (refused: string) =>
    (await host.ask({ op: "status" }, DEADLINE_MS))?.["refused"] === refused;
  assert.ok(await waitUntil(() => isRefused("EMFILE"), DEADLINE_MS));
  const evidence = await hand.heal(fault, [host]);
  assert.ok(evidence.landed, evidence.summary);
  assert.ok(await waitUntil(() => isRefused(""), DEADLINE_MS));
});

test("a process that lives and cannot be looked at has not ended of the limit of its files", async () => {
  const { host } = await victimOf();
  const hand = filesHand();
  const fault = faultOf({ kind: "files", openMax: 0, target });
  await hand.apply(fault, [host]);
  const blind: NodeHost["shell"] = {
    ...shell,
    run: async (argv, options) =>
      argv[0] === "ls" ? shell.run(["false"]) : shell.run(argv, options),
  };
  const { landed, summary } = await hand.heal(fault, [{ ...host, shell: blind }]);
  assert.equal(landed, false, summary);
});

test("a process that ends while its files are looked at has ended of their limit", async () => {
  const { host, child } = await victimOf();
  const hand = filesHand();
  const fault = faultOf({ kind: "files", openMax: 0, target });
  await hand.apply(fault, [host]);
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  // It was there when the runner last looked.
  const { landed, summary } = await hand.heal(fault, [host]);
  assert.ok(landed, summary);
  assert.equal(summary, `r0 (pid ${host.pid}) ended`);
});

needs(
  "libfaketime",
  library,
  "clocks jump back, drift, stand and strobe, and are right again",
  async () => {
    assert.ok(library);
    const hand = new ClockHand(library);
    const { host } = await victimOf(hand);
    await hand.takeHold(host);
    const intents: FaultIntent[] = [
      { kind: "clock", rate: 1, jumpMs: -288_000, target },
      { kind: "clock", rate: 3, jumpMs: 0, target },
      { kind: "clock", rate: 0, jumpMs: 0, target },
      { kind: "strobe", jumpMs: 4_000, periodMs: 60, target },
    ];
    for (const intent of intents) {
      const fault = faultOf(intent);
      await hand.apply(fault, [host]);
      if (intent.kind === "clock" && intent.rate !== 1) await sleep(400);
      const evidence = await hand.heal(fault, [host]);
      assert.ok(evidence.landed, evidence.summary);
      const asked = Date.now();
      const shown = Number((await host.ask({ op: "status" }, DEADLINE_MS))?.["wallClockMs"]);
      assert.ok(shown >= asked - 2 && shown <= Date.now() + 2, `${shown - asked} ms off`);
    }
    const began = nowMs();
    assert.ok(faketimeLeftovers(host.pid ?? 0).some((path) => existsSync(path)));
    process.kill(host.pid ?? 0, "SIGKILL");
    await hand.close();
    assert.ok(nowMs() - began < DEADLINE_MS);
    assert.deepEqual(
      faketimeLeftovers(host.pid ?? 0).filter((path) => existsSync(path)),
      [],
    );
  },
);

needs("libfaketime", library, "a small strobe is seen though answers come late", async () => {
  assert.ok(library);
  const hand = new ClockHand(library);
  const { host: prompt } = await victimOf(hand);
  let asked = 0;
  const host: NodeHost = {
    ...prompt,
    ask: async (question, deadlineMs) => {
      const lateMs = (asked++ * 37) % 90;
      await sleep(lateMs);
      const answer = await prompt.ask(question, deadlineMs);
      await sleep(90 - lateMs);
      return answer;
    },
  };
  const fault = faultOf({ kind: "strobe", jumpMs: 13, periodMs: 60, target });
  await hand.apply(fault, [host]);
  const { landed, summary } = await hand.heal(fault, [host]);
  assert.ok(landed, summary);
  await hand.close();
});

needs("libfaketime", library, "a clock that nobody bent has not been bent", async () => {
  assert.ok(library);
  const hand = new ClockHand(library);
  // Without the library in its environment it keeps the machine's time.
  const { host } = await victimOf();
  await hand.prepare({ ...host, pid: undefined });
  const fault = faultOf({ kind: "clock", rate: 1, jumpMs: 60_000, target });
  await hand.apply(fault, [host]);
  const evidence = await hand.heal(fault, [host]);
  assert.equal(evidence.landed, false);
  assert.match(evidence.summary, /asked for 60000 ms and rate 1/);
  await hand.close();
});

test("libraries of several hands, and of the runner, are all loaded", () => {
  const launch = (LD_PRELOAD: string) => ({
    argvPrefix: [],
    variables: { LD_PRELOAD, X: LD_PRELOAD },
  });
  const own = process.env["LD_PRELOAD"] === undefined ? "" : `${process.env["LD_PRELOAD"]} `;
  assert.deepEqual(variablesOf([launch("/a.so"), launch("/b.so")]), {
    LD_PRELOAD: `${own}/a.so /b.so`,
    X: "/b.so",
  });
  assert.deepEqual(variablesOf([{ argvPrefix: [], variables: {} }]), {});
});

test.run();
