// What one worker is asked to judge, and what it answers: plain data, which crosses threads.

import type { HistoryFormat } from "../../checker/formats/history-builder.js";
import type { HistoryVerdict, JudgeOptions } from "../../checker/judge-history.js";
import type { ModelOptions } from "../../checker/models/named.js";

export type JudgeTask = ModelOptions & {
  path: string;
  /** A name, or the path of a module that exports a model. */
  model: string;
  format?: HistoryFormat;
  independent: boolean;
  transactions: NonNullable<JudgeOptions["transactions"]>;
  /** These parts only; without it, all. */
  parts?: readonly (string | number | undefined)[];
  /** Steps after which parts are left open, for other workers. */
  steps: number;
  bytes: number;
  /** On the clock of Date.now(). */
  deadline: number;
};

export type JudgeAnswer =
  | {
      kind: "verdict";
      verdict: HistoryVerdict;
      operations: number;
      /** What was odd about the file. */
      notes: readonly string[];
      readMs: number;
      checkMs: number;
    }
  /** What the user can put right. */
  | { kind: "unusable"; message: string }
  | { kind: "crashed"; message: string };
