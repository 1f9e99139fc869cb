// The liar inside a real replica: loaded by node/runtime/lying.ts, told on the control socket what to lie.
//   {"op":"lie","seed":7,"lies":[{"lie":"equivocate","percent":50}]}   → {"told":{"equivocate":12}}
// The lies of a question take the place of those before it; the answer counts what was told so far.

import { LIES, type Lie } from "../../nemesis/faults.js";
import { createRandom } from "../../nemesis/random.js";
import type { Tongue, TongueGround } from "../../node/runtime/lying.js";
import type { Plot } from "./forge.js";
import { Liar, type ToldLie } from "./liar.js";

export function createTongue({ codec, config, keyring }: TongueGround): Tongue {
  let liar: Liar | undefined;
  let lies: readonly ToldLie[] = [];
  return {
    filter: (to, messages) =>
      lies.length === 0 || liar === undefined ? messages : liar.filter(to, messages, lies),
    spoil: (to, datagram) =>
      lies.length === 0 || liar === undefined ? datagram : liar.spoil(to, datagram, lies),
    answer(question) {
      const seed = question.get("seed");
      if (typeof seed !== "number" || !Number.isSafeInteger(seed)) throw new Error("want a seed");
      lies = liesOf(question.get("lies"));
      const plot: Plot = new Map();
      const random = createRandom(seed).fork(`liar ${keyring.principal}`);
      liar ??= new Liar(codec, config, keyring, { random, plot, happens: () => true });
      return { told: Object.fromEntries(liar.told) };
    },
  };
}

function liesOf(value: unknown): ToldLie[] {
  if (!Array.isArray(value)) throw new Error("want lies: an array");
  return value.map((one: unknown) => {
    const { lie, percent } = Object(one) as Partial<Record<string, unknown>>;
    if (!isLie(lie)) throw new Error(`want lie: ${LIES.join(", ")}`);
    if (typeof percent !== "number" || !(percent >= 0 && percent <= 100)) {
      throw new Error("want percent: 0 to 100");
    }
    return { lie, percent };
  });
}

function isLie(value: unknown): value is Lie {
  return LIES.some((lie) => lie === value);
}
