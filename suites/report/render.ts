// report.html: one file that needs no network and no server. Text and tables are written here and read
// without scripts; the timeline and the plots are drawn by the page's own scripts from data inside it.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunRecord } from "../../checker/run-record.js";
import type { Verdict } from "../../checker/verdict.js";
import type { RunMeta } from "../run-meta.js";
import { environmentSection } from "./environment-section.js";
import { errorsSection } from "./errors-section.js";
import { faultsSection } from "./faults-section.js";
import { counted } from "./format.js";
import { type Html, html, jsonForScript, trusted } from "./html.js";
import { ledgersSection } from "./ledgers-section.js";
import { operationsOf } from "./operations.js";
import { proofsSection } from "./proofs-section.js";
import { type ReportData, reportDataOf } from "./report-data.js";
import { STYLESHEET } from "./stylesheet.js";
import { banner, claims, facts, minimalHistory, wordOf } from "./verdict-section.js";

export type Report = { meta: RunMeta; record: RunRecord; verdict: Verdict };

/** The page's scripts, each after those it imports. */
const PAGE_SCRIPTS = ["page-range", "page-timeline", "page-charts", "page"];

/**
 * The whole report as one HTML document. Reads the plots' library and the page's compiled scripts
 * from disk. Linear in the operations; 30,000 of them make about 3 MB.
 */
export function renderReport({ meta, record, verdict }: Report): string {
  const operations = operationsOf(record.history);
  const data = reportDataOf(meta, record);
  const plotter = dirname(createRequire(import.meta.url).resolve("uplot"));
  const style = `${readFileSync(join(plotter, "uPlot.min.css"), "utf8")}${STYLESHEET}`;
  const scripts = [readFileSync(join(plotter, "uPlot.iife.min.js"), "utf8"), pageScript()];
  const factsOfRun = facts(meta, record, operations, data.end * 1e9);
  const sections = html`${timelineSection(data)}
${plotsSection(data)}
${faultsSection(meta, record)}
${ledgersSection(record)}
${errorsSection(operations)}
${environmentSection(meta)}`;
  const dataAndScripts = html`<script type="application/json" id="data">${jsonForScript(data)}</script>
${scripts.map((script) => html`<script>${trusted(script)}</script>`)}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy(style, scripts)}">
<title>${wordOf(verdict["valid?"])} · ${meta.suite} · seed ${meta.seed} · Ordeal</title>
<style>${trusted(style)}</style>
</head>
<body>
${banner(meta, verdict)}
<main>
${factsOfRun}
${minimalHistory(verdict)}
${claims(meta, verdict)}
${proofsSection(verdict)}
${sections}
</main>
${dataAndScripts}
</body>
</html>
`.text;
}

/** Only our own style and scripts run, and nothing is fetched, whatever the run's texts contain. */
function policy(style: string, scripts: readonly string[]): string {
  const hash = (text: string): string => {
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  };
  return `default-src 'none'; style-src ${hash(style)}; script-src ${scripts.map(hash).join(" ")}`;
}

/** The compiled modules as one script: their imports are each other, so those lines go. */
function pageScript(): string {
  const folder = dirname(fileURLToPath(import.meta.url));
  const modules = PAGE_SCRIPTS.map((name) => readFileSync(join(folder, `${name}.js`), "utf8"));
  const text = modules
    .join("\n")
    .replace(/^import .*$/gm, "")
    .replace(/^export (?=const |function |\{\};)/gm, "")
    .replace(/^\/\/# sourceMappingURL=.*$/gm, "");
  return `(() => {\n"use strict";\n${text}\n})();`;
}

function timelineSection(data: ReportData): Html {
  const summary = `${counted(data.operations.start.length, "operation")} in ${counted(data.laneCount, "lane")} and ${counted(data.faults.length, "fault")} over ${data.end.toFixed(1)} seconds. The tables below hold the faults and the operations without an ok.`;
  return html`<section aria-labelledby="timeline-head"><h2 id="timeline-head">Timeline</h2>
<p class="keys"><span class="key ok">ok</span><span class="key fail">fail: no effect</span><span class="key info">info: not known</span><span class="key open">open: never completed</span><span class="key fault">fault</span>
<button type="button" id="whole-run">Whole run</button></p>
<p class="quiet">A lane is a client thread. Drag to zoom, here or in a plot; arrows and + − 0 work too.</p>
<div class="plot"><canvas id="timeline" tabindex="0" role="img" aria-label="${summary}"></canvas><div id="tooltip" role="status" hidden></div></div>
<noscript><p>The timeline and the plots need scripts; everything else is here.</p></noscript>
</section>`;
}

function plotsSection(data: ReportData): Html {
  const width = data.buckets.bucketSeconds;
  const plots = [
    [
      "latency",
      "Latency",
      `Every completed operation, and quantiles of the acknowledged ones in steps of ${width} s.`,
    ],
    ["throughput", "Throughput", `Operations completed a second, in steps of ${width} s.`],
    ["views", "View of every replica", "A gap: the replica did not answer."],
    [
      "seqs",
      "Executed seq of every replica",
      "A flat or missing line is a replica that is cut off, paused or dead.",
    ],
    ["memory", "Memory of every replica", "Resident set."],
  ] as const;
  // Simulated replicas share one process, whose memory says nothing of theirs.
  const measured = data.replicas.memoryMB.some((line) => line.some((value) => (value ?? 0) > 0));
  const shown = plots.filter(([id]) => id !== "memory" || measured);
  return html`${shown.map(
    ([
      id,
      title,
      text,
    ]) => html`<section aria-labelledby="${id}-head"><h2 id="${id}-head">${title}</h2>
<p class="quiet">${text}</p><div class="plot" id="${id}"></div></section>
`,
  )}`;
}
