// The packet filter, purely: the whole desired state of one node as input of iptables-restore, and the
// counters of its rules read back. All rules live in chains of our own; every rule that bites carries a
// comment that names the part and the link, e.g. "drop:r0>r1", and its packet counter is the evidence.
//
// Datagrams are dropped where they arrive: dropping them on the way out would tell the sender (EPERM).

import type { NodeName } from "../faults.js";
import { type BurstLoss, burstChances } from "../link-loss.js";
import type { LinkState } from "../links.js";
import type { DelayPool, EgressLink, EgressPlan } from "./delay-line.js";
import { messageRules } from "./message-rules.js";
import { classOf, type Generation, shaperClassOf } from "./tc.js";

export type IptablesBackend = "legacy" | "nft";

/** What one node must do to the datagrams that reach it and leave it. */
export type NodeRules = {
  address: string;
  device: string;
  addresses: ReadonlyMap<NodeName, string>;
  /** Links into the node. */
  incoming: readonly LinkState[];
  egress: EgressPlan;
  generation: Generation;
  /** Where plug copies go to die. */
  gateway: string;
  /** Whether a line makes nothing wait without a plug: HTB does not, netem does. */
  needsPlugs: boolean;
  /** Chains of an earlier state, as chainsOf named them; those not wanted any more are removed. */
  chainsBefore: readonly string[];
};

/** What our rules count, by the word in their comments. */
export const PARTS = [
  "drop",
  "loss",
  /** Lost inside a burst, its first datagram included. */
  "burst",
  /** First datagrams of bursts. */
  "bursts",
  "every",
  "duplicate",
  "corrupt",
  "replay",
  "reorder",
  "delay",
  /** Sent through a narrow shaper. */
  "narrow",
  /** Dropped by a receiver that polices the rate. */
  "bandwidth",
  "clog",
] as const;
export type Part = (typeof PARTS)[number];

/** What a rule's counter counts, and on which link. */
export type LinkCounter = {
  part: Part;
  from: NodeName;
  to: NodeName;
  packets: number;
};

const CHAIN_IN = "ORDEAL-IN";
const CHAIN_DUPLICATE = "ORDEAL-DUP";
const CHAIN_OUT = "ORDEAL-OUT";
/** Named like a pool, so that it goes as they go. */
const CHAIN_PLUG = "ORDEAL-POOL-PLUG";

/** Marks a datagram whose plug has been sent, the plug itself, and copies: what needs no second look. */
const PLUGGED = "0x7a11";
/** Marks a datagram of which an old copy shall arrive. */
const AGAIN = "0x7a12";
/** So seldom that it is only the first. */
const ONLY_FIRST = "-m statistic --mode nth --every 2147483647 --packet 0";

/** The list of xt_recent in which senders stand whose link to us is inside a burst. */
const BURST_LIST = "ordeal-burst";

export function restoreArgv(backend: IptablesBackend): string[] {
  return [`iptables-${backend}-restore`, "--noflush", "-w", "5"];
}

/** Input that prints the rules of both tables with their counters, and changes nothing. */
export const LIST_INPUT = ["filter", "mangle"]
  .map((table) => `*${table}\n-S -v\nCOMMIT\n`)
  .join("");

/** Prints all that stands. */
export function saveArgv(backend: IptablesBackend): string[] {
  return [`iptables-${backend}-save`];
}

/**
 * Makes our chains and the jumps into them where `saved`, what iptables-save prints, lacks them: a run
 * that was killed may have left some behind.
 */
export function installInput(saved: string): string {
  const jump = (from: string, to: string) =>
    saved.includes(`-A ${from} -j ${to}\n`) ? [] : [`-I ${from} 1 -j ${to}`];
  return [
    "*filter",
    `:${CHAIN_IN} - [0:0]`,
    ...jump("INPUT", CHAIN_IN),
    "COMMIT",
    "*mangle",
    `:${CHAIN_DUPLICATE} - [0:0]`,
    `:${CHAIN_OUT} - [0:0]`,
    ...jump("PREROUTING", CHAIN_DUPLICATE),
    ...jump("POSTROUTING", CHAIN_OUT),
    "COMMIT",
    "",
  ].join("\n");
}

/** Whether a run has prepared this node before. */
export function hasOurChains(saved: string): boolean {
  return saved.includes(`:${CHAIN_IN} `);
}

/** The chains of pools that stand now, to be removed by the next restore. */
export function poolChainsIn(saved: string): string[] {
  return [...saved.matchAll(/^:(ORDEAL-POOL-\S+) /gm)].flatMap(([, name]) => name ?? []);
}

