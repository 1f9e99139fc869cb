// Queues: enqueue and dequeue, first in first out or in any order. A dequeue of nil says nothing.
// Source: knossos.model's fifo-queue and unordered-queue

import { type Call, describeValue, type Model } from "./model.js";
import { sameValue } from "./values.js";

type State = readonly unknown[];

/** What an unanswered dequeue took was the first; of an empty queue, nothing. */
export function fifoQueue(): Model<State> {
  return {
    ...queue("fifo-queue"),
    step(state, { f, value, outcome }) {
      if (f === "enqueue") return [...state, value];
      if (outcome === "info") return state.slice(1);
      return state.length > 0 && sameValue(state[0], value) ? state.slice(1) : undefined;
    },
    counts: ({ f, value, outcome }) =>
      outcome !== "fail" && !(f === "dequeue" && outcome === "ok" && isNothing(value)),
  };
}

/**
 * Elements stand in the order of their JSON, so that equal queues are equal states. What an
 * unanswered dequeue may have taken only makes answers harder to give: it can as well not have been.
 */
export function unorderedQueue(): Model<State> {
  return {
    ...queue("unordered-queue"),
    step(state, { f, value }) {
      if (f === "enqueue") {
        const text = JSON.stringify(value);
        const at = state.findIndex((element) => JSON.stringify(element) > text);
        return at < 0 ? [...state, value] : state.toSpliced(at, 0, value);
      }
      const at = state.findIndex((element) => sameValue(element, value));
      return at < 0 ? undefined : state.toSpliced(at, 1);
    },
    counts: ({ f, value, outcome }) =>
      f === "dequeue" ? outcome === "ok" && !isNothing(value) : outcome !== "fail",
  };
}

function queue(name: string) {
  const init: State = [];
  return {
    name,
    init,
    refuse({ f, value }: Call): string | undefined {
      if (f !== "enqueue" && f !== "dequeue") {
        return `a queue knows enqueue, dequeue, not ${f}`;
      }
      return f === "enqueue" && isNothing(value) ? "enqueue wants a value" : undefined;
    },
    describeState: (state: State) => `the queue holds ${describeValue(state)}`,
  };
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}
