// The packet filter, purely: the whole desired state of one node as input of iptables-restore, and the
// counters of its rules read back. All rules live in chains of our own; every rule that bites carries a
// comment that names the part and the link, e.g. "drop:r0>r1", and its packet counter is the evidence.
//
// Datagrams are dropped where they arrive: dropping them on the way out would tell the sender (EPERM).

import type { NodeName } from "../faults.js";
import type { LinkState } from "../links.js";
import type { EgressPlan } from "./delay-line.js";
import { messageRules } from "./message-rules.js";
import { classOf, type Generation } from "./tc.js";

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
  /** Where plug copies of the HTB delay line go to die; undefined with netem, which needs none. */
  plugGateway: string | undefined;
  /** Chains of an earlier state, as chainsOf named them; those not wanted any more are removed. */
  chainsBefore: readonly string[];
};

/** What a rule's counter counts, and on which link. */
export type LinkCounter = {
  part: "drop" | "loss" | "duplicate" | "reorder" | "delay";
  from: NodeName;
  to: NodeName;
  packets: number;
};

const CHAIN_IN = "ORDEAL-IN";
const CHAIN_DUPLICATE = "ORDEAL-DUP";
const CHAIN_OUT = "ORDEAL-OUT";

/** Marks a datagram whose plug has been sent, and the plug itself. */
const PLUGGED = "0x7a11";

/** Lines in one chain; a bigger pool gets a second level, so that a datagram passes few rules. */
const CHAIN_LINES_MAX = 16;

export function restoreArgv(backend: IptablesBackend): string[] {
  return [`iptables-${backend}-restore`, "--noflush", "-w", "5"];
}

export function saveArgv(backend: IptablesBackend, table: "filter" | "mangle"): string[] {
  return [`iptables-${backend}-save`, "-c", "-t", table];
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

/** The chains of pools that stand now, to be removed by the next restore. */
export function poolChainsIn(saved: string): string[] {
  return [...saved.matchAll(/^:(ORDEAL-POOL-\S+) /gm)].flatMap(([, name]) => name ?? []);
}

/** The node's whole desired state; restoring it replaces whatever our chains held before. */
export function restoreInput(rules: NodeRules): string {
  const pools = rules.egress.pools.flatMap((_, index) => poolChains(rules, index));
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
  return rules.egress.pools.flatMap((_, index) =>
    poolChains(rules, index).map((chain) => chain.name),
  );
}

/** Reads `iptables-save -c`; rules that are not ours are passed over. */
export function parseCounters(saved: string): LinkCounter[] {
  const rule =
    /^\[(\d+):\d+\] -A ORDEAL-\S+ .*--comment "?(drop|loss|duplicate|reorder|delay):([^>\s"]+)>([^\s"]+)"?/;
  return saved.split("\n").flatMap((line): LinkCounter[] => {
    const [, packets, part, from, to] = rule.exec(line) ?? [];
    if (packets === undefined || from === undefined || to === undefined) return [];
    return isPart(part) ? [{ part, from, to, packets: Number(packets) }] : [];
  });
}

function isPart(text: string | undefined): text is LinkCounter["part"] {
  return ["drop", "loss", "duplicate", "reorder", "delay"].some((part) => part === text);
}

function incomingRules(rules: NodeRules, link: LinkState): string[] {
  const from = `-A ${CHAIN_IN} -s ${addressOf(rules, link.from)}/32`;
  if (link.drop) return [`${from} ${comment("drop", link)} -j DROP`];
  const messages = (link.messages ?? []).flatMap((rule) =>
    rule.effect === "drop" ? messageRules(`${from} -p udp`, rule, link, "-j DROP", true) : [],
  );
  if (!link.lossPercent) return messages;
  return [...messages, `${from} ${chance(link.lossPercent)} ${comment("loss", link)} -j DROP`];
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
  // A plug passes these rules too; it already has its class.
  const plugs =
    rules.plugGateway === undefined ? [] : [`-A ${CHAIN_OUT} -m mark --mark ${PLUGGED} -j RETURN`];
  const sorted = rules.egress.links.flatMap((link) => {
    const to = `-A ${CHAIN_OUT} -o ${rules.device} -p udp -d ${addressOf(rules, link.to)}/32`;
    const out = (link.messages ?? []).flatMap(({ rule, pool }) =>
      messageRules(to, rule, link, `-g ${poolName(pool)}`, true),
    );
    if (link.late !== undefined) {
      const { percent, pool } = link.late;
      out.push(`${to} ${chance(percent)} ${comment("reorder", link)} -g ${poolName(pool)}`);
    }
    if (link.pool !== undefined) {
      out.push(`${to} ${comment("delay", link)} -g ${poolName(link.pool)}`);
    }
    return out;
  });
  return [...plugs, ...sorted];
}

type Chain = { name: string; rules: string[] };

/** Deals datagrams to the lines of a pool in turn, over one level of chains or two. */
function poolChains(rules: NodeRules, pool: number): Chain[] {
  const lines = rules.egress.pools[pool]?.waitsMs.length ?? 0;
  const name = poolName(pool);
  if (lines <= CHAIN_LINES_MAX) return [lineChain(rules, name, pool, 0, lines)];
  const groups = Math.ceil(lines / CHAIN_LINES_MAX);
  const chains: Chain[] = [];
  const dealt: string[] = [];
  for (let group = 0; group < groups; group++) {
    const first = Math.floor((group * lines) / groups);
    const end = Math.floor(((group + 1) * lines) / groups);
    const chain = lineChain(rules, `${name}-${group}`, pool, first, end);
    chains.push(chain);
    // A datagram that goes to a group leaves this chain, so the later rules see only the rest.
    const turn = groups - group;
    const nth = turn === 1 ? "" : `-m statistic --mode nth --every ${turn} --packet 0 `;
    dealt.push(`-A ${name} ${nth}-g ${chain.name}`);
  }
  return [{ name, rules: dealt }, ...chains];
}

function lineChain(
  rules: NodeRules,
  name: string,
  pool: number,
  first: number,
  end: number,
): Chain {
  const count = end - first;
  const classify = Array.from({ length: count }, (_, index) => {
    const id = classOf(rules.egress, rules.generation, pool, first + index);
    const nth = count === 1 ? "" : `-m statistic --mode nth --every ${count} --packet ${index} `;
    return `-A ${name} ${nth}-j CLASSIFY --set-class ${id}`;
  });
  const plug =
    rules.plugGateway === undefined
      ? []
      : [
          `-A ${name} -j MARK --set-mark ${PLUGGED}`,
          `-A ${name} -j TEE --gateway ${rules.plugGateway}`,
        ];
  return { name, rules: [...classify, ...plug] };
}

function poolName(pool: number): string {
  return `ORDEAL-POOL-${pool}`;
}

function chance(percent: number): string {
  return `-m statistic --mode random --probability ${(Math.min(100, percent) / 100).toFixed(6)}`;
}

function comment(part: LinkCounter["part"], { from, to }: { from: NodeName; to: NodeName }) {
  return `-m comment --comment ${part}:${from}>${to}`;
}

function addressOf(rules: NodeRules, node: NodeName): string {
  const address = rules.addresses.get(node);
  if (address === undefined) throw new RangeError(`no address is known for node ${node}`);
  return address;
}
