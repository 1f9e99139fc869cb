// The ledger of the build under test, with somebody who looks on.

import type { Digest, Request, Seq } from "../../node/core/messages.js";
import type { Execution } from "../../node/core/state-machine.js";
import type { LedgerMachine } from "../../node/ledger/machine.js";
import type { MemoryStore } from "../../node/ledger/memory-store.js";
import type { NodeBuild } from "./node-build.js";

export type Onlooker = {
  applied: (
    seq: Seq,
    requests: readonly Request[],
    executions: readonly Execution[],
    machine: LedgerMachine,
  ) => void;
  /** Another replica's state has taken the place of its own. */
  restored: (machine: LedgerMachine) => void;
  snapshotted: (seq: Seq, digest: Digest) => void;
  /** Before it happens; by throwing it does not. */
  effect: (what: "commit" | "sync") => void;
  committed: () => void;
};

export function watchedMachine(
  build: NodeBuild,
  store: MemoryStore,
  onlooker: Onlooker,
): LedgerMachine {
  class WatchedMachine extends build.LedgerMachine {
    override apply(seq: Seq, requests: readonly Request[]): readonly Execution[] {
      const executions = super.apply(seq, requests);
      onlooker.applied(seq, requests, executions, this);
      return executions;
    }

    override snapshot(): Digest {
      const digest = super.snapshot();
      onlooker.snapshotted(this.seq, digest);
      return digest;
    }

    override finishRestore(): "installed" | "invalid" {
      const outcome = super.finishRestore();
      if (outcome === "installed") onlooker.restored(this);
      return outcome;
    }

    override commit(): void {
      onlooker.effect("commit");
      super.commit();
      onlooker.committed();
    }

    override sync(): void {
      onlooker.effect("sync");
      super.sync();
    }
  }
  return new WatchedMachine(store);
}
