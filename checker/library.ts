// The public face of the checker, `ordeal/checker`: histories in, verdicts with reasons out. It loads
// nothing of Ordeal outside this folder. README.md has examples.

export { checkTransactions, type TransactionOptions } from "./cycles/check-transactions.js";
export { modelNames as consistencyModelNames } from "./cycles/consistency-models.js";
export type { Anomaly } from "./cycles/findings.js";
export type { TransactionKind } from "./cycles/txn-operations.js";
export type { CyclesResult } from "./cycles/verdict.js";
export { parseAnyHistory as parseHistory } from "./formats/detect.js";
export type { HistoryFormat, ParsedHistory } from "./formats/history-builder.js";
export type { HistoryOp, OpType } from "./history.js";
export { HistoryError, type HistoryErrorCode } from "./history-error.js";
export {
  type HistoryVerdict,
  type JudgeOptions,
  judgeHistory,
} from "./judge-history.js";
export { JUDGED_NAMES } from "./judged-names.js";
export type { Call, Lookahead, Model } from "./models/model.js";
export type { ModelOptions } from "./models/named.js";
export type { Operation } from "./operations.js";
export { readHistoryFile } from "./read-file.js";
export type { CheckResult, Valid } from "./verdict.js";
