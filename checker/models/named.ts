// The models that have names.

import { kv } from "./kv.js";
import type { Model } from "./model.js";
import { multiRegister } from "./multi-register.js";
import { mutex } from "./mutex.js";
import { fifoQueue, unorderedQueue } from "./queue.js";
import { casRegister, type RegisterOptions, register } from "./register.js";
import { set } from "./set.js";

export type ModelOptions = RegisterOptions;

/** As Knossos names them; `queue` is a fifo-queue. */
const MODELS: ReadonlyMap<string, (options: ModelOptions) => Model> = new Map<
  string,
  (options: ModelOptions) => Model
>([
  ["register", register],
  ["cas-register", casRegister],
  ["multi-register", multiRegister],
  ["mutex", mutex],
  ["kv", kv],
  ["set", set],
  ["queue", fifoQueue],
  ["fifo-queue", fifoQueue],
  ["unordered-queue", unorderedQueue],
]);

export const MODEL_NAMES: readonly string[] = [...MODELS.keys()];

/** Undefined where no model has that name. */
export function namedModel(name: string, options: ModelOptions = {}): Model | undefined {
  return MODELS.get(name)?.(options);
}
