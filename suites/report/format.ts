// Numbers and times as the report prints them, the same on every machine.

/** 1234567 → "1,234,567". */
export function grouped(n: number): string {
  return String(n).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ",");
}

/** ns → "12.3 s", "45 ms", "8 µs". */
export function duration(ns: number): string {
  const whole = Math.round(ns / 1e9);
  if (whole >= 60) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(1)} s`;
  if (ns >= 1e6) return `${Math.round(ns / 1e6)} ms`;
  return `${Math.round(ns / 1e3)} µs`;
}

/** ns since the start → "12.345 s". */
export function moment(ns: number): string {
  return `${(ns / 1e9).toFixed(3)} s`;
}

/** The first twelve characters of a digest; the whole stands in the title. */
export function shortDigest(digest: string): string {
  return digest.length > 12 ? `${digest.slice(0, 12)}…` : digest;
}

/** "1 fault", "2 faults". */
export function counted(n: number, noun: string): string {
  return `${grouped(n)} ${noun}${n === 1 ? "" : "s"}`;
}
