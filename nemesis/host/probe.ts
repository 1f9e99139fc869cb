// What this machine lets us do: namespaces (as root, or through a user namespace), the packet filter and
// its matches, traffic control. Each finding says why not and what would change that. Nothing of the
// machine is touched: everything is tried inside namespaces that end with the probe.

import type { DelayMechanism } from "./delay-line.js";
import type { IptablesBackend } from "./iptables.js";
import type { Shell } from "./shell.js";

export type Finding = {
  name: string;
  works: boolean;
  /** One line: what was found. */
  reason: string;
  /** The command that would enable it; absent where it works or where nothing is known to help. */
  remedy?: string;
};

export type NamespaceMode = "root" | "rootless";

/** What can be done to links, and by what. */
export type LinkMeans = {
  /** Undefined: no packet filter, so nothing can be done to links. */
  backend: IptablesBackend | undefined;
  canDuplicate: boolean;
  /** Datagrams can be told apart by what their header says. */
  canMatchMessages: boolean;
  /** Bytes of datagrams can be changed on their way. */
  canCorrupt: boolean;
  /** Links can be held shut, and narrowed where bytes can be changed, too. */
  canShape: boolean;
  /** Undefined: neither netem nor the HTB delay line; no delay and no reorder. */
  mechanism: DelayMechanism | undefined;
};

/** What namespaces can do here; `mode` undefined means they cannot be used, `reason` says why. */
export type Probe = LinkMeans & {
  findings: readonly Finding[];
  mode: NamespaceMode | undefined;
  /** How to re-execute a program inside namespaces of its own; append the program. */
  unshare: readonly string[];
  reason: string;
};

export const NO_LINK_MEANS: LinkMeans = {
  backend: undefined,
  canDuplicate: false,
  canMatchMessages: false,
  canCorrupt: false,
  canShape: false,
  mechanism: undefined,
};

/** The argument vectors that give a program network, mounts and pids of its own. */
export const UNSHARE: Readonly<Record<NamespaceMode, readonly string[]>> = {
  root: ["unshare", "-nm", "--pid", "--fork", "--kill-child", "--mount-proc"],
  rootless: ["unshare", "-Urnm", "--pid", "--fork", "--kill-child", "--mount-proc"],
};

/** Tries everything once; under 2 s. `isRoot`: the effective user is 0. */
export async function probe(shell: Shell, { isRoot }: { isRoot: boolean }): Promise<Probe> {
  const attempts: NamespaceMode[] = isRoot ? ["root", "rootless"] : ["rootless"];
  const failed: Finding[] = [];
  for (const mode of attempts) {
    const unshare = UNSHARE[mode];
    const { said, error } = await attempt(shell, [...unshare, "sh", "-c", SCRIPT]);
    const findings = parseFindings(said);
    const tried = [unshared(mode, findings.length > 0, error), ...findings];
    if (findings.some((finding) => finding.name === "netns" && finding.works)) {
      return choose(mode, [...failed, ...tried]);
    }
    failed.push(...tried);
  }
  const reasons = failed
    .filter((finding) => !finding.works)
    .map((finding) => `${finding.name}: ${finding.reason}`)
    .join("; ");
  return {
    findings: failed,
    mode: undefined,
    unshare: [],
    ...NO_LINK_MEANS,
    reason: `network namespaces cannot be used here: ${reasons}`,
  };
}

/** One line of the script's answer each: name, "ok" or "no", and what the command said. */
export function parseFindings(said: string): Finding[] {
  return said.split("\n").flatMap((line): Finding[] => {
    const [name, outcome, ...words] = line.split("\t");
    if (name === undefined || (outcome !== "ok" && outcome !== "no")) return [];
    if (outcome === "ok") return [{ name, works: true, reason: "works" }];
    const detail = words.join(" ").trim();
    const reason = detail === "" ? "refused without a word" : detail;
    const remedy = remedyFor(name, reason);
    return [{ name, works: false, reason, ...(remedy === undefined ? {} : { remedy }) }];
  });
}

/** The script answers something as soon as it runs at all. */
function unshared(mode: NamespaceMode, entered: boolean, error: string): Finding {
  const name = `unshare (${mode})`;
  if (entered) return { name, works: true, reason: "works" };
  return { name, works: false, reason: error, remedy: REMEDY_UNSHARE };
}

/** Which back end and which means of delay to use, by what was found. */
export function mechanismsOf(findings: readonly Finding[]): LinkMeans {
  const works = (name: string) => findings.some((each) => each.name === name && each.works);
  const usable = (backend: IptablesBackend) =>
    works(`iptables-${backend}`) && works(`iptables-${backend} statistic`);
  const backend: IptablesBackend | undefined = usable("legacy")
    ? "legacy" // A restore takes a fifth of the time that it takes on nf_tables.
    : usable("nft")
      ? "nft"
      : undefined;
  const canSort = backend !== undefined && works(`iptables-${backend} CLASSIFY`);
  const canDuplicate = backend !== undefined && works(`iptables-${backend} TEE`);
  const canPlug = canSort && canDuplicate && works(`iptables-${backend} MARK`);
  const netem = canSort && works("tc htb") && works("tc netem");
  const mechanism = netem ? "netem" : canPlug && works("tc htb") ? "htb" : undefined;
  const canMatchMessages = canDuplicate && works(`iptables-${backend} u32`);
  const canCorrupt = works("nft payload");
  // A clog begins with a plug.
  const canShape = mechanism !== undefined && canDuplicate && works("tc tbf");
  return { backend, canDuplicate, canMatchMessages, canCorrupt, canShape, mechanism };
}

