// The beginning of a text that is wrong, fit for one line of any terminal.

const CHARACTERS_SHOWN = 48;

export function excerpt(text: string): string {
  const printable = text.slice(0, CHARACTERS_SHOWN).replace(/[^\x20-\x7e]/g, "?");
  if (text.length <= CHARACTERS_SHOWN) return `"${printable}"`;
  return `"${printable}…" (${text.length} characters)`;
}
