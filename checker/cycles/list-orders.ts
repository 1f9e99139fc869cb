// The order of each list's elements, as its longest read shows it, and which reads fit it.

import { int } from "../columns.js";
import { READ, type Transactions } from "./transactions.js";

export type ListOrders = {
  /** The order of key k: order[start[k]] to order[start[k + 1]], each element once. */
  start: Int32Array;
  order: Int32Array;
  /** By element: its place in its key's order from 0, or -1. */
  position: Int32Array;
  /** By micro-op: 1 where it is a read of what the longest read begins with. */
  fits: Uint8Array;
  /** By key: 1 where the longest read holds no element twice. */
  distinct: Uint8Array;
  /** By key: the micro-op of its longest read, or -1. */
  longest: Int32Array;
};

/** Cost: one pass over all elements of all reads. */
export function listOrders(transactions: Transactions): ListOrders {
  const { kind, key, keys, values, listStart, listLength, lists } = transactions;
  const longest = new Int32Array(keys.length).fill(-1);
  for (let op = 0; op < kind.length; op++) {
    if (kind[op] !== READ) continue;
    const number = int(key, op);
    const best = longest[number] ?? -1;
    if (best < 0 || int(listLength, op) > int(listLength, best)) longest[number] = op;
  }
  const position = new Int32Array(values.length).fill(-1);
  const distinct = new Uint8Array(keys.length).fill(1);
  const start = new Int32Array(keys.length + 1);
  const order: number[] = [];
  for (let number = 0; number < keys.length; number++) {
    const op = longest[number] ?? -1;
    const begin = order.length;
    for (let place = 0; op >= 0 && place < int(listLength, op); place++) {
      const element = int(lists, int(listStart, op) + place);
      if ((position[element] ?? -1) >= 0) distinct[number] = 0;
      else position[element] = order.push(element) - 1 - begin;
    }
    start[number + 1] = order.length;
  }
  const fits = new Uint8Array(kind.length);
  for (let op = 0; op < kind.length; op++) {
    if (kind[op] !== READ) continue;
    const whole = int(listStart, int(longest, int(key, op)));
    const [begin, length] = [int(listStart, op), int(listLength, op)];
    let place = 0;
    if (begin !== whole)
      while (place < length && lists[begin + place] === lists[whole + place]) place += 1;
    fits[op] = Number(begin === whole || place === length);
  }
  return { start, order: Int32Array.from(order), position, fits, distinct, longest };
}
