// Performs faults on an environment and writes them down: to the history as nemesis events, to
// faults.jsonl with their evidence. Every fault that was started is healed once.

import type { Evidence, FaultRecord, ResolvedFault } from "../nemesis/faults.js";
import type { AppendFile } from "./append-file.js";
import { StoreWriteError } from "./append-file.js";
import type { Environment } from "./cluster/environment.js";
import type { HistoryRecorder } from "./history-recorder.js";
import type { RunClock } from "./run-clock.js";
import { oneLine } from "./usage-error.js";

/** Guards: a fault is active once, and what is active is known to whoever asks. */
export class FaultDriver {
  readonly #environment: Environment;
  readonly #recorder: HistoryRecorder;
  readonly #file: AppendFile;
  readonly #clock: RunClock;
  readonly #active = new Map<string, ResolvedFault>();

  constructor(
    environment: Environment,
    recorder: HistoryRecorder,
    file: AppendFile,
    clock: RunClock,
  ) {
    this.#environment = environment;
    this.#recorder = recorder;
    this.#file = file;
    this.#clock = clock;
  }

  get active(): readonly ResolvedFault[] {
    return [...this.#active.values()];
  }

  /** A fault that cannot be applied is written down as one that did not land. */
  async start(fault: ResolvedFault): Promise<void> {
    const time = this.#clock.now();
    this.#write({ type: "start", time, fault });
    this.#active.set(fault.id, fault);
    try {
      await this.#environment.apply(fault);
      this.#recorder.nemesis(`start-${fault.intent.kind}`, fault);
    } catch (error) {
      if (error instanceof StoreWriteError) throw error;
      const reason = `could not be applied: ${oneLine(error)}`;
      this.#recorder.nemesis(`start-${fault.intent.kind}`, fault, reason);
      await this.#end(fault, reason);
    }
  }

  async stop(faultId: string): Promise<void> {
    const fault = this.#active.get(faultId);
    if (fault !== undefined) await this.#end(fault);
  }

  /** Heals whatever is active, the newest first. */
  async healAll(): Promise<void> {
    for (const fault of this.active.toReversed()) await this.#end(fault);
  }

  async #end(fault: ResolvedFault, failure?: string): Promise<void> {
    const time = this.#clock.now();
    const evidence = await this.#heal(fault, failure);
    this.#active.delete(fault.id);
    this.#recorder.nemesis(`stop-${fault.intent.kind}`, evidence);
    this.#write({ type: "stop", time, faultId: fault.id, evidence });
  }

  async #heal(fault: ResolvedFault, failure: string | undefined): Promise<Evidence> {
    const lost = (summary: string): Evidence => ({
      faultId: fault.id,
      landed: false,
      summary,
      mechanism: "none",
      measured: {},
    });
    try {
      const evidence = await this.#environment.heal(fault.id);
      return failure === undefined ? evidence : lost(failure);
    } catch (error) {
      return lost(failure ?? `could not be healed: ${oneLine(error)}`);
    }
  }

  #write(record: FaultRecord): void {
    this.#file.append(record);
  }
}
