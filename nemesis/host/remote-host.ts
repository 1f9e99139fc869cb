// What a machine that outlives the run lets us do to its network, tried on the spot; and how to leave it
// as it was. Only chains and devices of our own names are made, none of which a packet ever meets.

import type { IptablesBackend } from "./iptables.js";
import { NFT_TABLE } from "./nft.js";
import {
  type Finding,
  type LinkMeans,
  mechanismsOf,
  NFT_PAYLOAD,
  parseFindings,
  TRY,
} from "./probe.js";
import { must, type Shell } from "./shell.js";

export type HostFaults = LinkMeans & { findings: readonly Finding[] };

/** `shell` runs with the rights that faults will have. Under 2 s. */
export async function probeHostFaults(shell: Shell): Promise<HostFaults> {
  const { stdout } = await must(shell, ["sh", "-c", PROBE], { deadlineMs: 30_000 });
  const findings = parseFindings(stdout);
  const means = mechanismsOf(findings);
  // A duplicate comes in through lo with a peer's source address, which a strict filter refuses.
  const strict = findings.some(({ name, works }) => name === "reverse path" && !works);
  const { canDuplicate, canMatchMessages } = means;
  return {
    findings,
    ...means,
    canDuplicate: canDuplicate && !strict,
    canMatchMessages: canMatchMessages && !strict,
  };
}

/** What all of these machines can do. */
export function commonFaults(all: readonly LinkMeans[]): LinkMeans {
  const [first] = all;
  const same = <T>(of: (faults: LinkMeans) => T) =>
    first !== undefined && all.every((faults) => of(faults) === of(first)) ? of(first) : undefined;
  return {
    backend: same(({ backend }) => backend),
    canDuplicate: all.every(({ canDuplicate }) => canDuplicate),
    canMatchMessages: all.every(({ canMatchMessages }) => canMatchMessages),
    canCorrupt: all.every(({ canCorrupt }) => canCorrupt),
    canShape: all.every(({ canShape }) => canShape),
    mechanism: same(({ mechanism }) => mechanism),
  };
}

/** The device that has this address; undefined where none has. */
export async function deviceOf(shell: Shell, address: string): Promise<string | undefined> {
  const { stdout } = await must(shell, ["ip", "-o", "-4", "addr", "show"]);
  const line = stdout.split("\n").find((each) => each.includes(` inet ${address}/`));
  return /^\d+:\s+(\S+)/.exec(line ?? "")?.[1];
}

/**
 * Where plug copies of the delay line die (see tc.ts) when no bridge is ours: an address that nobody has,
 * behind a link-layer address that nobody has. Link-local, so that no route to anybody is touched.
 */
export const SINK = "169.254.77.77";
/** Nobody has this one either, nor has anybody said so: who is asked for it, asks the others by ARP. */
export const UNKNOWN = "169.254.77.78";
const SINK_LLADDR = "02:4f:52:44:45:4c";

export async function makeSink(shell: Shell, device: string): Promise<void> {
  const lines = [
    `route replace ${SINK}/32 dev ${device} scope link`,
    `neigh replace ${SINK} lladdr ${SINK_LLADDR} dev ${device} nud permanent`,
  ];
  await must(shell, ["ip", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
}

/** A command that takes out our chains, jumps, classes and the sink; what is foreign stays. */
export function cleanUpArgv(backend: IptablesBackend, device: string): readonly string[] {
  return ["sh", "-c", CLEAN_UP, "sh", backend, device];
}

const CLEAN_UP = `
PATH="$PATH:/usr/sbin:/sbin"
"iptables-$1-save" | awk '
  /^\\*/ { print; count = 0 }
  /^:ORDEAL-/ { name = substr($1, 2); chains[count++] = name; print "-F " name }
  /^-A / && $2 !~ /^ORDEAL-/ && / -j ORDEAL-/ { sub(/^-A/, "-D"); print }
  /^COMMIT/ { for (i = 0; i < count; i++) print "-X " chains[i]; print }
' | "iptables-$1-restore" --noflush -w 5 || exit 1
if tc qdisc show dev "$2" 2>/dev/null | grep -q "^qdisc htb 1: root"; then
  tc qdisc del dev "$2" root || exit 1
fi
nft delete table ip ${NFT_TABLE} 2>/dev/null
for address in ${SINK} ${UNKNOWN}; do ip neigh del $address dev "$2" 2>/dev/null; done
ip route del ${SINK}/32 dev "$2" 2>/dev/null
exit 0
`;

const PROBE = `
${TRY}
chain="ORDEAL-P$$"
device="ordealp$$"
for kind in legacy nft; do
  tool="iptables-$kind"
  "$tool" -w 5 -N "$chain" 2>/dev/null
  try "$tool" "$tool" -w 5 -A "$chain" -s 192.0.2.1 -m comment --comment probe -j DROP
  try "$tool statistic" "$tool" -w 5 -A "$chain" -s 192.0.2.1 \\
    -m statistic --mode random --probability 0.5 -j DROP
  "$tool" -w 5 -t mangle -N "$chain" 2>/dev/null
  try "$tool u32" "$tool" -w 5 -A "$chain" -p udp -s 192.0.2.1 \\
    -m u32 --u32 "0>>22&0x3C@29&0x10=1:0xffff" -m statistic --mode nth --every 9 --packet 0 -j DROP
  try "$tool TEE" "$tool" -w 5 -t mangle -A "$chain" -p udp -s 192.0.2.1 -j TEE --gateway 127.0.0.1
  try "$tool CLASSIFY" "$tool" -w 5 -t mangle -A "$chain" -p udp -d 192.0.2.1 \\
    -j CLASSIFY --set-class 1:2
  try "$tool MARK" "$tool" -w 5 -t mangle -A "$chain" -p udp -d 192.0.2.1 -j MARK --set-mark 1
  for table in filter mangle; do
    "$tool" -w 5 -t $table -F "$chain" 2>/dev/null && "$tool" -w 5 -t $table -X "$chain"
  done
done
if ip link add "$device" type veth peer name "\${device}p" 2>/dev/null ||
  ip link add "$device" type dummy 2>/dev/null; then
  try "tc netem" tc qdisc add dev "$device" root netem delay 1ms
  tc qdisc del dev "$device" root 2>/dev/null
  try "tc htb" tc qdisc add dev "$device" root handle 1: htb default 0
  bucket() {
    tc class add dev "$device" parent 1: classid 1:f000 htb rate 10gbit quantum 1500 &&
      tc qdisc add dev "$device" parent 1:f000 handle f010: tbf rate 8bit burst 1600 mpu 1500 limit 64000
  }
  try "tc tbf" bucket
  ip link del "$device"
fi
lenient() {
  for device in all lo; do
    [ "$(cat /proc/sys/net/ipv4/conf/$device/rp_filter)" != 1 ] ||
      { echo "rp_filter of $device is strict"; return 1; }
  done
}
${NFT_PAYLOAD}try "nft payload" payload -c
try "reverse path" lenient
exit 0
`;
