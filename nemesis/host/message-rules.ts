// Rules of the packet filter for messages of a kind, view or seq: u32 looks at the header of each
// datagram (messages.ts), statistic counts where only the first so many are meant, and each rule has a
// comment that names its fault and its link, e.g. "message:f3:r0>r1". Pure.
// Source: iptables-extensions(8), u32 and statistic.

import type { MessageMatch, MessageRule, NodeName } from "../faults.js";
import { bitsOf, HEADER, NUMBER_MAX } from "../messages.js";

/** What a fault's rules took on one link since they were restored. */
export type MessageCounter = { faultId: string; from: NodeName; to: NodeName; packets: number };

/** "0>>22&0x3C" is the length of the IP header, and "@" goes on from there; then UDP has eight bytes. */
const IP_HEADER = "0>>22&0x3C";
const UDP_HEADER_BYTES = 8;
/** A rule matches once in so many packets: once in its life. */
const ONCE = 0x7fff_ffff;

/** The match that takes datagrams with such messages, as iptables-restore reads it. */
export function matchOptions(match: MessageMatch): string {
  const { kinds, view, viewParity, seqs } = match;
  const tests = [
    `${word(0)}>>8=${hex(HEADER.start)}`,
    // The kinds are two bytes: the word that ends with them.
    `${word(HEADER.kinds - 2)}&${hex(bitsOf(kinds))}=1:0xffff`,
  ];
  if (view !== undefined) {
    tests.push(`${word(HEADER.viewLowest)}=0:${hex(view)}`);
    tests.push(`${word(HEADER.viewHighest)}=${hex(view)}:${hex(NUMBER_MAX)}`);
  }
  if (viewParity !== undefined) {
    tests.push(`${word(HEADER.viewLowest)}=0:${hex(NUMBER_MAX - 1)}`);
    tests.push(`${word(HEADER.viewLowest)}&1=${viewParity === "odd" ? 1 : 0}`);
  }
  if (seqs !== undefined) {
    tests.push(`${word(HEADER.seqLowest)}=0:${hex(seqs.to)}`);
    tests.push(`${word(HEADER.seqHighest)}=${hex(seqs.from)}:${hex(NUMBER_MAX)}`);
  }
  return `-m u32 --u32 "${tests.join("&&")}"`;
}

/**
 * The rules that do `target` to what the rule means. `begin` is the chain and the link. A target that
 * `ends` a datagram's way through the chain leaves the next rule the next datagram; behind one that
 * does not, every rule sees them all.
 */
export function messageRules(
  begin: string,
  { faultId, match }: MessageRule,
  { from, to }: { from: NodeName; to: NodeName },
  target: string,
  ends: boolean,
): string[] {
  const named = `-m comment --comment message:${faultId}:${from}>${to} ${target}`;
  if (match.first === undefined) return [`${begin} ${matchOptions(match)} ${named}`];
  return Array.from({ length: match.first }, (_, index) => {
    const nth = `-m statistic --mode nth --every ${ONCE} --packet ${ends ? 0 : index}`;
    return `${begin} ${matchOptions(match)} ${nth} ${named}`;
  });
}

/** Reads what LIST_INPUT prints; the rules of one fault and link are added up. */
export function parseMessageCounters(listed: string): MessageCounter[] {
  const rule =
    /^-A ORDEAL-\S+ .*--comment "?message:([^:\s"]+):([^>\s"]+)>([^\s"]+)"? .*-c (\d+) \d+/;
  const counters = new Map<string, MessageCounter>();
  for (const line of listed.split("\n")) {
    const [, faultId, from, to, packets] = rule.exec(line) ?? [];
    if (faultId === undefined || from === undefined || to === undefined) continue;
    const key = `${faultId}:${from}>${to}`;
    const sum = (counters.get(key)?.packets ?? 0) + Number(packets);
    counters.set(key, { faultId, from, to, packets: sum });
  }
  return [...counters.values()];
}

/** The rules with what was `taken` already taken off their counts; those that had them all are gone. */
export function remainingRules(
  rules: readonly MessageRule[],
  taken: (faultId: string) => number,
): MessageRule[] {
  return rules.flatMap((rule) => {
    const { first } = rule.match;
    if (first === undefined) return [rule];
    const left = first - taken(rule.faultId);
    return left > 0 ? [{ ...rule, match: { ...rule.match, first: left } }] : [];
  });
}

/** Four bytes of the datagram, from this one on. */
function word(at: number): string {
  return `${IP_HEADER}@${UDP_HEADER_BYTES + at}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
