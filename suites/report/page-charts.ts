// The plots: latency, throughput, and the replicas' view, seq and memory over the time of the run,
// each over the bands of the faults.

import type { Page, PageElement, Pen, Plot, PlotConstructor } from "./page-dom.js";
import type { SharedRange } from "./page-range.js";
import type { Colour } from "./page-timeline.js";
import type { ReportData } from "./report-data.js";

declare const document: Page;
declare const uPlot: PlotConstructor;

type PlotLine = {
  label: string;
  colour: string;
  values: readonly (number | null)[];
  dash?: readonly number[];
  stepped?: boolean;
  /** Pixels; 1.5 where absent. */
  width?: number;
};

type PlotPlan = {
  host: string;
  unit: string;
  x: readonly number[];
  lines: readonly PlotLine[];
  /** Of a logarithmic scale; absent: linear from zero. */
  limits?: [number, number];
  /** Whole numbers only (views, seqs). */
  whole?: boolean;
  /** Drawn below the lines. */
  underlay?: (plot: Plot) => void;
};

const HEIGHT = 220;
const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [8, 3, 2, 3]];
const LINE_COLOURS = 8;
const LATENCY_MS_MIN = 0.01;

/** Makes all plots anew, at the width the page has now. */
export function createCharts(data: ReportData, range: SharedRange, colour: Colour): Plot[] {
  return plansOf(data, colour).flatMap((plan) => {
    const host = document.getElementById(plan.host);
    if (host === null) return [];
    host.textContent = "";
    return [createPlot(host, plan, data, range, colour)];
  });
}

function plansOf(data: ReportData, colour: Colour): PlotPlan[] {
  const { buckets, replicas } = data;
  const quantiles = buckets.latencyMs;
  const replicaLines = (values: readonly (readonly (number | null)[])[]): PlotLine[] => {
    return replicas.names.map((name, index) => ({
      label: name,
      colour: colour(`--replica-${index % LINE_COLOURS}`),
      values: values[index] ?? [],
      dash: DASHES[Math.floor(index / LINE_COLOURS) % DASHES.length] ?? [],
      stepped: true,
      // Replicas mostly agree: the ones below are wider, so that each can be seen.
      width: 1.5 + 1.5 * (replicas.names.length - 1 - index),
    }));
  };
  return [
    {
      host: "latency",
      unit: "ms",
      x: buckets.x,
      limits: limitsOf(data),
      underlay: (plot) => drawScatter(plot, data, colour),
      lines: [
        { label: "p50", colour: colour("--text"), values: quantiles.p50 },
        { label: "p95", colour: colour("--p95"), values: quantiles.p95, dash: [8, 4] },
        { label: "p99", colour: colour("--p99"), values: quantiles.p99, dash: [2, 3] },
      ],
    },
    {
      host: "throughput",
      unit: "/s",
      x: buckets.x,
      lines: data.outcomes
        .filter((name) => buckets.throughput[name].some((rate) => rate !== null && rate > 0))
        .map((name, index) => ({
          label: name,
          colour: colour(`--${name}`),
          values: buckets.throughput[name],
          dash: DASHES[index] ?? [],
        })),
    },
    { host: "views", unit: "", x: replicas.x, lines: replicaLines(replicas.view), whole: true },
    { host: "seqs", unit: "", x: replicas.x, lines: replicaLines(replicas.seq), whole: true },
    { host: "memory", unit: "MB", x: replicas.x, lines: replicaLines(replicas.memoryMB) },
  ];
}

/** All latencies with a little room around them, and a decade at least. */
function limitsOf(data: ReportData): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, 0];
  const { start, stop } = data.operations;
  for (const [index, to] of stop.entries()) {
    if (to === null) continue;
    const ms = Math.max((to - (start[index] ?? to)) * 1000, LATENCY_MS_MIN);
    low = Math.min(low, ms);
    high = Math.max(high, ms);
  }
  if (high === 0) return [1, 10];
  return high < 10 * low ? [high / 12, high * 1.3] : [low / 1.3, high * 1.3];
}