function choose(mode: NamespaceMode, findings: readonly Finding[]): Probe {
  const means = mechanismsOf(findings);
  const { backend, mechanism } = means;
  const usableAtAll = backend !== undefined;
  const refused = findings.filter((finding) => !finding.works);
  return {
    findings,
    mode: usableAtAll ? mode : undefined,
    unshare: UNSHARE[mode],
    ...means,
    reason: usableAtAll
      ? `namespaces (${mode}), iptables-${backend}, ${mechanism ?? "no"} delay`
      : `no iptables back end works: ${refused.map((each) => each.reason).join("; ")}`,
  };
}

async function attempt(
  shell: Shell,
  argv: readonly string[],
): Promise<{ said: string; error: string }> {
  try {
    const { stdout, stderr, exitCode } = await shell.run(argv, { deadlineMs: 15_000 });
    const error = stderr.trim().split("\n").at(-1) ?? "";
    return { said: stdout, error: error === "" ? `exit code ${exitCode}` : error };
  } catch (error) {
    return { said: "", error: error instanceof Error ? error.message : String(error) };
  }
}

const REMEDY_UNSHARE =
  "run as root, or: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=10000";

function remedyFor(name: string, reason: string): string | undefined {
  if (/not found|No such file/.test(reason)) {
    return name.startsWith("iptables") ? "apt-get install iptables" : "apt-get install iproute2";
  }
  const modules: Record<string, string> = {
    "tc netem": "modprobe sch_netem",
    "tc htb": "modprobe sch_htb",
    "iptables-legacy": "modprobe -a iptable_filter iptable_mangle",
    "iptables-nft": "modprobe nf_tables",
    "iptables-legacy statistic": "modprobe xt_statistic",
    "iptables-nft statistic": "modprobe -a xt_statistic nft_compat",
    "iptables-legacy recent": "modprobe xt_recent",
    "iptables-nft recent": "modprobe -a xt_recent nft_compat",
    "nft payload": "apt-get install nftables, or: modprobe -a nf_tables nft_numgen nft_limit",
    "tc tbf": "modprobe sch_tbf",
    "iptables-legacy u32": "modprobe xt_u32",
    "iptables-nft u32": "modprobe -a xt_u32 nft_compat",
    "iptables-legacy TEE": "modprobe xt_TEE",
    "iptables-nft TEE": "modprobe -a xt_TEE nft_compat",
    netns: "modprobe -a veth bridge",
  };
  return modules[name];
}

/** A function of sh that runs a command and answers a line for parseFindings, whatever the outcome. */
export const TRY = `
PATH="$PATH:/usr/sbin:/sbin"
try() {
  name="$1"; shift
  if said="$("$@" 2>&1)"; then printf '%s\\tok\\n' "$name"; else
    printf '%s\\tno\\t%s\\n' "$name" "$(printf '%s' "$said" | tr '\\n\\t' '  ' | cut -c1-200)"
  fi
}`;

/** A function of sh: tries what nft.ts does, with more options of nft; -c has the kernel judge it and forget it. */
export const NFT_PAYLOAD = `payload() {
  nft "$@" -f - <<'END'
table ip ordealp {
chain flip { @th,64,8 set @th,64,8 ^ 0x1
}
chain in {
type filter hook prerouting priority -160;
ip protocol udp limit rate over 1000 bytes/second burst 2000 bytes counter drop comment "probe"
ip protocol udp numgen random mod 1000000 < 5 udp checksum set 0 counter jump flip comment "probe"
}
}
END
}
`;

/** Runs inside the new namespaces. */
const SCRIPT = `${TRY}
nodes() {
  mount -t tmpfs tmpfs /run && ip netns add probe && ip link add probe0 type bridge &&
    ip link add probe1 type veth peer name eth0 netns probe && ip link set probe1 master probe0 &&
    nsenter --net=/run/netns/probe true && echo 0 > /proc/sys/net/ipv4/ip_forward
}
ip link set lo up
try netns nodes
for kind in legacy nft; do
  tool="iptables-$kind"
  try "$tool" "$tool" -w 5 -A INPUT -s 10.77.0.1 -m comment --comment probe -j DROP
  try "$tool statistic" "$tool" -w 5 -A INPUT -s 10.77.0.1 \\
    -m statistic --mode random --probability 0.5 -j DROP
  try "$tool recent" "$tool" -w 5 -A INPUT -s 10.77.0.1 -m recent --name probe --rsource --set -j DROP
  try "$tool u32" "$tool" -w 5 -A INPUT -p udp -s 10.77.0.1 \\
    -m u32 --u32 "0>>22&0x3C@29&0x10=1:0xffff" -m statistic --mode nth --every 9 --packet 0 -j DROP
  try "$tool TEE" "$tool" -w 5 -t mangle -A PREROUTING -p udp -s 10.77.0.1 -j TEE --gateway 10.77.0.1
  try "$tool CLASSIFY" "$tool" -w 5 -t mangle -A POSTROUTING -p udp -d 10.77.0.1 \\
    -j CLASSIFY --set-class 1:2
  try "$tool MARK" "$tool" -w 5 -t mangle -A POSTROUTING -p udp -d 10.77.0.1 -j MARK --set-mark 1
done
${NFT_PAYLOAD}try "nft payload" payload
try "tc netem" tc qdisc add dev lo root netem delay 1ms
tc qdisc del dev lo root 2>/dev/null
try "tc htb" tc qdisc add dev lo root handle 1: htb default 0
bucket() {
  tc class add dev lo parent 1: classid 1:f000 htb rate 10gbit quantum 1500 &&
    tc qdisc add dev lo parent 1:f000 handle f010: tbf rate 8bit burst 1600 mpu 1500 limit 64000
}
try "tc tbf" bucket
exit 0
`;
