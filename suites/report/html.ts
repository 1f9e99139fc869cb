// HTML by template, escaped unless it is HTML already: a report shows what liars and broken clients
// said, so no text of a run may become markup.

/** Markup that is safe to print. Only `html` and `trusted` make it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Fragment = Html | string | number | undefined | readonly Fragment[];

/** Markup from a template; every value in it is escaped, and undefined prints nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  let text = strings[0] ?? "";
  for (const [index, value] of values.entries()) {
    text += `${print(value)}${strings[index + 1] ?? ""}`;
  }
  return new Html(text);
}

/** Our own markup, styles and scripts, taken as they are. */
export function trusted(text: string): Html {
  return new Html(text);
}

/** JSON that may stand inside a script element: no tag and no comment can begin in it. */
export function jsonForScript(value: unknown): Html {
  return new Html(JSON.stringify(value).replaceAll("<", "\\u003c"));
}

function print(value: Fragment): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(print).join("");
  return String(value)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
