// Values of histories, compared by what they are.

/** Deep equality of plain data; objects are equal whatever the order of their keys. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const ofA = new Map<string, unknown>(Object.entries(a));
  const ofB = new Map<string, unknown>(Object.entries(b));
  if (ofA.size !== ofB.size) return false;
  for (const [key, value] of ofA) {
    if (!ofB.has(key) || !sameValue(value, ofB.get(key))) return false;
  }
  return true;
}
