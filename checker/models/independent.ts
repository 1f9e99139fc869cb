// Many of one data type, each named by a key: an op's value is [key value]. Source: jepsen.independent

import { type Call, describeValue, type Model } from "./model.js";

/** The same model for each key by itself. */
export function independent<State>(model: Model<State>): Model<State> {
  const { refuse, partition, isReadOnly, counts, describe } = model;
  return {
    ...model,
    step: (state, call) => model.step(state, inner(call)),
    partition(call) {
      const key = describeValue(keyOf(call));
      return partition === undefined ? key : `${key} ${partition(inner(call))}`;
    },
    refuse(call) {
      if (keyOf(call) !== undefined) return refuse?.(inner(call));
      return `${call.f} wants [key value], not ${describeValue(call.value)}`;
    },
    counts: (call) =>
      keyOf(call) === undefined || (counts?.(inner(call)) ?? call.outcome !== "fail"),
    ...(isReadOnly === undefined
      ? {}
      : { isReadOnly: (call: Call) => isReadOnly.call(model, inner(call)) }),
    ...(describe === undefined
      ? {}
      : { describe: (call: Call) => describe.call(model, inner(call)) }),
  };
}

function keyOf({ value }: Call): unknown {
  return Array.isArray(value) && value.length === 2 ? value[0] : undefined;
}

function inner(call: Call): Call {
  return { ...call, value: Array.isArray(call.value) ? call.value[1] : undefined };
}
