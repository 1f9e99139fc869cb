// Damage that a replica must notice in its own log: a bit that turned in front of the last group that was
// synced. What stands behind it is whole, so the log cannot be taken for one that ends there.

import type { ReplicaId } from "../../node/core/messages.js";
import type { DamageAtRest } from "./sim-disk.js";
import { Violation } from "./violation.js";

/** Of one log file, from its last compaction on. */
export class LogDamage {
  /** Where the last group begins that an append made durable, as far as this is known. */
  #lastGroupAt = 0;
  #damagedAt: number | undefined;

  onAppended(groupAt: number): void {
    this.#lastGroupAt = groupAt;
  }

  onDamage(how: DamageAtRest, at: number): void {
    const noticeable = how === "bit-flip" && at < this.#lastGroupAt;
    this.#damagedAt = noticeable ? at : undefined;
    if (!noticeable) this.#lastGroupAt = 0; // Nobody can tell what is left of the last group.
  }

  /** Throws a Violation where the log should have been refused. */
  onOpenedAsWhole(id: ReplicaId): void {
    if (this.#damagedAt === undefined) return;
    const where = `a bit turned at byte ${this.#damagedAt}, in front of whole records`;
    throw new Violation("damage", `r${id} takes its log for whole, in which ${where}`);
  }
}
