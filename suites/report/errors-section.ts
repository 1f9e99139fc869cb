// Operations that were refused or whose fate is not known, grouped by what was said about them.

import { counted, grouped, moment } from "./format.js";
import { type Html, html } from "./html.js";
import type { Operation } from "./operations.js";
import { valueText } from "./report-data.js";

const GROUPS_MAX = 100;

type Group = { f: string; outcome: string; error: string; count: number; first: Operation };

export function errorsSection(operations: readonly Operation[]): Html {
  const groups = groupsOf(operations);
  const more = Math.max(groups.length - GROUPS_MAX, 0);
  return html`<section aria-labelledby="errors"><h2 id="errors">Operations without an ok</h2>
<p>fail: certainly without effect. info: not known. open: never completed.</p>
${
  groups.length === 0
    ? html`<p class="empty">Every operation was acknowledged.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-labelledby="errors"><table>
<thead><tr><th>Operation</th><th>Outcome</th><th>Error</th><th class="number">Count</th><th class="number">First at</th><th>First one</th></tr></thead>
<tbody>${groups.slice(0, GROUPS_MAX).map(
        ({
          f,
          outcome,
          error,
          count,
          first,
        }) => html`<tr><td>${f}</td><td><span class="key ${outcome}">${outcome}</span></td><td>${error}</td>
<td class="number">${grouped(count)}</td><td class="number">${moment(first.start)}</td><td>${valueText(first.value)}</td></tr>
`,
      )}</tbody></table></div>`
}
${more === 0 ? undefined : html`<p class="quiet">${counted(more, "more kind")} are in the history.</p>`}
</section>`;
}

/** The most frequent first. */
function groupsOf(operations: readonly Operation[]): Group[] {
  const groups = new Map<string, Group>();
  for (const operation of operations) {
    const { f, outcome, error = "" } = operation;
    if (outcome === "ok") continue;
    const key = JSON.stringify([f, outcome, error]);
    const group = groups.get(key) ?? { f, outcome, error, count: 0, first: operation };
    group.count += 1;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}
