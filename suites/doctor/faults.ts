// By what a fault is made on this machine, and what is missing where it cannot be: for each kind the ways in
// the order in which environments take them, by the names of what must have been found to work.

import type { Finding } from "../../nemesis/host/probe.js";

type Way = { mechanism: string; needs: readonly string[] };

const RELAY: Way = { mechanism: "UDP relay", needs: [] };
const SIGNALS: Way = { mechanism: "signals", needs: [] };

/** Names of kinds: an environment may offer one that is not listed yet. */
const WAYS: Readonly<Record<string, readonly Way[]>> = {
  partition: [{ mechanism: "iptables DROP", needs: ["netns", "iptables"] }, RELAY],
  loss: [{ mechanism: "iptables statistic", needs: ["netns", "iptables statistic"] }, RELAY],
  duplicate: [{ mechanism: "iptables TEE", needs: ["netns", "iptables TEE"] }, RELAY],
  delay: [
    { mechanism: "netem", needs: ["netns", "tc netem", "tc htb"] },
    { mechanism: "HTB delay line", needs: ["netns", "tc htb", "iptables TEE", "iptables MARK"] },
    RELAY,
  ],
  reorder: [
    { mechanism: "netem", needs: ["netns", "tc netem", "tc htb"] },
    { mechanism: "HTB delay line", needs: ["netns", "tc htb", "iptables TEE", "iptables MARK"] },
    RELAY,
  ],
  message: [{ mechanism: "iptables u32", needs: ["netns", "iptables u32"] }, RELAY],
  corrupt: [{ mechanism: "nft payload edit", needs: ["netns", "nft payload"] }, RELAY],
  bandwidth: [{ mechanism: "tc tbf", needs: ["netns", "tc tbf", "nft payload"] }, RELAY],
  clog: [{ mechanism: "tc tbf", needs: ["netns", "tc tbf", "iptables TEE"] }, RELAY],
  replay: [
    { mechanism: "TEE into netem", needs: ["netns", "tc netem", "tc htb", "iptables TEE"] },
    { mechanism: "TEE into an HTB delay line", needs: ["netns", "tc htb", "iptables TEE"] },
    RELAY,
  ],
  kill: [SIGNALS],
  pause: [SIGNALS],
  terminate: [SIGNALS],
  "kill-at": [{ mechanism: "hook of the replica's runtime", needs: [] }],
  freeze: [{ mechanism: "cgroup freezer", needs: ["cgroup freezer"] }],
  memory: [
    { mechanism: "cgroup memory", needs: ["cgroup memory"] },
    { mechanism: "prlimit", needs: ["prlimit"] },
  ],
  files: [{ mechanism: "prlimit", needs: ["prlimit"] }],
  "slow-cpu": [
    { mechanism: "cgroup cpu", needs: ["cgroup cpu"] },
    { mechanism: "SIGSTOP and SIGCONT in turn", needs: [] },
  ],
  clock: [{ mechanism: "libfaketime", needs: ["libfaketime"] }],
  strobe: [{ mechanism: "libfaketime", needs: ["libfaketime"] }],
  lie: [{ mechanism: "a liar inside the replica's process", needs: [] }],
  disk: [{ mechanism: "LD_PRELOAD library", needs: ["C compiler"] }],
  "power-cut": [
    { mechanism: "ext4 shutdown; torn: LD_PRELOAD undo log", needs: ["netns", "ext4 shutdown"] },
    { mechanism: "LD_PRELOAD undo log", needs: ["C compiler"] },
  ],
  "disk-damage": [{ mechanism: "a program on the files", needs: ["C compiler"] }],
};

export type FaultMeans = {
  /** Undefined: no way works here. */
  mechanism?: string;
  /** Why the first way does not work, where it does not. */
  reason?: string;
  remedy?: string;
};

/** How a kind of fault is made where these findings hold; nothing is known of a kind without ways. */
export function meansOf(kind: string, findings: readonly Finding[]): FaultMeans {
  const ways = WAYS[kind] ?? [];
  const working = ways.find(({ needs }) => needs.every((need) => works(need, findings)));
  const lacking = ways[0]?.needs.find((need) => !works(need, findings));
  const missing = lacking === undefined ? undefined : named(lacking, findings)[0];
  return {
    ...(working !== undefined && { mechanism: working.mechanism }),
    ...(lacking !== undefined && { reason: `${lacking}: ${missing?.reason ?? "not tried"}` }),
    ...(missing?.remedy !== undefined && { remedy: missing.remedy }),
  };
}

function works(need: string, findings: readonly Finding[]): boolean {
  return named(need, findings).some((finding) => finding.works);
}

/** "iptables TEE" is meant on whichever back end: "iptables-legacy TEE", "iptables-nft TEE". */
function named(need: string, findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ name }) => name.replace(/^iptables-(legacy|nft)/, "iptables") === need);
}
