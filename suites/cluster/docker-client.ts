// The docker command: it knows which daemon is meant (DOCKER_HOST, contexts), wherever that is.

import { execa } from "execa";
import { commandLine } from "../../nemesis/host/shell.js";
import { UsageError } from "../usage-error.js";

export { dockerLabel } from "./registry.js";

const DEADLINE_MS = 120_000;

/** What it prints; throws with its last words where it fails. */
export async function docker(
  argv: readonly string[],
  { input, deadlineMs = DEADLINE_MS }: { input?: Uint8Array; deadlineMs?: number } = {},
): Promise<string> {
  const result = await execa("docker", argv, {
    ...(input === undefined ? { stdin: "ignore" as const } : { input }),
    reject: false,
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  });
  if (result.exitCode === 0) return String(result.stdout);
  const words = String(result.stderr ?? "")
    .trim()
    .split("\n")
    .at(-1);
  const why = words || result.code || (result.timedOut ? `no end in ${deadlineMs} ms` : "no words");
  throw new Error(`${commandLine(["docker", ...argv])}: ${why}`);
}

/** The version of the daemon. Throws UsageError where none answers. */
export async function dockerVersion(): Promise<string> {
  try {
    return (await docker(["version", "--format", "{{.Server.Version}}"])).trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      "environment",
      `--env docker: no daemon answers (${why}): start one, or set DOCKER_HOST`,
    );
  }
}
