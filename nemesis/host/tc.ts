// Traffic control, typed: batches that make the lines of an egress plan wait, and a reader of what
// `tc -s -j` counts. Lines of two generations may stand side by side: a new plan gets classes of its
// own, so that datagrams still waiting in the old ones are not lost.

import type { DelayMechanism, EgressPlan, Shaper } from "./delay-line.js";

/** Handle of our root qdisc. Datagrams that no rule sorts into a class pass it at once. */
const ROOT = "1:";

/** Bytes that every datagram counts for, by mpu; links carry at most 1,400 bytes of payload. */
const PLUG_BYTES = 1_500;

/** Datagrams that may stand in one HTB line, plugs included, which bounds the wait to four times what
 * was asked; more are dropped and counted. */
export const LINE_PACKETS_MAX = 4;

const NETEM_PACKETS_MAX = 10_000;

export type Generation = 0 | 1;

export type ClassId = `1:${string}`;

/** The class of a pool's line; 2,047 lines a generation at most. */
export function classOf(
  plan: EgressPlan,
  generation: Generation,
  pool: number,
  line: number,
): ClassId {
  const before = plan.pools.slice(0, pool).reduce((sum, each) => sum + each.waitsMs.length, 0);
  const minor = generation * 0x800 + 1 + before + line;
  if (before + line >= 0x7ff) throw new RangeError("an egress plan has more than 2,047 lines");
  return `1:${minor.toString(16)}`;
}

/** Every class of the plan, pool by pool. */
export function classesOf(plan: EgressPlan, generation: Generation): ClassId[] {
  return plan.pools.flatMap((pool, index) =>
    pool.waitsMs.map((_, line) => classOf(plan, generation, index, line)),
  );
}

/** What has no class leaves at once, but may meet others that do. */
const DIRECT_PACKETS_MAX = 1_000;

/**
 * The root qdisc; done once, as replacing it would drop what waits. A class of HTB has a queue from its
 * beginning, as long as the device's: where that is short, no line needs a qdisc of its own, which would
 * double the work.
 */
export function rootLines(device: string): string[] {
  return [
    `qdisc add dev ${device} root handle ${ROOT} htb default 0 direct_qlen ${DIRECT_PACKETS_MAX}`,
  ];
}

/** Removes a root qdisc that an earlier run left on the device, if `qdiscs` has it. */
export function leftoverLines(device: string, qdiscs: readonly QdiscStats[]): string[] {
  const ours = qdiscs.some((each) => each.kind === "htb" && each.handle === ROOT);
  return ours ? [`qdisc del dev ${device} root`] : [];
}

/** Lines of `tc -batch` that remove the classes of an older plan of this generation. */
export function deleteLines(device: string, classes: readonly ClassId[]): string[] {
  return classes.map((id) => `class del dev ${device} classid ${id}`);
}

/** Lines of `tc -batch` that add all classes of the plan. `hasShortQueues`: the device's queue has LINE_PACKETS_MAX. */
export function addLines(
  device: string,
  plan: EgressPlan,
  generation: Generation,
  { mechanism, hasShortQueues }: { mechanism: DelayMechanism; hasShortQueues: boolean },
): string[] {
  return plan.pools.flatMap((pool, index) =>
    pool.waitsMs.flatMap((waitMs, line) => {
      const id = classOf(plan, generation, index, line);
      const handle = `${id.slice(2)}:`;
      const leaf = `qdisc add dev ${device} parent ${id} handle ${leafMajor(handle)}`;
      if (mechanism === "htb") {
        const rate = `${rateFor(waitMs)}bit burst 1 cburst 1`;
        const shape = `htb rate ${rate} mpu ${PLUG_BYTES} quantum ${PLUG_BYTES}`;
        return [
          `class add dev ${device} parent ${ROOT} classid ${id} ${shape}`,
          ...(hasShortQueues ? [] : [`${leaf} pfifo limit ${LINE_PACKETS_MAX}`]),
        ];
      }
      const wait = `delay ${us(waitMs)} ${us(pool.jitterMs)}`;
      return [
        `class add dev ${device} parent ${ROOT} classid ${id} htb rate 10gbit quantum ${PLUG_BYTES}`,
        `${leaf} netem limit ${NETEM_PACKETS_MAX} ${wait}`,
      ];
    }),
  );
}

/** Classes of shapers begin here; those of lines end long before. */
const SHAPERS_FIRST = 0xf000;

