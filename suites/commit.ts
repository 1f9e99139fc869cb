// The commit of this tool, for run.json and for the line that reproduces a run.

import { execa } from "execa";

/** Git's full hash, with "+" where sources differ from it; "unknown" where there is no git. */
export async function commitOf(root: string): Promise<string> {
  const git = (...args: string[]) =>
    execa("git", ["-C", root, ...args], { reject: false, timeout: 5_000, stdin: "ignore" });
  const head = await git("rev-parse", "HEAD");
  if (head.failed) return "unknown";
  const changes = await git("status", "--porcelain", "--untracked-files=no");
  return changes.failed || changes.stdout === "" ? head.stdout : `${head.stdout}+`;
}
