import { suite } from "uvu";
import * as assert from "uvu/assert";
import { installInput, restoreArgv, restoreInput } from "./iptables.js";
import { UNSHARE } from "./probe.js";
import { cleanUpArgv, commonFaults, deviceOf, makeSink, probeHostFaults } from "./remote-host.js";
import { localShell, must, type Shell } from "./shell.js";

const test = suite("remote host");

/** A shell whose every command says this. */
const saying = (stdout: string): Shell => ({
  run: async () => ({ exitCode: 0, stdout, stderr: "" }),
});
const finding = (name: string, works = true) => `${name}\t${works ? "ok" : "no\trefused"}\n`;
const FILTER = finding("iptables-nft") + finding("iptables-nft statistic");

test("what can be done follows from what was tried", async () => {
  const tried = (text: string) => probeHostFaults(saying(text));
  assert.is((await tried("")).backend, undefined);
  const plain = await tried(FILTER + finding("reverse path"));
  assert.equal([plain.backend, plain.canDuplicate, plain.mechanism], ["nft", false, undefined]);
  const copying = FILTER + finding("iptables-nft TEE");
  assert.is((await tried(copying + finding("reverse path"))).canDuplicate, true);
  assert.is((await tried(copying + finding("reverse path", false))).canDuplicate, false);
  const sorting = FILTER + finding("iptables-nft CLASSIFY") + finding("tc htb");
  assert.is((await tried(sorting)).mechanism, undefined, "a delay line needs plugs");
  assert.is((await tried(sorting + finding("tc netem"))).mechanism, "netem");
});

test("hosts together can do what each of them can", () => {
  const all = {
    backend: "nft",
    canDuplicate: true,
    canMatchMessages: true,
    canCorrupt: true,
    canShape: true,
    mechanism: "netem",
  } as const;
  const netem = { findings: [], ...all };
  assert.equal(commonFaults([netem, netem]), all);
  const htb = { ...netem, mechanism: "htb", canDuplicate: false } as const;
  assert.equal(commonFaults([netem, htb]), { ...all, canDuplicate: false, mechanism: undefined });
  assert.is(commonFaults([netem, { ...netem, backend: "legacy" }]).backend, undefined);
  assert.is(commonFaults([]).backend, undefined);
});

test("the device of an address is found by the whole address", async () => {
  const shown = saying(
    "1: lo    inet 127.0.0.1/8 scope host lo\n7: eth1    inet 10.0.0.12/24 brd 10.0.0.255 eth1\n",
  );
  assert.is(await deviceOf(shown, "10.0.0.12"), "eth1");
  assert.is(await deviceOf(shown, "10.0.0.1"), undefined);
});

test("cleaning up takes out what is ours and leaves what is not", async () => {
  const unshare = UNSHARE[process.getuid?.() === 0 ? "root" : "rootless"];
  const { backend } = await probeInside(unshare);
  if (backend === undefined) return console.log("skipped: no packet filter in a namespace here");
  // All in one process, as the namespace ends with it.
  const foreign = "-A INPUT -s 192.0.2.9/32 -j DROP";
  const rules = restoreInput({
    address: "10.77.0.1",
    device: "lo",
    addresses: new Map([["r1", "10.77.0.2"]]),
    incoming: [
      {
        ...{ from: "r1", to: "r0", drop: true },
        causes: {
          ...{ drop: [], loss: [], burst: [], every: [], duplicate: [], reorder: [], delay: [] },
          ...{ corrupt: [], replay: [], bandwidth: [], clog: [] },
        },
      },
    ],
    egress: { links: [], pools: [] },
    generation: 0,
    gateway: "10.77.0.254",
    needsPlugs: false,
    chainsBefore: [],
  });
  const script = `
    ip link set lo up
    iptables-${backend} ${foreign} && printf '%s' "$1" | ${restoreArgv(backend).join(" ")}
    printf '%s' "$2" | ${restoreArgv(backend).join(" ")}
    tc qdisc add dev lo root handle 1: htb default 0
    nft add table ip ordeal
    iptables-${backend}-save; tc qdisc show dev lo; nft list tables; echo ---
    shift 2; "$@"; echo "exit $?"
    iptables-${backend}-save; tc qdisc show dev lo; nft list tables`;
  const argv = ["sh", "-c", script, "sh", installInput(""), rules, ...cleanUpArgv(backend, "lo")];
  const { stdout } = await must(localShell(), [...unshare, ...argv], { deadlineMs: 60_000 });
  const [before = "", after = ""] = stdout.split("---\n");
  for (const sign of ["-A INPUT -j ORDEAL-IN", "drop:r1>r0", "htb 1:", foreign]) {
    assert.match(before, sign);
  }
  assert.match(after, /^exit 0$/m);
  assert.match(after, foreign);
  assert.not.match(after, /ORDEAL|htb|table ip ordeal/);
});

test("the sink is one route and one neighbour", async () => {
  const lines: string[] = [];
  const shell: Shell = {
    run: async (_, options) => {
      lines.push(...(options?.stdin ?? "").trim().split("\n"));
      return { exitCode: 0, stdout: "", stderr: "" };
    },
  };
  await makeSink(shell, "eth1");
  assert.equal(lines, [
    "route replace 169.254.77.77/32 dev eth1 scope link",
    "neigh replace 169.254.77.77 lladdr 02:4f:52:44:45:4c dev eth1 nud permanent",
  ]);
});

async function probeInside(unshare: readonly string[]) {
  const shell: Shell = {
    run: (argv, options) => localShell().run([...unshare, ...argv], options),
  };
  return probeHostFaults(shell).catch(() => ({ backend: undefined }));
}

test.run();
