// Where and with which options the run took place.

import type { RunMeta } from "../run-meta.js";
import { counted, duration, moment } from "./format.js";
import { type Fragment, type Html, html } from "./html.js";

export function environmentSection(meta: RunMeta): Html {
  const { phases, quiescence } = meta;
  const pairs: [string, Fragment][] = [
    ["Environment", meta.environmentDescription],
    ["Load ended", reached(phases.loadEnd)],
    ["Healed", reached(phases.healed)],
    [
      "Quiescence",
      `${quiescence.reached ? "yes" : "no"}, ${reached(phases.quiescent)}: ${quiescence.detail}`,
    ],
    ["Recovery bound", duration(meta.recoveryBoundNs)],
    ["Correct replicas", meta.correctReplicas.join(", ")],
    ["Samples", counted(meta.samples.length, "sample")],
    ["Format", `run.json version ${meta.version}`],
  ];
  const options = Object.entries(meta.options).map(([name, value]): [string, Fragment] => [
    name,
    html`<code>${typeof value === "object" ? value.join(",") : String(value)}</code>`,
  ]);
  return html`<section aria-labelledby="environment"><h2 id="environment">Environment and options</h2>
<div class="columns">${[pairs, options].map(
    (list) =>
      html`<dl class="pairs">${list.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>`,
  )}</div></section>`;
}

/** A phase that the run did not come to stands at 0. */
function reached(ns: number): string {
  return ns === 0 ? "not reached" : `at ${moment(ns)}`;
}
