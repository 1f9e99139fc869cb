// All known-bad builds. Each makes one mistake that systems of this kind have made, or could make, by
// replacing a few lines of the replica's or the client's sources. A suite that cannot tell them from
// the clean build proves nothing.

import { AUTHENTICATION } from "./authentication.js";
import { BATCHES } from "./batches.js";
import { CHECKPOINT } from "./checkpoint.js";
import { CLIENT } from "./client.js";
import { DURABILITY } from "./durability.js";
import { LEDGER } from "./ledger.js";
import type { Mutant } from "./mutant.js";
import { NORMAL_CASE } from "./normal-case.js";
import { TRANSPORT } from "./transport.js";
import { VIEW_CHANGE } from "./view-change.js";
import { VIEW_CHANGE_PROGRESS } from "./view-change-progress.js";

export const THEMES: ReadonlyMap<string, readonly Mutant[]> = new Map([
  ["normal case", NORMAL_CASE],
  ["batches", BATCHES],
  ["authentication", AUTHENTICATION],
  ["view change", VIEW_CHANGE],
  ["view change: progress", VIEW_CHANGE_PROGRESS],
  ["checkpoint and transfer", CHECKPOINT],
  ["durability", DURABILITY],
  ["client and reads", CLIENT],
  ["ledger", LEDGER],
  ["transport", TRANSPORT],
]);

export const MUTANTS: readonly Mutant[] = [...THEMES.values()].flat();
