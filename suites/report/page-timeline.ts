// The timeline: a strip of faults, then a lane for each thread with its operations, on one canvas, as
// tens of thousands of elements would stall the page. Hover tells what is under the pointer; drag
// zooms, a double click resets; the keys do the same.

import type { Outcome } from "./operations.js";
import type { Browser, Page, PageCanvas, PageElement, PageEvent, Pen } from "./page-dom.js";
import type { SharedRange } from "./page-range.js";
import type { FaultBand, ReportData } from "./report-data.js";

declare const document: Page;
declare const window: Browser;

/** A colour of the stylesheet by its name. */
export type Colour = (name: string) => string;

export type Timeline = { draw(): void };

type Layout = {
  left: number;
  width: number;
  stripTop: number;
  lanesTop: number;
  laneHeight: number;
  axisTop: number;
  height: number;
};

const GUTTER = 8;
const AXIS_HEIGHT = 34;
const FAULT_ROW_HEIGHT = 20;
const LANES_HEIGHT_MAX = 480;
const LANE_HEIGHT_MAX = 16;
const NEAR_PIXELS = 3;
/** Drawn later lies above: what went wrong must not hide. */
const DRAWING_ORDER: readonly Outcome[] = ["ok", "open", "fail", "info"];

export function createTimeline(
  canvas: PageCanvas,
  tooltip: PageElement,
  data: ReportData,
  range: SharedRange,
  colour: Colour,
): Timeline {
  const byLane = operationsByLane(data);
  let dragFrom: number | undefined;
  let dragTo: number | undefined;
  const draw = (): void => {
    const layout = layoutOf(canvas, data);
    const pen = preparePen(canvas, layout.height);
    if (pen === null) return;
    drawMarks(pen, layout, data, range, colour);
    drawFaults(pen, layout, data, range, colour);
    drawOperations(pen, layout, data, range, colour);
    drawAxis(pen, layout, range, colour);
    if (dragFrom !== undefined && dragTo !== undefined) {
      pen.globalAlpha = 0.2;
      pen.fillStyle = colour("--accent");
      pen.fillRect(dragFrom, layout.stripTop, dragTo - dragFrom, layout.axisTop - layout.stripTop);
    }
  };

  const hover = (event: PageEvent): void => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    if (dragFrom !== undefined) {
      dragTo = x;
      window.requestAnimationFrame(draw);
    }
    const text = describe(data, byLane, layoutOf(canvas, data), range, x, y);
    tooltip.hidden = text === undefined;
    tooltip.textContent = text ?? "";
    const leftMax = Math.max(box.width - tooltip.clientWidth - 4, 0);
    tooltip.style.left = `${Math.min(x + 12, leftMax)}px`;
    tooltip.style.top = `${y + 16}px`;
  };
  canvas.addEventListener("pointerdown", (event) => {
    dragFrom = event.clientX - canvas.getBoundingClientRect().left;
  });
  canvas.addEventListener("pointermove", hover);
  canvas.addEventListener("pointerleave", () => {
    tooltip.hidden = true;
  });
  window.addEventListener("pointerup", () => {
    const layout = layoutOf(canvas, data);
    const [from, to] = [dragFrom, dragTo];
    dragFrom = undefined;
    dragTo = undefined;
    if (from === undefined || to === undefined) return;
    if (Math.abs(to - from) > NEAR_PIXELS) {
      const times = [timeAt(layout, range, from), timeAt(layout, range, to)];
      range.set({ min: Math.min(...times), max: Math.max(...times) });
    }
    draw();
  });
  canvas.addEventListener("dblclick", () => range.reset());
  canvas.addEventListener("keydown", (event) => {
    if (moveByKey(range, event.key)) event.preventDefault();
  });
  range.onChange(() => window.requestAnimationFrame(draw));
  return { draw };
}

/** Indices of the operations of each lane, by start. */
function operationsByLane(data: ReportData): number[][] {
  const lanes: number[][] = Array.from({ length: data.laneCount }, () => []);
  for (const [index, lane] of data.operations.lane.entries()) lanes[lane]?.push(index);
  return lanes;
}

function layoutOf(canvas: PageCanvas, data: ReportData): Layout {
  const width = Math.max(canvas.clientWidth - 2 * GUTTER, 50);
  const rows = data.faults.reduce((most, { row }) => Math.max(most, row + 1), 0);
  const stripTop = 18;
  const lanesTop = stripTop + rows * FAULT_ROW_HEIGHT + 6;
  const laneHeight = Math.min(LANE_HEIGHT_MAX, LANES_HEIGHT_MAX / data.laneCount);
  const axisTop = lanesTop + laneHeight * data.laneCount + 4;
  return {
    left: GUTTER,
    width,
    stripTop,
    lanesTop,
    laneHeight,
    axisTop,
    height: axisTop + AXIS_HEIGHT,
  };
}

