// What runs in the report: draws the timeline and the plots from the data in the page, again when the
// window or the colour scheme changes.

import { createCharts } from "./page-charts.js";
import type { Browser, Page } from "./page-dom.js";
import { createSharedRange } from "./page-range.js";
import { createTimeline } from "./page-timeline.js";
import type { ReportData } from "./report-data.js";

declare const document: Page;
declare const window: Browser;

const data: ReportData = JSON.parse(document.getElementById("data")?.textContent ?? "");
const range = createSharedRange(data.end);

function colour(name: string): string {
  return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const canvas = document.getElementById("timeline");
const tooltip = document.getElementById("tooltip");
if (canvas === null || tooltip === null) throw new Error("the report has no timeline");
const timeline = createTimeline(canvas, tooltip, data, range, colour);

let charts = createCharts(data, range, colour);
timeline.draw();

range.onChange(({ min, max }) => {
  for (const chart of charts) {
    const shown = chart.scales.x;
    if (shown?.min !== min || shown?.max !== max) chart.setScale("x", { min, max });
  }
});

function redraw(): void {
  for (const chart of charts) chart.destroy();
  charts = createCharts(data, range, colour);
  timeline.draw();
}

let scheduled = false;
function redrawSoon(): void {
  if (scheduled) return;
  scheduled = true;
  window.requestAnimationFrame(() => {
    scheduled = false;
    redraw();
  });
}

window.addEventListener("resize", redrawSoon);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawSoon);
document.getElementById("whole-run")?.addEventListener("click", () => range.reset());
document.documentElement.setAttribute("data-drawn", "true");
