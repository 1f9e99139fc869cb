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

type Ledger = NodeBuild["LedgerMachine"];
type Watched = new (store: MemoryStore, onlooker: Onlooker) => LedgerMachine;

/** One for each ledger: code that meets a new class in every process is never compiled well. */
const watchedOf = new WeakMap<Ledger, Watched>();

export function watchedMachine(
  build: NodeBuild,
  store: MemoryStore,
  onlooker: Onlooker,
): LedgerMachine {
  const { LedgerMachine } = build;
  let Machine = watchedOf.get(LedgerMachine);
  if (Machine === undefined) {
    Machine = watched(LedgerMachine);
    watchedOf.set(LedgerMachine, Machine);
  }
  return new Machine(store, onlooker);
}

function watched(Ledger: Ledger): Watched {
  return class WatchedMachine extends Ledger {
    readonly #onlooker: Onlooker;

    constructor(store: MemoryStore, onlooker: Onlooker) {
      super(store);
      this.#onlooker = onlooker;
    }

    override apply(seq: Seq, requests: readonly Request[]): readonly Execution[] {
      const executions = super.apply(seq, requests);
      this.#onlooker.applied(seq, requests, executions, this);
      return executions;
    }

    override snapshot(): Digest {
      const digest = super.snapshot();
      this.#onlooker.snapshotted(this.seq, digest);
      return digest;
    }

    override finishRestore(): "installed" | "invalid" {
      const outcome = super.finishRestore();
      if (outcome === "installed") this.#onlooker.restored(this);
      return outcome;
    }

    override commit(): void {
      this.#onlooker.effect("commit");
      super.commit();
      this.#onlooker.committed();
    }

    override sync(): void {
      this.#onlooker.effect("sync");
      super.sync();
    }
  };
}
