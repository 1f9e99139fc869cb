// Whether a replica asks for what it lacks: batches that its proposals name, view-changes that a new-view
// names. What is named by digest and not here is asked for at once; a replica that only waits for
// luck to bring it leaves its part of the work to the others.

import type { Digest, Fetch, ReplicaId } from "../../node/core/messages.js";
import type { Replica } from "../../node/core/replica.js";
import { Violation } from "./violation.js";

/** Asked for within so many ticks of its own; a tick may come right after the need. */
const TICKS_MAX = 2;

export class FetchWatch {
  readonly #id: ReplicaId;
  /** By what was named: the tick at which it was first seen to be missing. */
  #missing = new Map<Digest, number>();
  /** What was asked for since this process began. */
  #asked = new Set<Digest>();

  constructor(id: ReplicaId) {
    this.#id = id;
  }

  onStart(): void {
    this.#missing = new Map();
    this.#asked = new Set();
  }

  onFetch({ digests }: Fetch): void {
    for (const digest of digests) this.#asked.add(digest);
  }

  /** Once a tick; throws a Violation. */
  onTick(replica: Replica): void {
    const { tick } = replica;
    const before = this.#missing;
    this.#missing = new Map();
    for (const [digest, what] of missingOf(replica)) {
      if (this.#asked.has(digest)) continue;
      const since = before.get(digest) ?? tick;
      this.#missing.set(digest, since);
      if (tick - since < TICKS_MAX) continue;
      throw new Violation("fetches", `r${this.#id} lacks ${what} and asks nobody for it`);
    }
  }
}

function missingOf(replica: Replica): [Digest, string][] {
  const missing: [Digest, string][] = [];
  for (const { seq, proposal, bodies } of replica.slots.values()) {
    if (proposal === undefined || bodies.has(proposal.digest)) continue;
    missing.push([proposal.digest, `the batch proposed for seq ${seq}`]);
  }
  for (const { message, fetched } of replica.pendingNewViews.values()) {
    const held = new Set([...replica.viewChanges.values()].map(({ digest }) => digest));
    for (const { digest, replica: asker } of message.viewChanges) {
      if (held.has(digest) || fetched.has(digest)) continue;
      missing.push([digest, `r${asker}'s view-change of the new-view for view ${message.view}`]);
    }
  }
  return missing;
}
