// What judges a history by its name; without what judges, for who only wants to know the names.

import { MODEL_NAMES } from "./models/named.js";

/** Names that judgeHistory knows. */
export const JUDGED_NAMES: readonly string[] = [
  ...MODEL_NAMES,
  "bank",
  "list-append",
  "rw-register",
  "set-full",
  "counter",
  "total-queue",
];
