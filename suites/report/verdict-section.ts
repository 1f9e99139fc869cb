// The top of the report: the verdict in one sentence, what was run, and every claim with its finding.

import type { RunRecord } from "../../checker/run-record.js";
import { type CheckResult, smallestOf, type Valid, type Verdict } from "../../checker/verdict.js";
import { MINIMAL_FILE } from "../minimal-history.js";
import type { RunMeta } from "../run-meta.js";
import { counted, duration, grouped } from "./format.js";
import { type Fragment, type Html, html } from "./html.js";
import { type Operation, OUTCOMES } from "./operations.js";

type Word = "valid" | "invalid" | "unknown";

export function wordOf(valid: Valid): Word {
  if (valid === "unknown") return "unknown";
  return valid ? "valid" : "invalid";
}

export function banner(meta: RunMeta, verdict: Verdict): Html {
  const word = wordOf(verdict["valid?"]);
  return html`<header class="banner ${word}">
  <p class="suite">Ordeal · ${meta.suite} · seed ${meta.seed}</p>
  <h1 id="verdict">${word[0]?.toUpperCase()}${word.slice(1)}</h1>
  <p class="sentence">${sentence(verdict)}</p>
</header>`;
}

function sentence(verdict: Verdict): string {
  const checks = Object.entries(verdict.checks);
  const wanted = verdict["valid?"];
  if (wanted === true) return `All ${counted(checks.length, "claim")} held.`;
  const culprits = checks.filter(([, check]) => check.valid === wanted).map(([name]) => name);
  const names = culprits.join(", ");
  return wanted === false
    ? `${culprits.length} of ${counted(checks.length, "claim")} broken: ${names}.`
    : `${culprits.length} of ${counted(checks.length, "claim")} not decided: ${names}.`;
}

/** What was run, in a glance, and the line that runs it again. */
export function facts(
  meta: RunMeta,
  record: RunRecord,
  operations: readonly Operation[],
  endNs: number,
): Html {
  const landed = record.faults.filter((fault) => fault.landed).length;
  const counts = OUTCOMES.map((outcome) => {
    return [
      outcome,
      operations.filter((operation) => operation.outcome === outcome).length,
    ] as const;
  }).filter(([, n]) => n > 0);
  const views = meta.samples.map((sample) => sample.view);
  const pairs: [string, Fragment][] = [
    ["Operations", counts.map(([outcome, n]) => `${grouped(n)} ${outcome}`).join(", ") || "none"],
    ["Faults", `${grouped(landed)} of ${grouped(record.faults.length)} landed`],
    ["Replicas", `${meta.replicas}, of which ${meta.f} may be faulty`],
    [
      "Views",
      views.length === 0
        ? "not sampled"
        : `${Math.min(...spread(views))} to ${Math.max(...spread(views))}`,
    ],
    ["Length", duration(endNs)],
    ["Started", html`<time datetime="${meta.startedAt}">${meta.startedAt}</time>`],
    ["Environment", meta.environment],
    ["Commit", meta.commit.slice(0, 12)],
  ];
  return html`<section aria-label="The run">
<dl class="facts">${pairs.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
<p class="reproduce"><span>Run it again</span> <code>${meta.reproduce}</code></p>
</section>`;
}

/** Where a smallest history that fails alike was kept: its file, which stands beside the report. */
export function minimalHistory(verdict: Verdict): Html {
  const smallest = smallestOf(verdict);
  if (smallest === undefined) return html``;
  const length = counted(smallest.length, "line");
  return html`<p class="reproduce"><span>Smallest history that fails alike, ${length}</span>
<a href="${MINIMAL_FILE}">${MINIMAL_FILE}</a> <code>ordeal check ${MINIMAL_FILE}</code></p>`;
}

/** Smallest and largest, without a call of as many arguments as there are samples. */
function spread(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/** Every check, the broken ones opened; a claim that no check answered is shown as such. */
export function claims(meta: RunMeta, verdict: Verdict): Html {
  const unanswered = Object.entries(meta.claims).filter(([name]) => !(name in verdict.checks));
  return html`<section aria-labelledby="claims"><h2 id="claims">Claims</h2>
<ul class="claims">${Object.entries(verdict.checks).map(([name, check]) => claim(name, meta.claims[name], check))}
${unanswered.map(([name, text]) => html`<li><p><span class="badge unknown">unchecked</span> <b>${name}</b></p><p>${text}</p></li>`)}
</ul></section>`;
}

function claim(name: string, text: string | undefined, check: CheckResult): Html {
  const word = wordOf(check.valid);
  const figures = Object.entries(check.figures ?? {});
  const explanation = check.explanation ?? [];
  return html`<li class="${word}">
<p class="claim-head"><span class="badge ${word}">${check.crashed === undefined ? word : "crashed"}</span> <b>${name}</b> <span class="claim-text">${text}</span></p>
<p>${check.summary}</p>
${check.crashed === undefined ? undefined : html`<p class="crash">The check crashed: ${check.crashed}</p>`}
${
  explanation.length === 0
    ? undefined
    : html`<details${check.valid === true ? "" : html` open`}><summary>Explanation, ${counted(explanation.length, "line")}</summary><pre tabindex="0">${explanation.join("\n")}</pre></details>`
}
${figures.length === 0 ? undefined : html`<p class="figures">${figures.map(figure)}</p>`}
</li>`;
}

/** Times are told by their names, as everywhere: "bound ns". */
function figure([name, value]: readonly [string, string | number]): Html {
  const inNs = typeof value === "number" && name.endsWith(" ns");
  const text = inNs ? duration(value) : typeof value === "number" ? grouped(value) : value;
  return html`<span>${inNs ? name.slice(0, -3) : name} <b>${text}</b></span>`;
}
