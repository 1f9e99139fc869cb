// The checker's only I/O: a history file, read in pieces so that its size does not matter.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type ParsedTable, TableParser } from "./bank/parse-table.js";
import type { HistoryOp } from "./history.js";
import { HistoryError } from "./history-error.js";
import { HistoryParser } from "./parse-history.js";
import { PieceDecoder } from "./piece-decoder.js";

const PIECE_BYTES = 1 << 20;

/**
 * Reads `history.jsonl`. Throws HistoryError, whose one-line message names file and line. `onTorn`
 * is told of a torn last line, which is left out.
 */
export function readHistory(path: string, onTorn?: (message: string) => void): HistoryOp[] {
  const parser = new HistoryParser(path);
  const file = open(path);
  try {
    const decoder = new PieceDecoder();
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let bytes = 1; bytes > 0; ) {
      bytes = readPiece(path, file, piece);
      parser.write(bytes === 0 ? decoder.end() : decoder.write(piece.subarray(0, bytes)));
    }
  } finally {
    closeSync(file);
  }
  const { ops, torn } = parser.finish();
  if (torn !== undefined) onTorn?.(torn);
  return ops;
}

/**
 * Reads a bank's `history.jsonl` into columns: several times faster, in a small part of the memory.
 * Undefined where something in it is out of the ordinary. Throws HistoryError where it cannot be read.
 */
export function readBankTable(path: string): ParsedTable | undefined {
  const file = open(path);
  try {
    const parser = new TableParser(fstatSync(file).size);
    const piece = new Uint8Array(PIECE_BYTES);
    for (;;) {
      const bytes = readPiece(path, file, piece);
      if (bytes === 0) return parser.finish();
      if (!parser.write(piece.subarray(0, bytes))) return undefined;
    }
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readPiece(path: string, file: number, piece: Uint8Array): number {
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
