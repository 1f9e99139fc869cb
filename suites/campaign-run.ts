// One run of a campaign, as its summary, its tables and its JUnit file need it.

import type { RunOutcome } from "./run.js";

export type CampaignRun = {
  suite: string;
  seed: number;
  /** Wall clock, all phases and the judging. */
  seconds: number;
  outcome?: RunOutcome;
  crashed?: string;
};
