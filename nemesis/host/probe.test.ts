import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseFindings, probe } from "./probe.js";
import { localShell, type RunResult, type Shell, ShellError } from "./shell.js";

const test = suite("probe");

/** Answers the probe's script as a machine would on which only these things work. */
function machine(answer: (argv: readonly string[]) => Partial<RunResult> | Error): Shell {
  return {
    run: async (argv) => {
      const given = answer(argv);
      if (given instanceof Error) throw given;
      return { exitCode: 0, stdout: "", stderr: "", ...given };
    },
  };
}
const lines = (works: string[], refused: [string, string][] = []) =>
  [
    ...works.map((name) => `${name}\tok`),
    ...refused.map(([name, said]) => `${name}\tno\t${said}`),
  ].join("\n");
const filter = (kind: string) =>
  ["", " statistic", " TEE", " CLASSIFY", " MARK"].map((part) => `iptables-${kind}${part}`);

test("netem is used where it is, the HTB delay line where not, legacy before nft", async () => {
  const all = ["netns", ...filter("legacy"), ...filter("nft"), "tc htb"];
  const without = await probe(
    machine(() => ({ stdout: lines(all) })),
    { isRoot: true },
  );
  assert.equal(
    [without.mode, without.backend, without.mechanism, without.canDuplicate],
    ["root", "legacy", "htb", true],
  );
  const netem = await probe(
    machine(() => ({ stdout: lines([...all, "tc netem"]) })),
    {
      isRoot: false,
    },
  );
  assert.equal([netem.mode, netem.mechanism], ["rootless", "netem"]);
  assert.ok(netem.unshare.includes("-Urnm"));
});

test("what is missing takes away only what needs it, and the finding says how to enable it", async () => {
  const works = ["netns", "iptables-nft", "iptables-nft statistic", "tc htb"];
  const refused: [string, string][] = [
    ["iptables-legacy", "sh: iptables-legacy: not found"],
    ["tc netem", "Error: Specified qdisc kind is unknown."],
    ["iptables-nft TEE", "Extension TEE revision 0 not supported, missing kernel module?"],
  ];
  const found = await probe(
    machine(() => ({ stdout: lines(works, refused) })),
    { isRoot: true },
  );
  assert.equal(
    [found.mode, found.backend, found.mechanism, found.canDuplicate],
    ["root", "nft", undefined, false],
  );
  const remedies = new Map(found.findings.map((each) => [each.name, each.remedy]));
  assert.is(remedies.get("iptables-legacy"), "apt-get install iptables");
  assert.is(remedies.get("tc netem"), "modprobe sch_netem");
  assert.is(remedies.get("iptables-nft TEE"), "modprobe -a xt_TEE nft_compat");
  assert.is(remedies.get("netns"), undefined);
});

test("root without the right to unshare tries a user namespace", async () => {
  const shell = machine((argv) =>
    argv.includes("-Urnm")
      ? { stdout: lines(["netns", ...filter("legacy")]) }
      : { exitCode: 1, stderr: "unshare: unshare failed: Operation not permitted\n" },
  );
  const found = await probe(shell, { isRoot: true });
  assert.is(found.mode, "rootless");
  assert.is(found.findings[0]?.reason, "unshare: unshare failed: Operation not permitted");
});

test("where nothing works the reason is one line that names every attempt", async () => {
  const denied = machine(() => ({
    exitCode: 1,
    stderr: "unshare failed: No space left on device",
  }));
  const found = await probe(denied, { isRoot: false });
  assert.is(found.mode, undefined);
  assert.match(found.reason, /cannot be used here: unshare \(rootless\): .*No space left/);
  assert.not.match(found.reason, /\n/);
  const absent = machine(
    (argv) => new ShellError("not-started", argv, "could not be started: no such program", ""),
  );
  assert.match((await probe(absent, { isRoot: true })).reason, /no such program/);
});

test("a namespace that opens but cannot hold nodes is told from one that does not open", async () => {
  const stdout = lines([], [["netns", "RTNETLINK answers: Operation not supported"]]);
  const found = await probe(
    machine(() => ({ stdout })),
    { isRoot: false },
  );
  assert.is(found.mode, undefined);
  assert.is(found.findings[0]?.works, true);
  assert.is(found.findings[1]?.remedy, "modprobe -a veth bridge");
  assert.is(
    found.reason,
    "network namespaces cannot be used here: netns: RTNETLINK answers: Operation not supported",
  );
});

test("namespaces without a packet filter are not enough", async () => {
  const stdout = lines(["netns", "tc htb"], [["iptables-legacy", "not found"]]);
  const found = await probe(
    machine(() => ({ stdout })),
    { isRoot: true },
  );
  assert.is(found.mode, undefined);
  assert.match(found.reason, /no iptables back end works: not found/);
});

test("lines that are no findings are passed over", () => {
  assert.equal(parseFindings("hello\nnetns\tok\nx\tmaybe\n"), [
    { name: "netns", works: true, reason: "works" },
  ]);
});

test("this machine is probed without an error, and every refusal has its reason", async () => {
  const found = await probe(localShell(), { isRoot: process.getuid?.() === 0 });
  assert.ok(found.findings.length > 0);
  assert.ok(found.reason !== "");
  for (const { works, reason } of found.findings) {
    assert.ok(works === (reason === "works"));
  }
  assert.is(found.mode === undefined, found.backend === undefined);
});

test.run();