function preparePen(canvas: PageCanvas, height: number): Pen | null {
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

function xAt(layout: Layout, range: SharedRange, time: number): number {
  const { min, max } = range.get();
  return layout.left + ((time - min) / (max - min)) * layout.width;
}

function timeAt(layout: Layout, range: SharedRange, x: number): number {
  const { min, max } = range.get();
  return min + ((x - layout.left) / layout.width) * (max - min);
}

function withinPlot(pen: Pen, layout: Layout, draw: () => void): void {
  pen.save();
  pen.beginPath();
  pen.rect(layout.left, 0, layout.width, layout.height);
  pen.clip();
  draw();
  pen.restore();
}

function drawMarks(
  pen: Pen,
  layout: Layout,
  data: ReportData,
  range: SharedRange,
  colour: Colour,
): void {
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "top";
  pen.strokeStyle = colour("--quiet");
  let free = Number.POSITIVE_INFINITY;
  withinPlot(pen, layout, () => {
    pen.setLineDash([3, 3]);
    for (const { time } of data.marks) {
      const x = xAt(layout, range, time);
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, layout.axisTop);
      pen.stroke();
    }
    pen.setLineDash([]);
    // To the left of its line, and only where the label after it leaves room.
    pen.textAlign = "right";
    for (const { label, time } of [...data.marks].reverse()) {
      const x = xAt(layout, range, time);
      const width = pen.measureText(label).width;
      if (x > free) continue;
      pen.fillStyle = colour("--page");
      pen.fillRect(x - 6 - width, 0, width + 4, layout.stripTop - 2);
      pen.fillStyle = colour("--quiet");
      pen.fillText(label, x - 4, 2);
      free = x - 4 - width;
    }
  });
}

function drawFaults(
  pen: Pen,
  layout: Layout,
  data: ReportData,
  range: SharedRange,
  colour: Colour,
): void {
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  withinPlot(pen, layout, () => {
    for (const { label, landed, start, stop, row } of data.faults) {
      const x = xAt(layout, range, start);
      const width = Math.max(xAt(layout, range, stop) - x, 1);
      const y = layout.stripTop + row * FAULT_ROW_HEIGHT;
      pen.globalAlpha = 0.1;
      pen.fillStyle = colour("--fault");
      pen.fillRect(x, layout.lanesTop, width, layout.axisTop - layout.lanesTop);
      pen.globalAlpha = landed ? 0.3 : 0.08;
      pen.fillRect(x, y, width, FAULT_ROW_HEIGHT - 3);
      pen.globalAlpha = 1;
      pen.strokeStyle = colour("--fault");
      pen.setLineDash(landed ? [] : [3, 3]);
      pen.strokeRect(x, y, width, FAULT_ROW_HEIGHT - 3);
      pen.setLineDash([]);
      pen.fillStyle = colour("--text");
      const text = fitted(pen, landed ? label : `${label} (did not land)`, width - 8);
      pen.fillText(text, Math.max(x, layout.left) + 4, y + FAULT_ROW_HEIGHT / 2 - 1);
    }
  });
}

function fitted(pen: Pen, text: string, width: number): string {
  if (pen.measureText(text).width <= width) return text;
  const shown = Math.floor((text.length * width) / pen.measureText(text).width) - 1;
  return shown < 4 ? "" : `${text.slice(0, shown)}…`;
}

function drawOperations(
  pen: Pen,
  layout: Layout,
  data: ReportData,
  range: SharedRange,
  colour: Colour,
): void {
  const { lane, outcome, start, stop } = data.operations;
  const { min, max } = range.get();
  const height = Math.max(layout.laneHeight * 0.8, 0.8);
  withinPlot(pen, layout, () => {
    for (const name of DRAWING_ORDER) {
      const wanted = data.outcomes.indexOf(name);
      // What succeeded may be thinner than a pixel, so that gaps in service stay visible.
      const widthMin = name === "ok" ? 0.5 : 2;
      pen.fillStyle = colour(`--${name}`);
      for (const [index, from] of start.entries()) {
        const to = stop[index] ?? max;
        if (outcome[index] !== wanted || to < min || from > max) continue;
        const x = xAt(layout, range, from);
        const width = Math.max(xAt(layout, range, to) - x, widthMin);
        pen.fillRect(x, layout.lanesTop + (lane[index] ?? 0) * layout.laneHeight, width, height);
      }
    }
  });
}

