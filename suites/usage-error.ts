// What a user can put right: shown as one line, exit 254 (STYLE, failures of the third kind).

/** `message` says what was wanted, what was found, and what to do; one line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Any thrown value as one line without a stack. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0]?.trim() || "an error without a message";
}
