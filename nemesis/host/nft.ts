// What only nft can do, whichever back end iptables has: change bytes of a datagram, and let no more than
// a rate of bytes through. Purely: the table of one node as input of nft, and its counters read back.
//
// A flipped bit must reach the process, whose MAC refuses it; so the checksum of UDP, which would have the
// kernel drop the datagram, is taken off it (zero means none). Headers of IP and UDP stay as they are.

import type { NodeName } from "../faults.js";
import type { LinkState } from "../links.js";
import { policedBytesPerSecond } from "./delay-line.js";
import type { LinkCounter } from "./iptables.js";

export const NFT_TABLE = "ordeal";

/** Bytes from the start of the UDP header: in each part of the datagram's header, and in its first frame. */
const SHALLOW = [8, 11, 15, 19, 21, 26, 30, 36] as const;
/** Deeper ones, for datagrams that are long enough. */
const DEEP = [60, 90, 150, 240, 400, 600, 900, 1_200] as const;

/** `numgen` draws among so many. */
const DRAWS = 1_000_000;

export const NFT_ARGV: readonly string[] = ["nft", "-f", "-"];

/** Prints the counters; fails where the table is not there. */
export const NFT_LIST_ARGV: readonly string[] = ["nft", "list", "chain", "ip", NFT_TABLE, "in"];

/** Whether the receiver of this link needs a table. */
export function needsNft(link: LinkState): boolean {
  if (link.drop) return false;
  return Boolean(link.corruptPercent) || policedBytesPerSecond(link) !== undefined;
}

/**
 * The table for these links into a node, in place of whatever stood there: one transaction. No links:
 * no table.
 */
export function nftInput(
  incoming: readonly LinkState[],
  device: string,
  addresses: ReadonlyMap<NodeName, string>,
): string {
  const links = incoming.filter(needsNft);
  const clear = [`table ip ${NFT_TABLE}`, `delete table ip ${NFT_TABLE}`];
  if (links.length === 0) return `${clear.join("\n")}\n`;
  const flips = SHALLOW.map((_, index) => `${index} : jump flip${index}`).join(", ");
  return [
    ...clear,
    `table ip ${NFT_TABLE} {`,
    ...SHALLOW.flatMap((_, index) => flipChain(index)),
    "chain flip {",
    `numgen random mod ${SHALLOW.length} vmap { ${flips} }`,
    "}",
    "chain in {",
    // Before TEE copies what came: a duplicate of a flipped datagram is flipped, and only once.
    "type filter hook prerouting priority -160;",
    ...links.flatMap((link) => linkRules(link, device, addresses)),
    "}",
    "}",
    "",
  ].join("\n");
}

/** Reads what NFT_LIST_ARGV prints. */
export function parseNftCounters(listed: string): LinkCounter[] {
  const rule = /counter packets (\d+) .*comment "(corrupt|bandwidth):([^>"]+)>([^"]+)"/;
  return listed.split("\n").flatMap((line): LinkCounter[] => {
    const [, packets, part, from, to] = rule.exec(line) ?? [];
    if (part !== "corrupt" && part !== "bandwidth") return [];
    return [{ part, from: from ?? "", to: to ?? "", packets: Number(packets) }];
  });
}

function linkRules(
  link: LinkState,
  device: string,
  addresses: ReadonlyMap<NodeName, string>,
): string[] {
  const address = addresses.get(link.from);
  if (address === undefined) throw new RangeError(`no address is known for node ${link.from}`);
  // Copies of TEE come again over lo.
  const from = `iifname "${device}" ip saddr ${address} ip protocol udp`;
  const comment = (part: LinkCounter["part"]) => `comment "${part}:${link.from}>${link.to}"`;
  const rules: string[] = [];
  const rate = policedBytesPerSecond(link);
  if (rate !== undefined) {
    const burst = Math.max(1_600, Math.round(rate / 10));
    const over = `limit rate over ${Math.max(1, Math.round(rate))} bytes/second burst ${burst} bytes`;
    rules.push(`${from} ${over} counter drop ${comment("bandwidth")}`);
  }
  if (link.corruptPercent) {
    const below = Math.round((Math.min(100, link.corruptPercent) / 100) * DRAWS);
    const drawn = `numgen random mod ${DRAWS} < ${below}`;
    rules.push(`${from} ${drawn} udp checksum set 0 counter jump flip ${comment("corrupt")}`);
  }
  return rules;
}

/** Flips a bit deep inside where the datagram is so long, else near its beginning. */
function flipChain(index: number): string[] {
  const deep = DEEP[index] ?? 0;
  const mask = `0x${(1 << index).toString(16)}`;
  const flip = (at: number) => `@th,${8 * at},8 set @th,${8 * at},8 ^ ${mask}`;
  return [
    `chain flip${index} {`,
    `udp length > ${deep} ${flip(deep)} return`,
    flip(SHALLOW[index] ?? 8),
    "}",
  ];
}
