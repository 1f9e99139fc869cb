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

/** Columns of one block of memory, one after the other: many blocks cost more than small histories. */
export function columnsIn(memory: ArrayBuffer): (length: number) => Int32Array<ArrayBuffer> {
  let end = 0;
  return (length) => {
    const start = end;
    end += 4 * length;
    return new Int32Array(memory, start, length);
  };
}
