// A history file of any format, plain or gzipped, read in pieces so that its size does not matter.

import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { detectFormat, readerOf } from "./formats/detect.js";
import type { HistoryFormat, HistoryReader, ParsedHistory } from "./formats/history-builder.js";
import { HistoryError } from "./history-error.js";
import { PieceDecoder } from "./piece-decoder.js";

const PIECE_BYTES = 1 << 20;

/**
 * Reads a history from a file. `format` overrides what its content and name say. Rejects with
 * HistoryError, whose one-line message names the file and, where it is known, the line.
 */
export async function readHistoryFile(
  path: string,
  format?: HistoryFormat,
): Promise<ParsedHistory> {
  const decoder = new PieceDecoder();
  let reader: HistoryReader | undefined;
  for await (const piece of textOf(path, decoder)) {
    reader ??= readerOf(format ?? detectFormat(piece, path), path);
    reader.write(piece);
  }
  reader ??= readerOf(format ?? "json-lines", path);
  reader.write(decoder.end());
  return reader.finish();
}

async function* textOf(path: string, decoder: PieceDecoder): AsyncGenerator<string> {
  const source = bytesOf(path);
  try {
    for (;;) {
      const next = await source.next();
      if (next.done === true) return;
      yield decoder.write(next.value);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HistoryError("history-unreadable", `${path}: cannot be read: ${reason}`);
  } finally {
    await source.return(undefined); // Where the reader refused the text: closes the file.
  }
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  const pieces: AsyncIterator<Buffer> = file[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done === true) return;
  const whole = chain(first.value, pieces, file);
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield* whole;
    return;
  }
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  const compressed = Readable.from(whole).on("error", (error) => gunzip.destroy(error));
  yield* compressed.pipe(gunzip);
}

async function* chain(
  first: Buffer,
  rest: AsyncIterator<Buffer>,
  file: Readable,
): AsyncGenerator<Buffer> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      yield next.value;
    }
  } finally {
    file.destroy();
  }
}
