// The named suites, as plain data: what each does to the cluster and what it then claims.

import type { FaultKind } from "../nemesis/faults.js";
import { ALL_PACKAGES } from "../nemesis/packages.js";
import { UsageError } from "./usage-error.js";

/** One sentence for each claim, by the name of the check that judges it. */
export type Claims = Readonly<Record<string, string>>;

export type Suite = {
  name: string;
  /** What happens, in one sentence. */
  description: string;
  claims: Claims;
  /** Packages of nemesis/packages.ts; they act side by side. */
  nemesis: readonly string[];
  /** Load and faults, seconds. */
  timeLimitS: number;
  /** Mean time from one start of a package's fault to its next, seconds. */
  intervalS: number;
  /** Fault kinds that an environment must honour and evidence must show. */
  requiredFaults: readonly FaultKind[];
  /** Cold start to report, for people. */
  takes: string;
  /** Sessions at work; absent: two for each replica. */
  concurrency?: number;
  /** Overrides of the protocol's numbers. */
  protocol: Readonly<Record<string, number>>;
  /** Runs of a fixed count of operations instead of a time limit. */
  table?: readonly TableRow[];
};

/** A row of the paper's Table 1. Times in seconds, accuracy in percent. */
export type TableRow = {
  iterations: number;
  crashes: number;
  paper: { timeS: number; viewChanges: number; accuracyPercent: number };
};

const SAFETY: Claims = {
  linearizable: "Every operation takes effect at one instant between its call and its answer.",
  "black-box":
    "The same, from the balances that clients saw; where they leave it open, an order that replays.",
  "seq-order": "The order in which the ledger says it executed respects real time.",
  cycles: "No operation precedes itself, by what statements show and by real time.",
  conservation: "Money is neither made nor lost: every read and the end add up.",
  durability: "Every acknowledged operation stands in the final ledgers, exactly once.",
  agreement: "All correct replicas end with the same accounts, entries, sessions and digest.",
  progress: "After the last fault is healed, every session is served within the computed bound.",
  processes: "No replica ends or dies unless the nemesis killed it.",
  "log-patterns": "No replica's log tells of a failed assertion, a panic or damage.",
  accountable:
    "No replica contradicts what it signed, but for those that a fault made lie: these are proved to have.",
};

const EVIDENCE: Claims = {
  evidence: "Every planned kind of fault landed, while operations were being served.",
};

/** The view timer stops doubling at 2 s, so that what faults wound up unwinds within a short run. */
const PROTOCOL = { viewTimeoutMsMax: 2_000 };

/** Checkpoints often enough that a short run has many: logs are cut, states transferred, votes passed. */
const MANY_CHECKPOINTS = { ...PROTOCOL, checkpointInterval: 16, window: 32 };

function suite(
  name: string,
  description: string,
  faults: Pick<Suite, "nemesis" | "requiredFaults"> & Partial<Suite>,
): Suite {
  return {
    name,
    description,
    claims: { ...SAFETY, ...EVIDENCE },
    timeLimitS: 10,
    intervalS: 3,
    takes: "about 15 s",
    protocol: PROTOCOL,
    ...faults,
  };
}

