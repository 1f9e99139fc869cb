// Power cuts: the process ends as by SIGKILL, and its files are as the disk had them: for real, where the
// node has a file system of its own, and by the model of a disk under the process, which alone can tear
// what was not synced. A node that is down already loses what its page cache still held.

import type { FaultKind, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { Ext4Disk } from "../../nemesis/host/ext4-disk.js";
import { ShellError } from "../../nemesis/host/shell.js";
import { createRandom } from "../../nemesis/random.js";
import { programsIn } from "./disk-programs.js";
import { diskUnder } from "./disk-under.js";
import type { Deed, DownHand, EndOfProcess, Launch, Measured, NodeHost } from "./node-hand.js";

const END_MS_MAX = 5_000;
const BY_EXT4 = "SIGKILL, and an ext4 shutdown";

export class PowerCutHand implements DownHand {
  readonly kinds: ReadonlySet<FaultKind> = new Set<FaultKind>(["power-cut"]);
  readonly mechanism = "SIGKILL, and an undo of what was not synced";
  readonly #seed: number;
  /** By fault and node. */
  readonly #deeds = new Map<string, Deed>();
  readonly #ownDisks = new Map<NodeName, Ext4Disk>();
  /** Why a node has none: loop devices are few, and others use them. */
  readonly #refusals = new Map<NodeName, string>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  async prepare(host: NodeHost): Promise<void> {
    const { image, folder, node, shell, ownBuild } = host;
    if (image !== undefined) {
      const { tool } = programsIn(ownBuild);
      const disk = new Ext4Disk(shell, { tool, image, folder });
      try {
        await disk.make();
        this.#ownDisks.set(node, disk);
      } catch (error) {
        if (!(error instanceof ShellError)) throw error;
        this.#refusals.set(node, error.stderr.trim());
      }
    }
    await diskUnder(host).prepare();
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
    await Promise.all([...this.#ownDisks.values()].map((disk) => disk.remove()));
  }

  async #cut(fault: ResolvedFault, host: NodeHost): Promise<Deed> {
    const { intent } = fault;
    if (intent.kind !== "power-cut") throw new RangeError(`${intent.kind} is no power cut`);
    const random = createRandom(this.#seed).fork(`power-cut ${keyOf(fault, host)}`);
    const drawn = random.pick(["lost", "torn"] as const);
    const unsynced = intent.unsynced ?? drawn;
    const ownDisk = unsynced === "torn" ? undefined : this.#ownDisks.get(host.node);
    const { lives, unseen } = await diskUnder(host).counters();
    const loss = await (ownDisk === undefined
      ? this.#undo(host, random.int(2 ** 32), unsynced)
      : shutDown(host, ownDisk));
    const deed: Deed = {
      ...loss,
      landed: loss.landed && lives > 0 && unseen === 0,
      measured: { ...loss.measured, unseen },
    };
    this.#deeds.set(keyOf(fault, host), deed);
    return deed;
  }

  /** By the model. */
  async #undo(host: NodeHost, seed: number, unsynced: "lost" | "torn"): Promise<Deed> {
    const loss = await diskUnder(host).cut(seed, unsynced);
    const { writes, bytes, sectorsLost, sectorsKept, namesUndone } = loss;
    const refusal = this.#refusals.get(host.node);
    const measured: Measured = { writes, bytes, sectorsLost, sectorsKept, namesUndone };
    return {
      landed: true,
      mechanism: this.mechanism,
      did: `${inWords(loss)}, ${sectorsLost} sectors of them are lost`,
      measured: { ...measured, ...(refusal !== undefined && { noExt4: refusal }) },
    };
  }
}

/** For real; the model then begins with what is left. */
async function shutDown(host: NodeHost, ownDisk: Ext4Disk): Promise<Deed> {
  const disk = diskUnder(host);
  const { writes, bytes } = await disk.unsynced();
  const landed = await ownDisk.cut();
  await disk.settle();
  const canaries = landed ? "what was synced is there" : "its canaries do not prove it";
  return {
    landed,
    mechanism: BY_EXT4,
    did: `${inWords({ writes, bytes })}, lost with its ext4; ${canaries}`,
    measured: { writes, bytes, canaries: landed ? "proved" : "not proved" },
  };
}

function inWords({ writes, bytes }: Record<"writes" | "bytes", number>): string {
  return `${writes} writes of ${bytes.toLocaleString("en")} bytes were not synced`;
}

function keyOf({ id }: ResolvedFault, { node }: NodeHost): string {
  return `${id} ${node}`;
}
