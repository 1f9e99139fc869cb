// Which version of an account a balance is: the one after so many entries, where no other can be meant.

import type { AccountOrder } from "./account-order.js";

/** With more entries of unknown place than this, any balance could be one of theirs. */
const UNPLACED_MAX = 10;

/**
 * By balance: how many entries the account had; undefined where that is not certain. The versions
 * beyond the known ones are sums with any choice of the entries that have no place.
 */
export function balancePosition({
  order,
  sums,
  unplaced,
}: AccountOrder): (balance: number) => number | undefined {
  const versions = sums.slice(0, order.length + 1);
  const complete = versions.length === order.length + 1 && !versions.includes(undefined);
  if (!complete || unplaced.length > UNPLACED_MAX) return () => undefined;
  const lengths = new Map<number, number | undefined>();
  for (const [length, sum] of versions.entries()) {
    if (sum !== undefined) lengths.set(sum, lengths.has(sum) ? undefined : length);
  }
  let beyond = [versions.at(-1) ?? 0];
  for (const { amount } of unplaced) beyond = beyond.flatMap((sum) => [sum, sum + amount]);
  // The first one is the last known version itself: no entry was chosen.
  for (const sum of beyond.slice(1)) lengths.set(sum, undefined);
  return (balance) => lengths.get(balance);
}
