// Power cuts: the process ends as by SIGKILL, and its files are as the disk had them. A node that is down
// already loses what its page cache still held.

import type { FaultKind, ResolvedFault } from "../../nemesis/faults.js";
import { createRandom } from "../../nemesis/random.js";
import { diskUnder } from "./disk-under.js";
import type { Deed, DownHand, EndOfProcess, Launch, NodeHost } from "./node-hand.js";

const END_MS_MAX = 5_000;

export class PowerCutHand implements DownHand {
  readonly kinds: ReadonlySet<FaultKind> = new Set<FaultKind>(["power-cut"]);
  readonly mechanism = "SIGKILL, and an undo of what was not synced";
  readonly #seed: number;
  /** By fault and node. */
  readonly #deeds = new Map<string, Deed>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  prepare(host: NodeHost): Promise<void> {
    return diskUnder(host).prepare();
  }

  launch(host: NodeHost): Launch {
    return { argvPrefix: [], variables: diskUnder(host).variables };
  }

  async bringDown(fault: ResolvedFault, host: NodeHost, end: EndOfProcess): Promise<Deed> {
    const how = await end({ signal: "SIGKILL", deadlineMs: END_MS_MAX });
    const deed = await this.#cut(fault, host);
    return how === "SIGKILL" ? deed : { ...deed, landed: false };
  }

  /** Another fault may have held the node down when the power went. */
  async beforeRestart(fault: ResolvedFault, host: NodeHost): Promise<Deed> {
    return this.#deeds.get(keyOf(fault, host)) ?? this.#cut(fault, host);
  }

  async close(): Promise<void> {
    this.#deeds.clear();
  }

  async #cut(fault: ResolvedFault, host: NodeHost): Promise<Deed> {
    const { intent } = fault;
    if (intent.kind !== "power-cut") throw new RangeError(`${intent.kind} is no power cut`);
    const random = createRandom(this.#seed).fork(`power-cut ${keyOf(fault, host)}`);
    const unsynced = random.pick(["lost", "torn"] as const);
    const disk = diskUnder(host);
    const { lives, unseen } = await disk.counters();
    const loss = await disk.cut(random.int(2 ** 32), intent.unsynced ?? unsynced);
    const { writes, bytes, sectorsLost, sectorsKept, namesUndone } = loss;
    const deed: Deed = {
      landed: lives > 0 && unseen === 0,
      did: `${writes} writes of ${bytes.toLocaleString("en")} bytes were not synced, ${sectorsLost} sectors of them are lost`,
      measured: { writes, bytes, sectorsLost, sectorsKept, namesUndone, unseen },
    };
    this.#deeds.set(keyOf(fault, host), deed);
    return deed;
  }
}

function keyOf({ id }: ResolvedFault, { node }: NodeHost): string {
  return `${id} ${node}`;
}
