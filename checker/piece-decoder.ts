// Bytes of a history to text, piece by piece.

import { isAscii } from "node:buffer";
import { StringDecoder } from "node:string_decoder";

/** Guards: a character that two pieces share is kept until it is whole. Most pieces are ASCII. */
export class PieceDecoder {
  readonly #decoder = new StringDecoder("utf8");
  #isBetween = true;

  write(piece: Buffer): string {
    if (this.#isBetween && isAscii(piece)) return piece.toString("latin1");
    // Whatever is not ASCII may end inside a character.
    const last = piece[piece.length - 1] ?? 0;
    this.#isBetween = last < 0x80;
    return this.#decoder.write(piece);
  }

  end(): string {
    return this.#decoder.end();
  }
}
