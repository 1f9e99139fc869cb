// Packages that choose among messages: each aims at one step of the protocol. With protocol number
// datagramMessagesMax = 1 they strike that step only (messages.ts).

import type { FaultIntent, MessageEffect, MessageKind, MessageMatch, Target } from "./faults.js";
import { HOLD, type Hold } from "./hold.js";
import type { NemesisPackage } from "./nemesis-package.js";
import type { Random } from "./random.js";

/** Nearly always there, for what happens when it pleases: a view change. */
const HOLD_LONG: Hold = { share: 0.9, msMin: 2_000, msMax: 20_000 };

const ALL: Target = { kind: "all" };
const BACKUP: Target = { kind: "backup" };
const PRIMARY: Target = { kind: "primary" };
const ONES: readonly Target[] = [BACKUP, PRIMARY, { kind: "laggard" }];

const LOST_COMMITS = messages(
  "lost-commits",
  "Loses every commit to one replica.",
  HOLD,
  (random) => {
    // With its certificates lost, too, it learns what committed from nobody but by a checkpoint.
    const kinds = random.pick<readonly MessageKind[]>([
      ["commit"],
      ["commit", "commit-certificate"],
    ]);
    return message("drop", { kinds }, "in", random.pick(ONES));
  },
);

const LOST_NEW_VIEW = messages(
  "lost-new-view",
  "Loses the first new-views on every link, or all of the next primary's.",
  HOLD_LONG,
  (random) => {
    const kinds = ["new-view"] as const;
    if (random.chance(0.3)) return message("drop", { kinds }, "out", { kind: "next-primary" });
    return message("drop", { kinds, first: 1 + random.int(3) }, "in", ALL);
  },
);

const LOST_VIEW_CHANGES = messages(
  "lost-view-changes",
  "Loses the first view-changes on every link.",
  HOLD_LONG,
  (random) => message("drop", { kinds: ["view-change"], first: 1 + random.int(4) }, "in", ALL),
);

const LATE_PROPOSALS = messages(
  "late-proposals",
  "Delays the primary's pre-prepares by 100 to 700 ms: below its view timer, or beyond it.",
  HOLD,
  (random) => {
    const delayMs = random.pick([100, 300, 700]);
    return message({ delayMs }, { kinds: ["pre-prepare"] }, "out", PRIMARY);
  },
);

const LATE_CHECKPOINTS = messages(
  "late-checkpoints",
  "Delays or loses checkpoints, so that watermarks move late.",
  HOLD,
  (random) => {
    const effect = random.pick<MessageEffect>(["drop", { delayMs: 200 }, { delayMs: 600 }]);
    const kinds = ["checkpoint", "checkpoint-proof"] as const;
    return message(effect, { kinds }, "in", effect === "drop" ? BACKUP : ALL);
  },
);

const DOUBLED_VOTES = messages(
  "doubled-votes",
  "Delivers every prepare and commit twice.",
  HOLD,
  () => message("duplicate", { kinds: ["prepare", "commit"] }, "in", ALL),
);

const EACH: readonly NemesisPackage[] = [
  LOST_COMMITS,
  LOST_NEW_VIEW,
  LOST_VIEW_CHANGES,
  LATE_PROPOSALS,
  LATE_CHECKPOINTS,
  DOUBLED_VOTES,
];

const ANY_MESSAGE = messages(
  "message",
  "Does to messages what any of the six above does.",
  HOLD,
  (random) => {
    const { intent } = random.pick(EACH);
    return intent(random, 0);
  },
);

/** Those that wait for a view change or a checkpoint may have to wait for long. */
const RARE = [LOST_NEW_VIEW, LOST_VIEW_CHANGES, LATE_CHECKPOINTS, ANY_MESSAGE];

export const MESSAGE_PACKAGES: readonly NemesisPackage[] = [...EACH, ANY_MESSAGE].map((each) =>
  RARE.includes(each) ? { ...each, rare: true } : each,
);

function messages(
  name: string,
  description: string,
  hold: Hold,
  intent: (random: Random) => FaultIntent,
): NemesisPackage {
  return { name, description, kinds: ["message"], intent, hold };
}

function message(
  effect: MessageEffect,
  match: MessageMatch,
  direction: "in" | "out",
  target: Target,
): FaultIntent {
  return { kind: "message", effect, match, direction, target };
}