/** The node's whole desired state; restoring it replaces whatever our chains held before. */
export function restoreInput(rules: NodeRules): string {
  const pools = egressChains(rules);
  const stale = rules.chainsBefore.filter((name) => !pools.some((chain) => chain.name === name));
  return [
    "*filter",
    `:${CHAIN_IN} - [0:0]`,
    ...rules.incoming.flatMap((link) => incomingRules(rules, link)),
    "COMMIT",
    "*mangle",
    `:${CHAIN_DUPLICATE} - [0:0]`,
    `:${CHAIN_OUT} - [0:0]`,
    ...[...pools.map((chain) => chain.name), ...stale].map((name) => `:${name} - [0:0]`),
    ...rules.incoming.flatMap((link) => duplicateRules(rules, link)),
    ...egressRules(rules),
    ...pools.flatMap((chain) => chain.rules),
    ...stale.map((name) => `-X ${name}`),
    "COMMIT",
    "",
  ].join("\n");
}

/** The chains that this state makes besides the three that always stand. */
export function chainsOf(rules: NodeRules): string[] {
  return egressChains(rules).map((chain) => chain.name);
}

/** A rule of ours, its comment in two halves and what it has counted, as LIST_INPUT has it printed. */
const LISTED_RULE = /^-A ORDEAL-\S+ .*--comment "?([a-z]+):([^\s"]+)"? .*-c (\d+) \d+/;

/** Reads what LIST_INPUT prints; rules that are not ours are passed over. */
export function parseCounters(listed: string): LinkCounter[] {
  return sumCounters(
    listed.split("\n").flatMap((line): LinkCounter[] => {
      const [, word, link = "", packets] = LISTED_RULE.exec(line) ?? [];
      const part = PARTS.find((known) => known === word);
      const [from, to] = link.split(">");
      if (part === undefined || from === undefined || to === undefined) return [];
      return [{ part, from, to, packets: Number(packets) }];
    }),
  );
}

/** The datagram with which a burst begins is lost in it, too. */
function sumCounters(counters: readonly LinkCounter[]): LinkCounter[] {
  return counters.map((counter) => {
    if (counter.part !== "burst") return counter;
    const begun = counters.find(({ part, from, to }) => {
      return part === "bursts" && from === counter.from && to === counter.to;
    });
    return { ...counter, packets: counter.packets + (begun?.packets ?? 0) };
  });
}

function incomingRules(rules: NodeRules, link: LinkState): string[] {
  const from = `-A ${CHAIN_IN} -s ${addressOf(rules, link.from)}/32`;
  if (link.drop) return [`${from} ${comment("drop", link)} -j DROP`];
  const messages = (link.messages ?? []).flatMap((rule) =>
    rule.effect === "drop" ? messageRules(`${from} -p udp`, rule, link, "-j DROP", true) : [],
  );
  const losses: string[] = [];
  if (link.lossPercent) {
    losses.push(`${from} ${chance(link.lossPercent)} ${comment("loss", link)} -j DROP`);
  }
  if (link.lossEvery !== undefined) {
    const nth = `-m statistic --mode nth --every ${link.lossEvery} --packet ${link.lossEvery - 1}`;
    losses.push(`${from} ${nth} ${comment("every", link)} -j DROP`);
  }
  if (link.burstLoss !== undefined) losses.push(...burstRules(from, link, link.burstLoss));
  return [...messages, ...losses];
}

/**
 * Gilbert's chain, a step a datagram: that a sender stands in the list of xt_recent means its link is
 * inside a burst. Comes last of a link's rules, for the datagram with which a burst has ended is through.
 */
function burstRules(from: string, link: LinkState, loss: BurstLoss): string[] {
  const { begins, ends } = burstChances(loss);
  const list = (what: string) => `-m recent --name ${BURST_LIST} --rsource --${what}`;
  return [
    `${from} ${chance(100 * ends)} ${list("remove")} -j RETURN`,
    `${from} ${list("rcheck")} ${comment("burst", link)} -j DROP`,
    `${from} ${chance(100 * begins)} ${list("set")} ${comment("bursts", link)} -j DROP`,
  ];
}

/** A copy routed to ourselves arrives again, over lo; it may be lost like any other datagram. */
function duplicateRules(rules: NodeRules, link: LinkState): string[] {
  if (link.drop) return [];
  const from = `-A ${CHAIN_DUPLICATE} -i ${rules.device} -p udp -s ${addressOf(rules, link.from)}/32`;
  const copy = `-j TEE --gateway ${rules.address}`;
  const messages = (link.messages ?? []).flatMap((rule) =>
    rule.effect === "duplicate" ? messageRules(from, rule, link, copy, false) : [],
  );
  if (!link.duplicatePercent) return messages;
  return [
    ...messages,
    `${from} ${chance(link.duplicatePercent)} ${comment("duplicate", link)} ${copy}`,
  ];
}

function egressRules(rules: NodeRules): string[] {
  if (rules.egress.links.length === 0) return [];
  return [
    // A plug or a copy passes these rules too; it already has its class.
    `-A ${CHAIN_OUT} -m mark --mark ${PLUGGED} -j RETURN`,
    ...rules.egress.links.flatMap((link) => outgoingRules(rules, link)),
  ];
}

