// `ordeal check FILE… --model NAME`: histories from anywhere, judged without a cluster.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { TransactionOptions } from "../../checker/cycles/check-transactions.js";
import { modelNamed, modelNames } from "../../checker/cycles/consistency-models.js";
import type { RegisterAssumptions } from "../../checker/cycles/register-versions.js";
import type { HistoryFormat } from "../../checker/formats/history-builder.js";
import type { HistoryVerdict } from "../../checker/judge-history.js";
import type { ModelOptions } from "../../checker/models/named.js";
import { type Ending, worstOf } from "../exit-code.js";
import { modelOf } from "../histories/judge-file.js";
import { type JudgeRequest, judgeFiles } from "../histories/judge-files.js";
import type { JudgeAnswer } from "../histories/task.js";
import { smallestLines, stemOf, writeMinimal } from "../minimal-history.js";
import type { Output } from "../progress.js";
import { oneLine } from "../usage-error.js";
import { verdictLines, wordOf } from "../verdict-lines.js";
import { positive, type RawModelOptions, requireOneFile, wrong } from "./check-options.js";

const FORMATS: readonly HistoryFormat[] = ["json-lines", "json", "edn", "log"];

/** Judges each file; the worst decides. What is no history goes to `complain`, a line each. Rejects with UsageError before anything is judged. */
export async function checkModelCommand(
  paths: readonly string[],
  raw: RawModelOptions & { model: string },
  output: Output,
  complain: (text: string) => void,
): Promise<Ending> {
  const request = parseRequest(raw);
  await modelOf(request.model);
  const endings: Ending[] = [];
  const { store = "store", minimal } = raw;
  requireOneFile(paths, minimal);
  await judgeFiles(paths, request, (path, answer) => {
    const kept = keepMinimal(path, answer, request, store, minimal);
    if (raw.json === true) output.line(JSON.stringify(reportOf(path, answer, request, kept)));
    else if (answer.kind === "unusable") complain(answer.message);
    else for (const line of linesOf(path, answer, kept)) output.line(line);
    endings.push(endingOf(answer));
  });
  return worstOf(endings);
}

function parseRequest(raw: RawModelOptions & { model: string }): JudgeRequest {
  const { model, initial, independent = false } = raw;
  const format = FORMATS.find((name) => name === raw.format);
  if (raw.format !== undefined && format === undefined) {
    throw wrong("format", FORMATS.join(", "), raw.format);
  }
  return {
    model,
    independent,
    transactions: transactionOptions(raw),
    ...(initial === undefined ? {} : { initial: parseValue(initial) }),
    ...(format === undefined ? {} : { format }),
    ...conventions(raw),
    budgetSeconds: positive("budget-time", "seconds", raw.budgetTime ?? "60"),
    budgetBytes: positive("budget-memory", "megabytes", raw.budgetMemory ?? "2048") * 2 ** 20,
    jobs: positive("jobs", "a count", raw.jobs ?? String(availableParallelism())),
  };
}

function conventions({ nilReads, failedCas }: RawModelOptions): ModelOptions {
  const options: ModelOptions = {};
  if (nilReads === "unknown" || nilReads === "nothing") options.nilRead = nilReads;
  else if (nilReads !== undefined) throw wrong("nil-reads", "unknown or nothing", nilReads);
  if (failedCas === "no-effect" || failedCas === "mismatch") options.failedCas = failedCas;
  else if (failedCas !== undefined) throw wrong("failed-cas", "no-effect or mismatch", failedCas);
  return options;
}

/** Elle's assumptions about single keys, by their names there. */
const ASSUMPTIONS = new Map<string, keyof RegisterAssumptions>([
  ["wfr-keys", "wfrKeys"],
  ["sequential-keys", "sequentialKeys"],
  ["linearizable-keys", "linearizableKeys"],
]);

function transactionOptions({ consistencyModel, assume }: RawModelOptions): TransactionOptions {
  if (consistencyModel !== undefined && modelNamed(consistencyModel) === undefined) {
    throw wrong("consistency-model", `one of ${modelNames().join(", ")}`, consistencyModel);
  }
  const options: TransactionOptions =
    consistencyModel === undefined ? {} : { model: consistencyModel };
  for (const name of (assume ?? "").split(",")) {
    const key = ASSUMPTIONS.get(name);
    if (key !== undefined) options[key] = true;
    else if (name !== "") throw wrong("assume", [...ASSUMPTIONS.keys()].join(", "), name);
  }
  return options;
}

/** JSON, or the text itself. */
function parseValue(text: string): unknown {
  if (text === "nil") return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function endingOf(answer: JudgeAnswer): Ending {
  return answer.kind === "verdict" ? answer.verdict["valid?"] : answer.kind;
}

type Kept = { file: string; command: string } | { failed: string } | undefined;

/** Writes the smallest history that still fails, where there is one. */
function keepMinimal(
  path: string,
  answer: JudgeAnswer,
  request: JudgeRequest,
  store: string,
  named: string | undefined,
): Kept {
  if (answer.kind !== "verdict" || answer.verdict.minimal === undefined) return undefined;
  const file = named ?? join(store, "minimal", `${stemOf(path)}.jsonl`);
  try {
    writeMinimal(file, answer.verdict.minimal);
  } catch (error) {
    return { failed: oneLine(error) };
  }
  return { file, command: commandOf(file, answer.verdict, request) };
}

function commandOf(file: string, verdict: HistoryVerdict, request: JudgeRequest): string {
  const { model, independent } = request;
  const { nilRead, failedCas } = verdict.conventions ?? {};
  const words = ["ordeal check", file, "--model", model];
  if (verdict.initial !== undefined)
    words.push("--initial", `'${JSON.stringify(verdict.initial)}'`);
  if (nilRead !== undefined) words.push("--nil-reads", nilRead);
  if (failedCas !== undefined) words.push("--failed-cas", failedCas);
  if (independent) words.push("--independent");
  return words.join(" ");
}

function linesOf(path: string, answer: JudgeAnswer, kept: Kept): string[] {
  if (answer.kind !== "verdict") return [`${path}: the check crashed: ${answer.message}`];
  const { verdict, notes, operations, readMs, checkMs } = answer;
  const lines = [...notes.map((note) => `note: ${note}`), ...verdictLines(verdict)];
  if (kept !== undefined) {
    if ("failed" in kept) lines.push(`note: the smallest history is not kept: ${kept.failed}`);
    else lines.push(...smallestLines(kept.file, kept.command));
  }
  const times = `read in ${readMs.toFixed(0)} ms, judged in ${checkMs.toFixed(1)} ms`;
  lines.push(`${path}: ${wordOf(verdict["valid?"])}  (${operations} operations, ${times})`);
  return lines;
}

/** One line of JSON for machines. */
function reportOf(path: string, answer: JudgeAnswer, { model }: JudgeRequest, kept: Kept): unknown {
  if (answer.kind !== "verdict") return { file: path, model, error: answer.message };
  const { verdict, operations, notes, readMs, checkMs } = answer;
  const { cause, checks } = verdict;
  return {
    file: path,
    model,
    "valid?": verdict["valid?"],
    ...(cause === undefined ? {} : { cause }),
    operations,
    readMs,
    checkMs,
    checks,
    notes,
    ...(kept !== undefined && "file" in kept ? { minimal: kept } : {}),
  };
}
