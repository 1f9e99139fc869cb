// Tools that stay: iptables-restore, tc and nft read commands from their stdin one after the other, so one
// process of each serves a namespace for as long as it lives, where a process for every command would cost
// ten times what the command does. Here is how each is fed, and how the end of its answer is known. Pure.

import type { IptablesBackend } from "./iptables.js";

/** What a command is for a tool that stands. */
export type ToolRequest = {
  /** For its stdin. */
  text: string;
  /** Given all that it has said since, on stdout and stderr; undefined while there is more to come. */
  answer: (said: string) => { exitCode: number; said: string } | undefined;
};

export type StandingTool = {
  /** Names it among the tools of one shell. */
  name: string;
  /** What sh starts it with; its output must not wait for more. It ends where a command fails, or says so. */
  start: string;
  /** The same as this command with this stdin; undefined where the tool is another's. */
  ask: (argv: readonly string[], stdin: string, mark: string) => ToolRequest | undefined;
};

export const STANDING_TOOLS: readonly StandingTool[] = [
  restoreTool("legacy"),
  restoreTool("nft"),
  { name: "tc", start: "tc -s -j -batch -", ask: askTc },
  // Its history would be written to the user's home.
  { name: "nft", start: "HOME=/dev/null stdbuf -oL nft -i", ask: askNft },
];

/** A COMMIT ends a transaction, and verbose prints comments. */
function restoreTool(backend: IptablesBackend): StandingTool {
  const program = `iptables-${backend}-restore`;
  return {
    name: program,
    start: `stdbuf -oL ${program} --noflush --verbose -w 5`,
    ask(argv, stdin, mark) {
      if (argv[0] !== program || argv[1] !== "--noflush") return undefined;
      const end = `# ${mark}\n`;
      return {
        text: `${withNewline(stdin)}${end}`,
        answer: (said) =>
          said.endsWith(end) ? { exitCode: 0, said: said.slice(0, -end.length) } : undefined,
      };
    },
  };
}

/** As JSON, every question is answered with one line; the last question is ours. */
function askTc(argv: readonly string[], stdin: string): ToolRequest | undefined {
  const [program, first, second, ...rest] = argv;
  if (program !== "tc") return undefined;
  const batch = first === "-batch";
  if (!batch && (first !== "-s" || second !== "-j")) return undefined;
  const answers = batch ? 0 : 1;
  const text = batch ? withNewline(stdin) : `${rest.join(" ")}\n`;
  return {
    text: `${text}qdisc show dev lo\n`,
    answer(said) {
      const lines = said.split("\n").filter((line) => line.endsWith("]"));
      if (lines.length <= answers) return undefined;
      return { exitCode: 0, said: batch ? "" : (lines[0] ?? "") };
    },
  };
}

/** A line is a transaction, and what is no command is said again. */
function askNft(argv: readonly string[], stdin: string, mark: string): ToolRequest | undefined {
  const [program, first, ...rest] = argv;
  if (program !== "nft" || first === undefined) return undefined;
  const line = first === "-f" ? stdin.trim().replaceAll("\n", "; ") : [first, ...rest].join(" ");
  const end = new RegExp(`^Error: .*\\n${mark}\\n *\\^+\\n`, "m");
  return {
    text: `${line}\n${mark}\n`,
    answer(said) {
      const at = end.exec(said)?.index;
      if (at === undefined) return undefined;
      const answered = said.slice(0, at);
      return { exitCode: /^Error: /m.test(answered) ? 1 : 0, said: answered };
    },
  };
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
