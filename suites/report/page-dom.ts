// The few parts of the browser that the report's scripts use, declared by hand: with TypeScript's own
// DOM library in the program, a replica that calls a browser's function would compile.

export type Box = { left: number; top: number; width: number; height: number };

export type PageEvent = {
  clientX: number;
  clientY: number;
  key: string;
  preventDefault(): void;
};

export type PageElement = {
  textContent: string | null;
  className: string;
  hidden: boolean;
  clientWidth: number;
  style: { left: string; top: string; height: string };
  append(...children: PageElement[]): void;
  setAttribute(name: string, value: string): void;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  getBoundingClientRect(): Box;
};

export type PageCanvas = PageElement & {
  width: number;
  height: number;
  getContext(kind: "2d"): Pen | null;
};

/** CanvasRenderingContext2D. */
export type Pen = {
  fillStyle: string;
  strokeStyle: string;
  globalAlpha: number;
  lineWidth: number;
  font: string;
  textAlign: "left" | "right" | "center";
  textBaseline: "top" | "middle" | "alphabetic";
  save(): void;
  restore(): void;
  beginPath(): void;
  rect(x: number, y: number, width: number, height: number): void;
  clip(): void;
  clearRect(x: number, y: number, width: number, height: number): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  strokeRect(x: number, y: number, width: number, height: number): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  stroke(): void;
  fillText(text: string, x: number, y: number): void;
  measureText(text: string): { width: number };
  setLineDash(pattern: readonly number[]): void;
  setTransform(a: number, b: number, c: number, d: number, e: number, f: number): void;
};

export type Page = {
  documentElement: PageElement;
  getElementById(id: "timeline"): PageCanvas | null;
  getElementById(id: string): PageElement | null;
  createElement(name: string): PageElement;
};

export type Browser = {
  devicePixelRatio: number;
  getComputedStyle(element: PageElement): { getPropertyValue(name: string): string };
  matchMedia(query: string): { addEventListener(type: "change", listener: () => void): void };
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  requestAnimationFrame(callback: () => void): number;
};

/** A plot of uPlot, whose script stands in the page before ours. */
export type Plot = {
  ctx: Pen;
  /** The plotting area, in canvas pixels. */
  bbox: Box;
  scales: { x?: { min?: number; max?: number } };
  valToPos(value: number, scale: string, canvasPixels: boolean): number;
  setScale(scale: string, range: { min: number; max: number }): void;
  setSize(size: { width: number; height: number }): void;
  redraw(): void;
  destroy(): void;
};

export type PlotConstructor = {
  new (
    options: Readonly<Record<string, unknown>>,
    data: readonly (readonly (number | null)[])[],
    host: PageElement,
  ): Plot;
  paths: { stepped(options: { align: number }): unknown };
};