function outgoingRules(rules: NodeRules, link: EgressLink): string[] {
  const to = `-A ${CHAIN_OUT} -o ${rules.device} -p udp -d ${addressOf(rules, link.to)}/32`;
  const { shaper } = link;
  const shape = (part: Part) =>
    `${to} ${comment(part, link)} -j CLASSIFY --set-class ${shaperClass(rules, link.to)}`;
  if (shaper?.kind === "clog") {
    // An empty bucket holds all back, but a fresh one is full: a plug empties it.
    return [shape("clog"), `${to} ${ONLY_FIRST} -j ${CHAIN_PLUG}`, `${to} -j RETURN`];
  }
  const out = link.replay === undefined ? [] : replayRules(rules, link, to, link.replay);
  if (shaper?.kind === "narrow") out.push(shape("narrow"));
  for (const { rule, pool } of link.messages ?? []) {
    out.push(...messageRules(to, rule, link, `-g ${poolName(pool)}`, true));
  }
  if (link.late !== undefined) {
    const { percent, pool } = link.late;
    out.push(`${to} ${chance(percent)} ${comment("reorder", link)} -g ${poolName(pool)}`);
  }
  if (link.pool !== undefined) {
    out.push(`${to} ${comment("delay", link)} -g ${poolName(link.pool)}`);
  }
  return out;
}

/**
 * A copy takes a line and arrives when it is old. The pool chooses the line (and sends a plug before it);
 * back here the copy follows, and the datagram itself becomes what it was and goes on.
 */
function replayRules(
  rules: NodeRules,
  link: EgressLink,
  to: string,
  { percent, pool }: { percent: number; pool: number },
): string[] {
  const chosen = `${to} -m mark --mark ${PLUGGED}`;
  return [
    `${to} ${chance(percent)} ${comment("replay", link)} -j MARK --set-mark ${AGAIN}`,
    `${to} -m mark --mark ${AGAIN} -j ${poolName(pool)}`,
    `${chosen} -j TEE --gateway ${addressOf(rules, link.to)}`,
    `${chosen} -j CLASSIFY --set-class 0:0`,
    `${chosen} -j MARK --set-mark 0x0`,
  ];
}

type Chain = { name: string; rules: string[] };

function egressChains(rules: NodeRules): Chain[] {
  const { pools, links } = rules.egress;
  const chains = pools.flatMap((pool, index) => poolChains(rules, pool, index));
  if (!links.some(({ shaper }) => shaper?.kind === "clog")) return chains;
  return [...chains, { name: CHAIN_PLUG, rules: plugRules(rules, CHAIN_PLUG) }];
}

/** Deals datagrams to the lines of a pool in turn, group by group. */
function poolChains(rules: NodeRules, pool: DelayPool, index: number): Chain[] {
  const name = poolName(index);
  const [only, ...more] = pool.groups;
  if (only !== undefined && more.length === 0) {
    return [lineChain(rules, { pool, index, first: 0, count: only, name })];
  }
  const chains: Chain[] = [];
  const dealt: string[] = [];
  let first = 0;
  for (const [group, count] of pool.groups.entries()) {
    // A datagram that goes to a group leaves this chain, so the later rules see only the rest.
    const turn = pool.groups.length - group;
    const nth = turn === 1 ? "" : `-m statistic --mode nth --every ${turn} --packet 0 `;
    const chain = lineChain(rules, { pool, index, first, count, name: `${name}-${group}` });
    chains.push(chain);
    dealt.push(`-A ${name} ${nth}-g ${chain.name}`);
    first += count;
  }
  return [{ name, rules: dealt }, ...chains];
}

type Lines = { pool: DelayPool; index: number; first: number; count: number; name: string };

function lineChain(rules: NodeRules, { pool, index, first, count, name }: Lines): Chain {
  const classify = Array.from({ length: count }, (_, line) => {
    const id = classOf(rules.egress, rules.generation, index, first + line);
    const nth = count === 1 ? "" : `-m statistic --mode nth --every ${count} --packet ${line} `;
    return `-A ${name} ${nth}-j CLASSIFY --set-class ${id}`;
  });
  if (rules.needsPlugs) return { name, rules: [...classify, ...plugRules(rules, name)] };
  const mark = pool.copies ? [`-A ${name} -j MARK --set-mark ${PLUGGED}`] : [];
  return { name, rules: [...classify, ...mark] };
}

function plugRules({ gateway }: NodeRules, chain: string): string[] {
  return [`-A ${chain} -j MARK --set-mark ${PLUGGED}`, `-A ${chain} -j TEE --gateway ${gateway}`];
}

function shaperClass({ addresses }: NodeRules, to: NodeName): string {
  return shaperClassOf([...addresses.keys()].indexOf(to));
}

function poolName(pool: number): string {
  return `ORDEAL-POOL-${pool}`;
}

function chance(percent: number): string {
  return `-m statistic --mode random --probability ${(Math.min(100, percent) / 100).toFixed(6)}`;
}

function comment(part: Part, { from, to }: { from: NodeName; to: NodeName }) {
  return `-m comment --comment ${part}:${from}>${to}`;
}

function addressOf(rules: NodeRules, node: NodeName): string {
  const address = rules.addresses.get(node);
  if (address === undefined) throw new RangeError(`no address is known for node ${node}`);
  return address;
}
