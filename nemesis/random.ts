// Seeded randomness: the only source of chance in the pure parts. A generator is forked by label from
// its origin, not from its position, so that a new draw in one place moves no draw in another.
// Source: Blackman and Vigna, xoshiro128** 1.1 (2018); the mixer is MurmurHash3's finalizer.

export interface Random {
  /** An independent generator; the same label gives the same one, however much was drawn here. */
  fork(label: string): Random;
  /** Uniform in 0 .. bound − 1, without bias; bound is an integer in 1 .. 2^53 − 1. */
  int(bound: number): number;
  /** Uniform in [0, 1), 53 bits. */
  float(): number;
  /** A uniform element; throws on an empty list. */
  pick<T>(items: readonly T[]): T;
  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** True with this probability (0 .. 1). */
  chance(probability: number): boolean;
  /** Exponentially distributed with this mean. */
  exponential(mean: number): number;
}

/** `seed` is an integer in 0 .. 2^53 − 1. The sequence of a seed never changes: tests pin it. */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`a seed is an integer from 0 to 2^53 - 1, not ${seed}`);
  }
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32);
  return randomOf([
    mix(low ^ 0x9e3779b9),
    mix(high ^ 0x85ebca6b),
    mix(low),
    mix(high ^ 0xc2b2ae35),
  ]);
}

/** Four 32-bit words from which a generator, and every generator forked from it, follows. */
type Origin = readonly [number, number, number, number];

function randomOf(origin: Origin): Random {
  let [a, b, c, d] = stateOf(origin);

  const word = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
  const bits53 = (): number => (word() >>> 5) * 2 ** 26 + (word() >>> 6);
  const float = (): number => bits53() / 2 ** 53;
  const int = (bound: number): number => {
    if (!Number.isSafeInteger(bound) || bound < 1) {
      throw new RangeError(`a bound is an integer from 1 to 2^53 - 1, not ${bound}`);
    }
    const range = bound <= 2 ** 32 ? 2 ** 32 : 2 ** 53;
    const limit = range - (range % bound); // What lies above would favour the small results.
    for (;;) {
      const drawn = range === 2 ** 32 ? word() : bits53();
      if (drawn < limit) return drawn % bound;
    }
  };
  const pick = <T>(items: readonly T[]): T => {
    if (items.length === 0) throw new RangeError("cannot pick from an empty list");
    for (const item of items.slice(int(items.length))) return item;
    throw new RangeError("unreachable: a drawn index lies inside the list");
  };
  const shuffle = <T>(items: readonly T[]): T[] => {
    const left = [...items];
    const shuffled: T[] = [];
    while (left.length > 0) shuffled.push(...left.splice(int(left.length), 1));
    return shuffled;
  };
  return {
    fork: (label) => randomOf(absorb(origin, label)),
    int,
    float,
    pick,
    shuffle,
    chance: (probability) => float() < probability,
    exponential: (mean) => -Math.log(1 - float()) * mean,
  };
}

/** xoshiro's state must not be all zeros; the constants and the mixer see to that. */
function stateOf([a, b, c, d]: Origin): [number, number, number, number] {
  const first = mix(a ^ 0x243f6a88);
  const second = mix(b ^ first ^ 0x85a308d3);
  const third = mix(c ^ second ^ 0x13198a2e);
  const fourth = mix(d ^ third ^ 0x03707344);
  return [first, second, third, fourth | 1];
}

function absorb(origin: Origin, label: string): Origin {
  let [a, b, c, d] = origin;
  const take = (value: number): void => {
    a = mix(a ^ value);
    b = mix((b + a) ^ 0x9e3779b9);
    c = mix((c ^ rotateLeft(b, 13)) + 0x85ebca6b);
    d = mix((d + c) ^ rotateLeft(a, 7));
  };
  for (let index = 0; index < label.length; index++) take(label.charCodeAt(index));
  take(0x10000 + label.length); // No code unit: so labels cannot run into one another.
  take(0x1ffff);
  return [a, b, c, d];
}

function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
