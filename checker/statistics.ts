// How many operations ended how. A function that never once succeeded was not tested.
// Source: jepsen.checker/stats

import { counted } from "./describe.js";
import type { Operation } from "./operations.js";
import type { CheckResult } from "./verdict.js";

export function statistics(operations: readonly Operation[]): CheckResult {
  const counts = new Map<string, { ok: number; fail: number; info: number }>();
  const total = { ok: 0, fail: 0, info: 0 };
  for (const { f, outcome } of operations) {
    const count = counts.get(f) ?? { ok: 0, fail: 0, info: 0 };
    counts.set(f, count);
    count[outcome] += 1;
    total[outcome] += 1;
  }
  const figures: Record<string, number> = {
    operations: operations.length,
    ok: total.ok,
    fail: total.fail,
    info: total.info,
  };
  const names = [...counts.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (const f of names) {
    for (const [outcome, count] of Object.entries(counts.get(f) ?? {})) {
      figures[`${f} ${outcome}`] = count;
    }
  }
  const without = names.filter((f) => counts.get(f)?.ok === 0);
  if (operations.length === 0) return { valid: "unknown", summary: "no operation at all", figures };
  if (without.length > 0) {
    const summary = `not one ok among the operations of ${without.join(", ")}`;
    return { valid: "unknown", summary, figures };
  }
  const endings = `${total.ok} ok, ${total.fail} fail, ${total.info} info`;
  const summary = `${counted(operations.length, "operation")}: ${endings}`;
  return { valid: true, summary, figures };
}
