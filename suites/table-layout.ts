// Columns of text for a terminal: numbers to the right, words to the left.

export function layoutTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)];
}

function pad(cell: string, width: number): string {
  return /^[\d.,]+( ?[%s])?$/.test(cell) ? cell.padStart(width) : cell.padEnd(width);
}
