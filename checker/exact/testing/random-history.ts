// Random small histories of a model: a true run in which some answers are then changed.

import type { HistoryOp } from "../../history.js";
import type { Model } from "../../models/model.js";

/** Uniform in 0 .. bound - 1. */
export type Draw = (bound: number) => number;

export type Asked = {
  f: string;
  value: unknown;
  /** What may be answered, the likely ones first; without it, what was asked. */
  answers?: (state: unknown) => readonly unknown[];
};

export type HistoryShape = {
  operations: number;
  processes: number;
  /** Of a hundred. */
  infoPercent: number;
  wrongPercent: number;
};

type Open = Asked & { process: number; answer: unknown; done: boolean; refused: boolean };

export function randomHistory(
  model: Model,
  ask: (draw: Draw) => Asked,
  { operations, processes, infoPercent, wrongPercent }: HistoryShape,
  draw: Draw,
): HistoryOp[] {
  const ops: HistoryOp[] = [];
  const record = (type: HistoryOp["type"], process: number, f: string, value: unknown) =>
    ops.push({ index: ops.length, time: ops.length, type, process, f, value });
  const open: Open[] = [];
  const states = new Map<unknown, unknown>();
  let nextProcess = processes;
  const idle = Array.from({ length: processes }, (_, process) => process);
  let left = operations;
  while (left > 0 || open.length > 0) {
    const process = left > 0 && draw(3) > 0 ? idle.pop() : undefined;
    if (process !== undefined) {
      left -= 1;
      const asked = ask(draw);
      open.unshift({ ...asked, process, answer: undefined, done: false, refused: false });
      record("invoke", process, asked.f, asked.value);
      continue;
    }
    const one = open[draw(open.length)];
    if (one === undefined) continue;
    if (!one.done) {
      perform(one, model, states, draw, wrongPercent);
      continue;
    }
    open.splice(open.indexOf(one), 1);
    if (draw(100) < infoPercent) {
      idle.push(nextProcess);
      nextProcess += 1;
      if (draw(2) === 0) record("info", one.process, one.f, one.value);
      continue;
    }
    idle.push(one.process);
    record(one.refused ? "fail" : "ok", one.process, one.f, one.refused ? one.value : one.answer);
  }
  return ops;
}

/** Takes effect on the true state, and now and then answers something else. */
function perform(
  one: Open,
  model: Model,
  states: Map<unknown, unknown>,
  draw: Draw,
  wrongPercent: number,
): void {
  one.done = true;
  const part = model.partition?.({ f: one.f, value: one.value, outcome: "ok" });
  const state = states.has(part) ? states.get(part) : model.init;
  const answers = one.answers?.(state) ?? [one.value];
  const isLegal = (value: unknown) =>
    model.step(state, { f: one.f, value, outcome: "ok" }) !== undefined;
  const legal = answers.find(isLegal);
  one.refused = legal === undefined && draw(100) >= wrongPercent;
  one.answer = draw(100) < wrongPercent ? answers[draw(answers.length)] : (legal ?? answers[0]);
  const after = model.step(state, { f: one.f, value: legal ?? one.value, outcome: "ok" });
  if (legal !== undefined && after !== undefined) states.set(part, after);
}

/** A small generator (mulberry32): tests repeat. */
export function drawing(seed: number): Draw {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
