// The table of faults: when each was there, and the proof that it bit.

import type { RunRecord } from "../../checker/run-record.js";
import type { RunMeta } from "../run-meta.js";
import { duration, moment } from "./format.js";
import { type Html, html } from "./html.js";

export function faultsSection(meta: RunMeta, record: RunRecord): Html {
  const expected = meta.expectedFaults;
  const plan =
    expected.length === 0
      ? "The suite planned no faults."
      : `Planned kinds: ${expected.join(", ")}.`;
  return html`<section aria-labelledby="faults"><h2 id="faults">Faults</h2>
<p>${plan}</p>
${
  record.faults.length === 0
    ? html`<p class="empty">No fault was injected.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-labelledby="faults"><table>
<thead><tr><th>Id</th><th>Fault</th><th class="number">From</th><th class="number">Lasted</th><th>Landed</th><th>Evidence</th></tr></thead>
<tbody>${record.faults.map(
        (fault) => html`<tr><td>${fault.id}</td><td>${fault.label}</td>
<td class="number">${moment(fault.start)}</td>
<td class="number">${fault.stop === undefined ? "to the end" : duration(fault.stop - fault.start)}</td>
<td>${fault.landed ? "yes" : html`<span class="badge unknown">no</span>`}</td>
<td>${fault.evidence}</td></tr>
`,
      )}</tbody></table></div>`
}
</section>`;
}
