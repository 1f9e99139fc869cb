// What ends a process other than a bug of ours: a coded error whose message is one clear line, saying
// what was wanted, what was found and what to do. The code decides the exit code.

/** Bad arguments, cluster file or keys. */
export const EXIT_USAGE = 254;
/** The disk failed, or is full: what was acknowledged is kept, and a start on a sound disk goes on. */
export const EXIT_DISK = 253;
/** A failed assertion, or the world failed otherwise. */
export const EXIT_CRASH = 255;

export type FailureCode =
  | "usage"
  | "cluster-file"
  | "key-file"
  | "port-in-use"
  | "address"
  | "socket"
  | "data-directory"
  | "disk-full"
  | "disk"
  | "corrupt-log"
  | "log-version"
  | "log-exists"
  | "foreign-log";

const USAGE: ReadonlySet<FailureCode> = new Set([
  "usage",
  "cluster-file",
  "key-file",
  "log-exists",
]);

const DISK: ReadonlySet<FailureCode> = new Set(["disk", "disk-full", "corrupt-log"]);

export class OrdealError extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message.replaceAll(/\s*\n\s*/g, "; "), options);
    this.name = "OrdealError";
    this.code = code;
  }

  get exitCode(): number {
    if (USAGE.has(this.code)) return EXIT_USAGE;
    return DISK.has(this.code) ? EXIT_DISK : EXIT_CRASH;
  }
}

/** The system's error code ("ENOENT"), or undefined where the error is none of the system's. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, "; ");
}