/** The class through which everything to the node of this index goes that has no other; 250 at most. */
export function shaperClassOf(nodeIndex: number): ClassId {
  if (nodeIndex < 0 || nodeIndex >= 250) throw new RangeError(`no class for node ${nodeIndex}`);
  return `1:${(SHAPERS_FIRST + nodeIndex).toString(16)}`;
}

/** Whose shaper the class is; undefined where it is none's. */
export function shaperIndexOf(id: string): number | undefined {
  const minor = Number.parseInt(id.split(":")[1] ?? "", 16);
  return minor >= SHAPERS_FIRST ? minor - SHAPERS_FIRST : undefined;
}

/**
 * Lines of `tc -batch` that bring the shaper of a node to this state; undefined opens it, and lets out what
 * waits. A change keeps what waits, so a shaper that was made stays.
 */
export function shaperLines(
  device: string,
  nodeIndex: number,
  shaper: Shaper | undefined,
  isNew: boolean,
): string[] {
  const id = shaperClassOf(nodeIndex);
  const qdisc = `dev ${device} parent ${id} handle ${leafMajor(`${id.slice(2)}:`)}`;
  const bucket = `tbf ${bucketOf(shaper)}`;
  if (!isNew) return [`qdisc change ${qdisc} ${bucket}`];
  return [
    `class add dev ${device} parent ${ROOT} classid ${id} htb rate 10gbit quantum ${PLUG_BYTES}`,
    `qdisc add ${qdisc} ${bucket}`,
  ];
}

/** A frame of Ethernet, which a bucket must hold at least. */
const FRAME_BYTES = 1_600;

/** Bytes that wait behind a clog. More might fill the sender's socket, and with it its other links. */
const CLOGGED_BYTES_MAX = 64_000;

/**
 * A narrow link holds a tenth of a second's bytes, as everywhere. A clogged one gains a byte a second, and a
 * plug has taken the 1,600 with which it began, for every datagram counts for 1,500 at least.
 */
function bucketOf(shaper: Shaper | undefined): string {
  if (shaper === undefined) return "rate 10gbit burst 1mb limit 1mb";
  if (shaper.kind === "clog") {
    return `rate 8bit burst ${FRAME_BYTES} mpu ${PLUG_BYTES} limit ${CLOGGED_BYTES_MAX}`;
  }
  const { bytesPerSecond } = shaper;
  const burst = Math.max(FRAME_BYTES, Math.round(bytesPerSecond / 100));
  const limit = Math.max(FRAME_BYTES, Math.round(bytesPerSecond / 10));
  return `rate ${Math.max(1, Math.round(bytesPerSecond * 8))}bit burst ${burst} limit ${limit}`;
}

export type QdiscStats = {
  kind: string;
  handle: string;
  /** The class it belongs to, e.g. "1:10"; absent for the root. */
  parent?: string;
  packets: number;
  drops: number;
  /** How often one had to wait for tokens. */
  overlimits: number;
  /** Datagrams waiting in it now. */
  qlen: number;
};

/** Reads `tc -s -j qdisc show`. Throws where the text is not what tc prints. */
export function parseQdiscs(json: string): QdiscStats[] {
  const parsed: unknown = json.trim() === "" ? [] : JSON.parse(json);
  if (!Array.isArray(parsed)) throw new SyntaxError("tc -j printed no list of qdiscs");
  return parsed.map((each: unknown) => {
    const kind = field(each, "kind");
    const handle = field(each, "handle");
    const parent = field(each, "parent");
    if (typeof kind !== "string" || typeof handle !== "string") {
      throw new SyntaxError(
        `tc -j printed a qdisc without kind or handle: ${JSON.stringify(each)}`,
      );
    }
    const stats: QdiscStats = {
      kind,
      handle,
      packets: numberOf(field(each, "packets")),
      drops: numberOf(field(each, "drops")),
      overlimits: numberOf(field(each, "overlimits")),
      qlen: numberOf(field(each, "qlen")),
    };
    if (typeof parent === "string") stats.parent = parent;
    return stats;
  });
}

/** Bits a second at which one datagram of PLUG_BYTES takes waitMs. */
function rateFor(waitMs: number): number {
  return Math.max(8, Math.round((PLUG_BYTES * 8 * 1_000) / waitMs));
}

/** Leaf handles share a number space with the root's major 1. */
function leafMajor(handle: string): string {
  return `${(Number.parseInt(handle, 16) + 0x10).toString(16)}:`;
}

function us(ms: number): string {
  return `${Math.round(ms * 1_000)}us`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
