// `ordeal doctor`: what works on this machine, what does not and why, and the command that would enable it.

import type { DoctorOptions } from "../doctor/probes.js";
import { examine, reportLines } from "../doctor/report.js";
import type { Output } from "../progress.js";

/** 0: the environment that a run takes by itself works; 1: it does not. */
export async function doctorCommand(
  { json, ...options }: { json: boolean } & DoctorOptions,
  output: Pick<Output, "line">,
): Promise<0 | 1> {
  const report = await examine(options);
  if (json) output.line(JSON.stringify(report));
  else for (const line of reportLines(report)) output.line(line);
  return report.works ? 0 : 1;
}
