// The journal of signed statements as a file. Lines are written a few times a second, all that have come
// since at once, so no turn of the replica waits for them; a kill loses the last. It is no promise to
// anybody: nothing is synced, and a file that cannot be written is given up.

import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { Journal, type JournalOptions } from "./journal.js";

/** The path of the file. Where it is not set, nothing is kept. */
export const JOURNAL_VARIABLE = "ORDEAL_JOURNAL";

const FLUSH_INTERVAL_MS = 250;

export interface JournalFile {
  heard: Journal["heard"];
  close(): void;
}

/** Goes on where an earlier life ended. The file is opened once, so it needs no descriptor later. */
export function openJournalFile(
  path: string,
  options: Pick<JournalOptions, "cluster" | "n">,
): JournalFile {
  let file: number | undefined = openSync(path, "a");
  // What an earlier life left may end within a line.
  let lines: string[] = fstatSync(file).size > 0 ? [""] : [];
  const write = (line: string) => {
    if (file !== undefined) lines.push(line);
  };
  const flush = () => {
    if (file === undefined || lines.length === 0) return;
    const bytes = Buffer.from(`${lines.join("\n")}\n`, "latin1");
    lines = [];
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    } catch {
      close(); // A full disk must not end the replica for the sake of its journal.
    }
  };
  const close = () => {
    if (file === undefined) return;
    closeSync(file);
    file = undefined;
    clearInterval(interval);
    process.off("exit", flush);
  };
  const interval = setInterval(flush, FLUSH_INTERVAL_MS).unref();
  process.on("exit", flush);
  const journal = new Journal({ ...options, write });
  return {
    heard: (from, message) => journal.heard(from, message),
    close() {
      flush();
      close();
    },
  };
}
