// Whoever walks a value recursively would end in a stack overflow on what nests without end.

/** Brackets inside each other, in any format. */
export const DEPTH_MAX = 512;

/** Whether JSON text nests deeper than that. Text too short to do so costs nothing. */
export function isTooDeep(text: string): boolean {
  if (text.length <= 2 * DEPTH_MAX) return false;
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isText) {
      if (code === 92) at += 1;
      else if (code === 34) isText = false;
    } else if (code === 34) isText = true;
    else if (code === 91 || code === 123) depth += 1;
    else if (code === 93 || code === 125) depth -= 1;
    if (depth > DEPTH_MAX) return true;
  }
  return false;
}
