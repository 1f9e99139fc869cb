// A history that cannot be judged, because it is no history: one line says where and why.

export type HistoryErrorCode =
  /** The file cannot be read. */
  | "history-unreadable"
  /** A line is not JSON, is too long, or is no text. */
  | "history-malformed"
  /** JSON, but not an op: a field is missing or has the wrong type. */
  | "history-bad-op"
  /** An op that no history can have: a second completion, a completion without an invocation. */
  | "history-inconsistent"
  /** No op at all. */
  | "history-empty";

/** `message` begins with file and line, where they are known: "history.jsonl:12: …". */
export class HistoryError extends Error {
  readonly code: HistoryErrorCode;

  constructor(code: HistoryErrorCode, message: string) {
    super(message);
    this.name = "HistoryError";
    this.code = code;
  }
}
