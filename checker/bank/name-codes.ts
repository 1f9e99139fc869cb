// What a name means, by its number, so that its text is looked at once.

import type { Interned } from "./interned.js";

/** The code of a name that means nothing. */
export const NAMELESS = -1;

/** Guards: code n is that of string n. */
export class NameCodes {
  readonly #codeOf: (name: string) => number;
  readonly #codes: number[] = [];

  constructor(codeOf: (name: string) => number) {
    this.#codeOf = codeOf;
  }

  /** Of the string that has this number among `strings`, always the same; NAMELESS of none. */
  of(number: number, strings: Interned): number {
    if (!(number >= 0)) return NAMELESS;
    while (this.#codes.length <= number) {
      this.#codes.push(this.#codeOf(strings.text(this.#codes.length) ?? ""));
    }
    return this.#codes[number] ?? NAMELESS;
  }
}
