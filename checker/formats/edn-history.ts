// A history in EDN: a vector or list of ops, or ops one after another; `history.edn` of a Jepsen run.
// Source: knossos.cli/read-history; jepsen.store

import { EdnReader } from "./edn.js";
import { HistoryBuilder, type HistoryReader, type ParsedHistory } from "./history-builder.js";

export class EdnHistoryReader implements HistoryReader {
  readonly #builder: HistoryBuilder;
  readonly #reader: EdnReader;

  constructor(name: string) {
    this.#builder = new HistoryBuilder(name, "elsewhere");
    this.#reader = new EdnReader(name, (form, line) => this.#builder.add(form, line));
  }

  write(piece: string): void {
    this.#reader.write(piece);
  }

  finish(): ParsedHistory {
    this.#reader.finish();
    return { ...this.#builder.finish(), format: "edn" };
  }
}
