// How a process of ours ends: an exit code, and one line that says why.

import { AssertionError } from "node:assert";
import { EXIT_CRASH, EXIT_DISK, messageOf, OrdealError, systemCodeOf } from "./ordeal-error.js";

const LEDGER_TROUBLE = /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN|BUSY)/;

export type Exit = { code: number; reason: string; stack?: string };

/**
 * Runs until `main` resolves with the reason of a clean end (exit code 0) or anything throws. Then
 * `report`, a line on stderr unless the end is clean, and the end. An error of the world is one line;
 * a bug comes with its stack.
 */
export function runMain(main: () => Promise<string>, report?: (exit: Exit) => void): void {
  const end = (exit: Exit): never => {
    report?.(exit);
    if (exit.code !== 0) process.stderr.write(`${exit.reason}\n${exit.stack ?? ""}`);
    process.exit(exit.code);
  };
  process.on("uncaughtException", (error) => end(exitOf(error)));
  main().then(
    (reason) => end({ code: 0, reason }),
    (error: unknown) => end(exitOf(error)),
  );
}

function exitOf(error: unknown): Exit {
  if (error instanceof OrdealError) return { code: error.exitCode, reason: error.message };
  // The ledger's disk is full, failing or damaged: no bug of ours either.
  const code = systemCodeOf(error);
  if (code !== undefined && LEDGER_TROUBLE.test(code)) {
    return {
      code: EXIT_DISK,
      reason: `the ledger cannot be written: ${code}: ${messageOf(error)}`,
    };
  }
  const kind = error instanceof AssertionError ? "assertion failed" : "crashed";
  const reason = `${kind}: ${messageOf(error)}`;
  if (!(error instanceof Error)) return { code: EXIT_CRASH, reason };
  return { code: EXIT_CRASH, reason, stack: `${error.stack}\n` };
}