export const SUITES: readonly Suite[] = [
  suite("smoke", "Load without faults: the baseline that every other suite must reach.", {
    nemesis: [],
    requiredFaults: [],
    timeLimitS: 5,
    takes: "about 10 s",
  }),
  suite("primary-partition", "Cuts the primary off from everybody, clients too, again and again.", {
    nemesis: ["partition-primary"],
    requiredFaults: ["partition"],
  }),
  suite("halves", "Splits the replicas into halves, so that neither side has a quorum.", {
    nemesis: ["halves"],
    requiredFaults: ["partition"],
  }),
  suite("ring", "Every replica sees a majority, and no two see the same one.", {
    nemesis: ["ring"],
    requiredFaults: ["partition"],
  }),
  suite("one-way", "Cuts single directions: a replica hears and is not heard, or the reverse.", {
    nemesis: ["one-way"],
    requiredFaults: ["partition"],
  }),
  suite("lossy", "Drops, duplicates and reorders datagrams on every link.", {
    nemesis: ["loss", "duplicate", "reorder"],
    requiredFaults: ["loss", "duplicate", "reorder"],
  }),
  suite("bursty-loss", "Loses datagrams on every link in bursts, and one in so many by count.", {
    nemesis: ["burst-loss", "nth-loss"],
    requiredFaults: ["loss"],
  }),
  suite("corrupt-wire", "Flips bits in datagrams and sends old ones again, on every link.", {
    nemesis: ["corrupt", "replay"],
    requiredFaults: ["corrupt", "replay"],
  }),
  suite("narrow-links", "Links carry little, and now and then nothing until they are freed.", {
    nemesis: ["bandwidth", "clog"],
    requiredFaults: ["bandwidth", "clog"],
  }),
  suite("slow-links", "Delays datagrams, with jitter and with long tails.", {
    nemesis: ["delay", "long-tail"],
    requiredFaults: ["delay"],
  }),
  suite("flapping", "Cuts and heals links faster than the protocol's time-outs run.", {
    nemesis: ["flapping"],
    requiredFaults: ["partition"],
  }),
  suite("slow-primary", "Delays what the primary is sent, and what it proposes.", {
    nemesis: ["slow-primary", "late-proposals"],
    requiredFaults: ["delay", "message"],
  }),
  suite("lost-commits", "Loses every commit to one replica, with or without their certificates.", {
    nemesis: ["lost-commits"],
    requiredFaults: ["message"],
  }),
  suite("lost-new-view", "Kills primaries while the first new-views, or all of one, are lost.", {
    nemesis: ["lost-new-view", "kill-primary"],
    requiredFaults: ["message", "kill"],
    // Several batches under way, and checkpoints between them: a new-view then has much to carry.
    protocol: { ...PROTOCOL, batchesOutstandingMax: 4, checkpointInterval: 16, window: 32 },
    timeLimitS: 12,
    takes: "about 17 s",
  }),
  suite("kill-primary", "Kills the primary (SIGKILL) and restarts it from its own disk.", {
    nemesis: ["kill-primary"],
    requiredFaults: ["kill"],
  }),
  suite("kill-f", "Kills f replicas at once and restarts them from their own disks.", {
    nemesis: ["kill-f"],
    requiredFaults: ["kill"],
  }),
  suite("power-failure", "Kills every replica at once and restarts them all.", {
    nemesis: ["power-failure"],
    requiredFaults: ["kill"],
  }),
  suite("pause-primary", "Stops the primary (SIGSTOP) past its time-outs, then lets it go on.", {
    nemesis: ["pause-primary"],
    requiredFaults: ["pause"],
  }),
  suite("crash-recover", "Kills one replica after another, so that each must catch up.", {
    nemesis: ["crash-recover"],
    requiredFaults: ["kill"],
    timeLimitS: 12,
    takes: "about 17 s",
  }),
  suite("disk-full", "Fills a replica's disk, so that it ends, and frees it again.", {
    nemesis: ["disk-full"],
    requiredFaults: ["disk"],
  }),
  suite("disk-eio", "Lets writes or syncs of a replica's disk fail with EIO.", {
    nemesis: ["disk-eio"],
    requiredFaults: ["disk"],
  }),
  suite("power-cut", "Cuts the power of some or all machines: what was not synced is lost.", {
    nemesis: ["power-cut", "power-cut-all"],
    requiredFaults: ["power-cut"],
    protocol: MANY_CHECKPOINTS,
  }),
  suite("torn-log", "Tears the end off one replica's log, again and again.", {
    nemesis: ["torn-log"],
    requiredFaults: ["disk-damage"],
    protocol: MANY_CHECKPOINTS,
  }),
  suite("bit-rot", "Flips bits in one replica's log and ledger while it is down.", {
    nemesis: ["bit-rot"],
    requiredFaults: ["disk-damage"],
    protocol: MANY_CHECKPOINTS,
  }),
  suite(
    "rolled-back-disk",
    "Brings older states of one replica's disk back: it forgets its votes.",
    {
      nemesis: ["rolled-back-disk"],
      requiredFaults: ["disk-damage"],
      protocol: MANY_CHECKPOINTS,
    },
  ),
  suite("wipe-one", "Wipes one replica's disk again and again: it must rejoin from its peers.", {
    nemesis: ["wipe-one"],
    requiredFaults: ["disk-damage"],
    protocol: MANY_CHECKPOINTS,
  }),
  suite("everything", "Three to five kinds of faults at once, drawn from the seed.", {
    nemesis: [ALL_PACKAGES],
    requiredFaults: [],
    timeLimitS: 20,
    intervalS: 5,
    takes: "about 30 s",
  }),
  suite("crash-loop", "Kills a replica again as soon as it is back, then the next one.", {
    nemesis: ["crash-loop"],
    requiredFaults: ["kill"],
  }),
  suite("crash-points", "Has replicas kill themselves between two steps of what they do.", {
    nemesis: ["crash-points"],
    requiredFaults: ["kill-at"],
    intervalS: 1.5,
    timeLimitS: 15,
    takes: "about 25 s",
  }),
  suite("rolling-restart", "Ends one replica after another (SIGTERM) and restarts it.", {
    nemesis: ["rolling-restart"],
    requiredFaults: ["terminate"],
  }),
  suite("oom", "Takes a replica's memory until it ends of it, and restarts it.", {
    nemesis: ["memory"],
    requiredFaults: ["memory"],
  }),
  suite("clock-skew", "Lets wall clocks jump, drift and stand, which must change nothing.", {
    nemesis: ["clock"],
    requiredFaults: ["clock"],
    intervalS: 2,
  }),
  suite("clock-strobe", "Lets wall clocks leap to and fro many times a second.", {
    nemesis: ["strobe"],
    requiredFaults: ["strobe"],
    intervalS: 2,
  }),
  suite("liar", "One replica, at first the primary, lies: in another way each time.", {
    nemesis: ["liar"],
    requiredFaults: ["lie"],
    intervalS: 1.5,
  }),
  suite(
    "paper-table",
    "The paper's simulation: 10 runs each of 1,000, 5,000 and 10,000 operations, half reads.",
    {
      nemesis: [],
      requiredFaults: ["kill"],
      timeLimitS: 120,
      concurrency: 48,
      takes: "2 to 5 minutes",
      table: [
        row(1_000, 0, { timeS: 3.15, viewChanges: 3, accuracyPercent: 100 }),
        row(5_000, 1, { timeS: 11.6, viewChanges: 5, accuracyPercent: 80 }),
        row(10_000, 2, { timeS: 23.47, viewChanges: 4, accuracyPercent: 90 }),
      ],
    },
  ),
];

export function suiteNamed(name: string): Suite {
  const found = SUITES.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  const names = SUITES.map((candidate) => candidate.name).join(", ");
  throw new UsageError(
    "unknown-suite",
    `no suite is called "${name}"; choose from: ${names} (ordeal list describes them)`,
  );
}

function row(iterations: number, crashes: number, paper: TableRow["paper"]): TableRow {
  return { iterations, crashes, paper };
}
