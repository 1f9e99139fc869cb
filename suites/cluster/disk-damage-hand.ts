// Damage at rest: while a node is down, its files become what a bad disk, or a bad operator, makes of
// them. What they were and what they are, by size and digest, is the evidence.

import type { DiskDamage, FaultKind, ResolvedFault } from "../../nemesis/faults.js";
import { must } from "../../nemesis/host/shell.js";
import { createRandom, type Random } from "../../nemesis/random.js";
import { diskUnder } from "./disk-under.js";
import type { Deed, DownHand, Launch, NodeHost } from "./node-hand.js";

const LOG = "protocol.log";
const LEDGER = "ledger.sqlite";
/** SQLite's shared memory is made anew at every start. */
const FILES = [LOG, LEDGER, `${LEDGER}-wal`] as const;
/** SQLite's header says whose file it is: one that is not ours is refused, not repaired. Bytes. */
const HEADER_BYTES = 100;

/** Shell functions: $1 is the node's folder. */
const LIST = `cd "$1" && for file in ${FILES.join(" ")}; do
  [ -f "$file" ] && echo "$file $(stat -c %s "$file") $(sha256sum <"$file" | cut -c1-16)"; done; true`;
const WIPE = `cd "$1" && rm -rf ${LOG}* ${LEDGER}* .unsynced`;
/** A copy in $2, of a process $3 that stands still meanwhile, as it does for good where a fault paused it. */
const COPY = `
state() { sed 's/.*) //' "/proc/$1/stat" | cut -c1; }
mkdir -p "$2" && was=$(state "$3") && kill -STOP "$3" || exit 1
until [ "$(state "$3")" = T ]; do sleep 0.01; done
cd "$1" && for file in ${FILES.join(" ")}; do [ ! -f "$file" ] || cp -p "$file" "$2/"; done
code=$?
[ "$was" = T ] || kill -CONT "$3"
exit $code`;
const PUT_BACK = `${WIPE} && cp -p "$2"/* "$1"/`;

type FileState = { size: number; digest: string };
type Files = ReadonlyMap<string, FileState>;

export class DiskDamageHand implements DownHand {
  readonly kinds: ReadonlySet<FaultKind> = new Set<FaultKind>(["disk-damage"]);
  readonly mechanism = "files changed while the node was down";
  readonly #seed: number;
  /** By fault and node: folders with an older state, and what it was. */
  readonly #images = new Map<string, { folder: string; files: Files }>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  async prepare(): Promise<void> {
    // Its tool works on files alone.
  }

  launch(): Launch {
    return { argvPrefix: [], variables: {} };
  }

  async begin(fault: ResolvedFault, host: NodeHost): Promise<void> {
    if (damageOf(fault).damage !== "rolled-back" || host.pid === undefined) return;
    const folder = `${host.runtimeFolder}/image-${fault.id}-${host.node}`;
    await script(host, COPY, host.folder, folder, String(host.pid));
    this.#images.set(keyOf(fault, host), { folder, files: await filesIn(host, folder) });
  }

  endsWhenHealed(fault: ResolvedFault): boolean {
    return damageOf(fault).damage === "rolled-back";
  }

  async beforeRestart(fault: ResolvedFault, host: NodeHost): Promise<Deed> {
    const { damage } = damageOf(fault);
    const random = createRandom(this.#seed).fork(`disk-damage ${keyOf(fault, host)}`);
    const before = await filesIn(host, host.folder);
    const did = await this.#damage(damage, { fault, host, before, random });
    await diskUnder(host).settle();
    const after = await filesIn(host, host.folder);
    const changed = [...before].filter(([name, { digest }]) => after.get(name)?.digest !== digest);
    return {
      landed: did !== undefined && changed.length > 0,
      did: did ?? "there was nothing to damage",
      measured: { before: inWords(before), after: inWords(after) },
    };
  }

  async close(): Promise<void> {
    this.#images.clear(); // The folders go with the runtime folder.
  }

  /** Says what it did; undefined where it could do nothing. */
  async #damage(
    damage: DiskDamage,
    { fault, host, before, random }: Harm,
  ): Promise<string | undefined> {
    if (damage === "wiped") {
      await script(host, WIPE, host.folder);
      return "nothing is left";
    }
    if (damage === "rolled-back") {
      const image = this.#images.get(keyOf(fault, host));
      if (image === undefined) return undefined;
      await script(host, PUT_BACK, host.folder, image.folder);
      return `is again what it was: ${inWords(image.files)}`;
    }
    const file = fileOf(damageOf(fault).file, before, random);
    if (file === undefined) return undefined;
    const skip = file === LEDGER ? HEADER_BYTES : 0;
    const place = { seed: random.int(2 ** 32), skip };
    const { at, length } = await diskUnder(host).damage(file, damage, place);
    return length === 0 ? undefined : `${file} ${damage} at byte ${at}, ${length} bytes`;
  }
}

type Harm = { fault: ResolvedFault; host: NodeHost; before: Files; random: Random };

function damageOf({ intent }: ResolvedFault) {
  if (intent.kind === "disk-damage") return intent;
  throw new RangeError(`${intent.kind} is no damage`);
}

/** The ledger is its database and what has not been moved there from the WAL yet. */
function fileOf(
  wanted: "protocol-log" | "ledger" | undefined,
  before: Files,
  random: Random,
): string | undefined {
  const which = wanted ?? random.pick(["protocol-log", "ledger"] as const);
  const names = which === "ledger" ? [LEDGER, `${LEDGER}-wal`] : [LOG];
  const there = names.filter((name) => (before.get(name)?.size ?? 0) > 0);
  return there.length === 0 ? undefined : random.pick(there);
}

async function filesIn(host: NodeHost, folder: string): Promise<Files> {
  const said = await script(host, LIST, folder);
  return new Map(
    said
      .split("\n")
      .filter((line) => line !== "")
      .map((line): [string, FileState] => {
        const [name = "", size = "", digest = ""] = line.split(" ");
        return [name, { size: Number(size), digest }];
      }),
  );
}

function inWords(files: Files): string {
  const words = [...files].map(([name, { size, digest }]) => `${name} ${size} bytes ${digest}`);
  return words.join(", ") || "no file";
}

async function script(host: NodeHost, text: string, ...words: string[]): Promise<string> {
  return (await must(host.shell, ["sh", "-c", text, "sh", ...words])).stdout;
}

function keyOf({ id }: ResolvedFault, { node }: NodeHost): string {
  return `${id}-${node}`;
}
