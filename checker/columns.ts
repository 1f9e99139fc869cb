// One cell of a column. The index must be within it; these say so once, for all who know it is.

export function int(column: Int32Array, index: number): number {
  return column[index] ?? 0;
}

export function byte(column: Uint8Array, index: number): number {
  return column[index] ?? 0;
}

export function float(column: Float64Array, index: number): number {
  return column[index] ?? Number.NaN;
}
