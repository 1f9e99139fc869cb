// The words of a script's command lines.

import assert from "node:assert";
import type { Message, PrincipalId, ReplicaId } from "../messages.js";
import type { TimerName } from "../step.js";

/** A message on its way. */
export type Pending = { from: PrincipalId; to: PrincipalId; message: Message };
export type Filter = (pending: Pending) => boolean;

export function replicaOf(word = ""): ReplicaId {
  const id = Number(word.slice(1));
  assert(word.startsWith("r") && Number.isInteger(id), `no replica: ${word}`);
  return id;
}

export function timerOf(word = ""): TimerName {
  assert(
    word === "view" || word === "status" || word === "fetch" || word === "batch",
    `no timer: ${word}`,
  );
  return word;
}

/** "from r0 to r1 r2 kind prepare commit": all parts may be left out. */
export function filterOf(words: readonly string[]): Filter {
  const wanted = clausesOf(words, ["from", "to", "kind"]);
  const holds = (name: string, value: string) => wanted.get(name)?.includes(value) ?? true;
  return ({ from, to, message }) =>
    holds("from", `r${from}`) && holds("to", `r${to}`) && holds("kind", message.kind);
}

/** The words behind each of the names, which come in any order: "to r1 r2 with x". */
export function clausesOf(
  words: readonly string[],
  names: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const clauses = new Map<string, string[]>();
  let clause: string[] | undefined;
  for (const word of words) {
    if (names.includes(word)) {
      clause = [];
      clauses.set(word, clause);
    } else {
      assert(clause !== undefined, `not ${names.join(", ")}: ${word}`);
      clause.push(word);
    }
  }
  return clauses;
}
