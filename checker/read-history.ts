// The checker's only I/O: a history file, read in pieces so that its size does not matter.

import { closeSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { HistoryOp } from "./history.js";
import { HistoryError } from "./history-error.js";
import { HistoryParser, LINE_CHARACTERS_MAX } from "./parse-history.js";

const PIECE_BYTES = 1 << 20;

/**
 * Reads `history.jsonl`. Throws HistoryError, whose one-line message names file and line. `onTorn`
 * is told of a torn last line, which is left out.
 */
export function readHistory(path: string, onTorn?: (message: string) => void): HistoryOp[] {
  const file = open(path);
  try {
    const { ops, torn } = readPieces(path, file);
    if (torn !== undefined) onTorn?.(torn);
    return ops;
  } finally {
    closeSync(file);
  }
}

function readPieces(path: string, file: number) {
  const parser = new HistoryParser(path);
  const decoder = new StringDecoder("utf8");
  const piece = Buffer.alloc(PIECE_BYTES);
  let rest = "";
  for (;;) {
    const bytes = readPiece(path, file, piece);
    rest += bytes === 0 ? decoder.end() : decoder.write(piece.subarray(0, bytes));
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      parser.line(rest.slice(start, end));
      start = end + 1;
    }
    rest = rest.slice(start);
    // Garbage without newlines must not be collected until memory ends.
    if (rest.length > LINE_CHARACTERS_MAX) parser.line(rest);
    if (bytes === 0) return parser.finish(rest);
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readPiece(path: string, file: number, piece: Buffer): number {
  try {
    return readSync(file, piece, 0, piece.length, null);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): HistoryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new HistoryError("history-unreadable", `${path}: cannot be read: ${reason}`);
}
