// Which format a history is in: its first characters say so, and where they do not, its name.

import { HistoryParser } from "../parse-history.js";
import { EdnHistoryReader } from "./edn-history.js";
import type { HistoryFormat, HistoryReader, ParsedHistory } from "./history-builder.js";
import { JsonArrayReader } from "./json-array.js";
import { LogReader } from "./log-lines.js";

const SNIFFED_CHARACTERS = 4_096;

/** `beginning` is the text's first part, as much as is at hand. */
export function detectFormat(beginning: string, name: string): HistoryFormat {
  const text = beginning.slice(0, SNIFFED_CHARACTERS).replace(/^[\uFEFF\s]+/, "");
  const extension = /\.(jsonl|ndjson|json|edn)(\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
  if (/^\{\s*"/.test(text)) return "json-lines";
  if (/^\[\s*\{\s*"/.test(text) || (extension === "json" && text.startsWith("["))) return "json";
  if (/^\{\s*(:|\}|$)/.test(text) || /^[[(;#]/.test(text)) return "edn";
  if (extension === "edn") return "edn";
  if (extension === "json") return "json";
  return extension === undefined ? "log" : "json-lines";
}

/** A reader of that format. `name` stands before the line's number in every message. */
export function readerOf(format: HistoryFormat, name: string): HistoryReader {
  switch (format) {
    case "json-lines":
      return new HistoryParser(name, "elsewhere");
    case "json":
      return new JsonArrayReader(name);
    case "edn":
      return new EdnHistoryReader(name);
    case "log":
      return new LogReader(name);
    default:
      return format satisfies never;
  }
}

/** Reads a whole text, of whatever format. Throws HistoryError. */
export function parseAnyHistory(text: string, name: string): ParsedHistory {
  const reader = readerOf(detectFormat(text, name), name);
  reader.write(text);
  return reader.finish();
}