function drawAxis(pen: Pen, layout: Layout, range: SharedRange, colour: Colour): void {
  const { min, max } = range.get();
  const step = niceStep((max - min) / Math.max(layout.width / 90, 2));
  pen.strokeStyle = colour("--line");
  pen.fillStyle = colour("--quiet");
  pen.textAlign = "center";
  pen.textBaseline = "top";
  pen.beginPath();
  pen.moveTo(layout.left, layout.axisTop);
  pen.lineTo(layout.left + layout.width, layout.axisTop);
  for (let tick = Math.ceil(min / step) * step; tick <= max; tick += step) {
    const x = xAt(layout, range, tick);
    pen.moveTo(x, layout.axisTop);
    pen.lineTo(x, layout.axisTop + 5);
    const label = `${Number(tick.toFixed(6))} s`;
    const half = pen.measureText(label).width / 2;
    const inside = Math.min(Math.max(x, half + 1), layout.left + layout.width + GUTTER - half - 1);
    pen.fillText(label, inside, layout.axisTop + 8);
  }
  pen.stroke();
}

/** The next 1, 2 or 5 times a power of ten. */
function niceStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * ([1, 2, 5].find((factor) => factor * power >= wanted) ?? 10);
}

/** What lies under the pointer, for people. */
function describe(
  data: ReportData,
  byLane: readonly (readonly number[])[],
  layout: Layout,
  range: SharedRange,
  x: number,
  y: number,
): string | undefined {
  const time = timeAt(layout, range, x);
  const slack = timeAt(layout, range, x + NEAR_PIXELS) - time;
  if (y < layout.lanesTop) {
    const row = Math.floor((y - layout.stripTop) / FAULT_ROW_HEIGHT);
    const fault = data.faults.find((each) => {
      return each.row === row && each.start - slack <= time && time <= each.stop + slack;
    });
    return fault === undefined ? undefined : describeFault(fault);
  }
  const lane = byLane[Math.floor((y - layout.lanesTop) / layout.laneHeight)];
  const index = lane === undefined ? undefined : nearest(data, lane, time, slack);
  return index === undefined ? undefined : describeOperation(data, index);
}

/** The operation of a lane that is closest to a time, if any is within the slack. */
function nearest(
  data: ReportData,
  lane: readonly number[],
  time: number,
  slack: number,
): number | undefined {
  const { start, stop } = data.operations;
  let best: number | undefined;
  let bestDistance = slack;
  let [low, high] = [0, lane.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((start[lane[middle] ?? 0] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  for (const index of lane.slice(Math.max(low - 2, 0), low + 1)) {
    const distance = Math.max((start[index] ?? 0) - time, time - (stop[index] ?? data.end), 0);
    if (distance > bestDistance) continue;
    best = index;
    bestDistance = distance;
  }
  return best;
}

function describeFault({ label, evidence, landed, start, stop }: FaultBand): string {
  const word = landed ? "landed" : "did not land";
  return `${label}\n${start.toFixed(3)} to ${stop.toFixed(3)} s, ${word}\n${evidence}`;
}

function describeOperation(data: ReportData, index: number): string {
  const { process, f, outcome, start, stop, text } = data.operations;
  const from = start[index] ?? 0;
  const to = stop[index] ?? null;
  const lasted = to === null ? "never completed" : `${((to - from) * 1000).toFixed(2)} ms`;
  const name = data.names[f[index] ?? 0] ?? "";
  const word = data.outcomes[outcome[index] ?? 0] ?? "";
  const head = `${name} · ${word} · process ${process[index] ?? ""}`;
  return `${head}\n${text[index] ?? ""}\nat ${from.toFixed(6)} s, ${lasted}`;
}

/** Arrows move, + and - zoom, 0 and Escape reset. False where the key means nothing here. */
function moveByKey(range: SharedRange, key: string): boolean {
  const { min, max } = range.get();
  const width = max - min;
  if (key === "ArrowLeft") range.set({ min: min - width / 4, max: max - width / 4 });
  else if (key === "ArrowRight") range.set({ min: min + width / 4, max: max + width / 4 });
  else if (key === "+" || key === "=") range.set({ min: min + width / 4, max: max - width / 4 });
  else if (key === "-") range.set({ min: min - width / 2, max: max + width / 2 });
  else if (key === "0" || key === "Escape") range.reset();
  else return false;
  return true;
}
