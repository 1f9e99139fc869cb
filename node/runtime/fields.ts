// Reading JSON that somebody may have edited: each field is asked for with what it must be, and the
// first that is not so is refused in one line: file, path of the field, what was wanted and found.

import { type FailureCode, messageOf, OrdealError } from "./ordeal-error.js";

/** The object in this text; throws OrdealError with this code, `where` first. */
export function parseJson(text: string, where: string, code: FailureCode): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new OrdealError(code, `${where}: not JSON: ${messageOf(error)}`, { cause: error });
  }
  return new Fields(value, "", (message) => new OrdealError(code, `${where}: ${message}`));
}

/** An object whose fields are each asked for once; `nothingElse` refuses what was not asked for. */
export class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #path: string;
  readonly #failure: (message: string) => Error;
  readonly #asked = new Set<string>();

  constructor(value: unknown, path: string, failure: (message: string) => Error) {
    this.#path = path;
    this.#failure = failure;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw failure(`${path === "" ? "" : `${path}: `}want an object, found ${shown(value)}`);
    }
    this.#fields = new Map(Object.entries(value));
  }

  names(): readonly string[] {
    return [...this.#fields.keys()];
  }

  refuse(name: string, message: string): never {
    throw this.#failure(`${this.#pathOf(name)}: ${message}`);
  }

  integer(name: string, min: number, max: number): number {
    const value = this.#take(name);
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) {
      return value;
    }
    const wanted = min === max ? `${min}` : `an integer from ${min} to ${max}`;
    return this.refuse(name, `want ${wanted}, found ${shown(value)}`);
  }

  matching(name: string, pattern: RegExp, wanted: string): string {
    const value = this.#take(name);
    if (typeof value === "string" && pattern.test(value)) return value;
    return this.refuse(name, `want ${wanted}, found ${shown(value)}`);
  }

  any(name: string): unknown {
    return this.#take(name);
  }

  child(name: string): Fields {
    return new Fields(this.#take(name), this.#pathOf(name), this.#failure);
  }

  children(name: string, min: number, max: number): Fields[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) return this.refuse(name, `want a list, found ${shown(value)}`);
    if (value.length < min || value.length > max) {
      this.refuse(name, `want ${min} to ${max} of them, found ${value.length}`);
    }
    return value.map(
      (item, index) => new Fields(item, `${this.#pathOf(name)}[${index}]`, this.#failure),
    );
  }

  nothingElse(): void {
    const extra = this.names().find((name) => !this.#asked.has(name));
    if (extra !== undefined) this.refuse(extra, "no such field");
  }

  #take(name: string): unknown {
    this.#asked.add(name);
    return this.#fields.get(name);
  }

  #pathOf(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
