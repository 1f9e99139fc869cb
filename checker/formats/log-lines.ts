// The lines of a Jepsen log that tell of operations: `… process  :type  :f  value`, anything before.
// Other lines of the log are passed over.
// Source: jepsen.util/log-op; Porcupine's test data

import { readForm } from "./edn.js";
import { HistoryBuilder, type HistoryReader, type ParsedHistory } from "./history-builder.js";

/** Longer lines tell of no operation; they are passed over in constant memory. */
const LINE_CHARACTERS_MAX = 1 << 20;

const OP_LINE = /(?:^|\s)(\d+|:nemesis)\s+:(invoke|ok|fail|info)\s+:([^\s:,()[\]{}"]+)(?:\s(.*))?$/;

/** Guards: lines are counted, also those that are passed over. */
export class LogReader implements HistoryReader {
  readonly #builder: HistoryBuilder;
  #rest = "";
  #line = 0;

  constructor(name: string) {
    this.#builder = new HistoryBuilder(name, "elsewhere");
  }

  write(piece: string): void {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, LINE_CHARACTERS_MAX + 1);
    for (const line of lines) this.#takeLine(line);
  }

  finish(): ParsedHistory {
    this.#takeLine(this.#rest);
    if (this.#builder.count === 0) {
      throw this.#builder.empty(`no op in its ${this.#line} lines`);
    }
    return { ...this.#builder.finish(), format: "log" };
  }

  #takeLine(text: string): void {
    this.#line += 1;
    if (text.length > LINE_CHARACTERS_MAX) return;
    const match = OP_LINE.exec(text);
    if (match === null) return;
    const [, process = "", type = "", f = "", behind = ""] = match;
    const rest = behind.trim() || "nil";
    const values = rest.split("\t");
    const value = readForm(values[0] ?? "", this.#builder.name, this.#line);
    // `:timed-out` takes the place of the value; other errors stand behind it.
    const timedOut = typeof value === "string" && /^:(timed-out|timeout)$/.test(rest);
    const error = timedOut ? value : values[1];
    this.#builder.add(
      {
        process: process === ":nemesis" ? "nemesis" : Number(process),
        // Whoever waited in vain does not know, whatever was logged; only a read has no effect.
        type: timedOut && type === "fail" && f !== "read" ? "info" : type,
        f,
        value: timedOut ? null : value,
        ...(error === undefined ? {} : { error }),
      },
      this.#line,
    );
  }
}