function createPlot(
  host: PageElement,
  plan: PlotPlan,
  data: ReportData,
  range: SharedRange,
  colour: Colour,
): Plot {
  const { limits, underlay } = plan;
  const print = (value: number | null): string => (value === null ? "" : valueIn(plan, value));
  const options = {
    width: Math.max(host.clientWidth, 200),
    height: HEIGHT,
    cursor: { sync: { key: "ordeal" }, drag: { x: true, y: false, setScale: true } },
    scales: {
      x: { time: false, min: range.get().min, max: range.get().max },
      y:
        limits === undefined
          ? { range: (_: Plot, __: number, max: number) => [0, Math.max(max, 1) * 1.08] }
          : { distr: 3, log: 10, range: () => limits },
    },
    axes: axesOf(plan, print, colour),
    series: [
      {
        label: "time",
        value: (_: Plot, time: number | null) => (time === null ? "" : `${time.toFixed(2)} s`),
      },
      ...plan.lines.map((line) => ({
        label: line.label,
        stroke: line.colour,
        width: line.width ?? 1.5,
        dash: line.dash ?? [],
        points: { show: false },
        ...(line.stepped === true ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        value: (_: Plot, value: number | null) => print(value),
      })),
    ],
    hooks: {
      drawClear: [(plot: Plot) => drawBands(plot, data, colour)],
      drawAxes: [(plot: Plot) => underlay?.(plot)],
      setScale: [
        (plot: Plot, scale: string) => {
          const { min, max } = plot.scales.x ?? {};
          if (scale === "x" && min !== undefined && max !== undefined) range.set({ min, max });
        },
      ],
    },
  };
  return new uPlot(options, [plan.x, ...plan.lines.map(({ values }) => values)], host);
}

function axesOf(
  { limits, whole }: PlotPlan,
  print: (value: number | null) => string,
  colour: Colour,
): readonly Readonly<Record<string, unknown>>[] {
  const stroke = colour("--quiet");
  const grid = { stroke: colour("--line"), width: 1 };
  const powers = (_: Plot, ticks: readonly number[]): readonly (number | null)[] => {
    return ticks.map((tick) => (Math.abs(Math.log10(tick) % 1) < 1e-6 ? tick : null));
  };
  return [
    {
      stroke,
      grid,
      values: (_: Plot, ticks: readonly number[]) => ticks.map((tick) => `${tick} s`),
    },
    {
      stroke,
      grid: limits === undefined ? grid : { ...grid, filter: powers },
      ticks: limits === undefined ? grid : { ...grid, filter: powers },
      size: 64,
      ...(whole === true ? { incrs: WHOLE_STEPS } : {}),
      values: (_: Plot, ticks: readonly (number | null)[]) => ticks.map(print),
    },
  ];
}

function valueIn({ unit, whole }: PlotPlan, value: number): string {
  if (unit === "ms" && value >= 1000) return `${Number((value / 1000).toPrecision(3))} s`;
  const rounded = Number(value.toPrecision(whole === true ? 15 : 3));
  return unit === "" ? `${rounded}` : `${rounded} ${unit}`;
}

const WHOLE_STEPS = [1, 2, 5]
  .flatMap((factor) => {
    return Array.from({ length: 9 }, (_, power) => factor * 10 ** power);
  })
  .sort((a, b) => a - b);

function withinPlotArea(plot: Plot, draw: (pen: Pen) => void): void {
  const { left, top, width, height } = plot.bbox;
  plot.ctx.save();
  plot.ctx.beginPath();
  plot.ctx.rect(left, top, width, height);
  plot.ctx.clip();
  draw(plot.ctx);
  plot.ctx.restore();
}

function drawBands(plot: Plot, data: ReportData, colour: Colour): void {
  const { top, height } = plot.bbox;
  withinPlotArea(plot, (pen) => {
    pen.globalAlpha = 0.12;
    pen.fillStyle = colour("--fault");
    for (const { start, stop } of data.faults) {
      const x = plot.valToPos(start, "x", true);
      pen.fillRect(x, top, Math.max(plot.valToPos(stop, "x", true) - x, 1), height);
    }
  });
}

/** Every completed operation as a dot at its completion; the ones that went wrong larger, and last. */
function drawScatter(plot: Plot, data: ReportData, colour: Colour): void {
  const { outcome, start, stop } = data.operations;
  withinPlotArea(plot, (pen) => {
    for (const [name, size, alpha] of [
      ["ok", 2, 0.35],
      ["fail", 3, 0.6],
      ["info", 5, 0.9],
    ] as const) {
      const wanted = data.outcomes.indexOf(name);
      pen.fillStyle = colour(`--${name}`);
      pen.globalAlpha = alpha;
      for (const [index, to] of stop.entries()) {
        if (outcome[index] !== wanted || to === null) continue;
        const ms = Math.max((to - (start[index] ?? to)) * 1000, LATENCY_MS_MIN);
        const x = plot.valToPos(to, "x", true);
        const y = plot.valToPos(ms, "y", true);
        pen.fillRect(x - size / 2, y - size / 2, size, size);
      }
    }
  });
}
