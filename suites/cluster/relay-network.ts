// The relay as a network that can be harmed.

import type { Evidence, ResolvedFault } from "../../nemesis/faults.js";
import { composeLinks } from "../../nemesis/links.js";
import type { FaultyNetwork } from "./cluster-environment.js";
import { networkEvidence } from "./relay-evidence.js";
import type { LinkTraffic } from "./relay-link.js";
import type { RelayProcess } from "./relay-process.js";

export class RelayNetwork implements FaultyNetwork {
  readonly #relay: RelayProcess;
  /** The counters as they stood when each fault began. */
  readonly #before = new Map<string, readonly LinkTraffic[]>();

  constructor(relay: RelayProcess) {
    this.#relay = relay;
  }

  async apply(active: readonly ResolvedFault[]): Promise<void> {
    const begun = active.filter(({ id }) => !this.#before.has(id));
    if (begun.length > 0) {
      const traffic = await this.#relay.traffic();
      for (const { id } of begun) this.#before.set(id, traffic);
    }
    await this.#relay.setRules(composeLinks(active));
  }

  async evidence(fault: ResolvedFault): Promise<Evidence> {
    const before = this.#before.get(fault.id);
    if (before === undefined) throw new Error(`fault ${fault.id} never began`);
    return networkEvidence(fault, before, await this.#relay.traffic());
  }
}
