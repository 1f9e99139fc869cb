// Reads one history and judges it by a model, which a module of the user's may export.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { HistoryError } from "../../checker/history-error.js";
import { judgeBankTable, judgeHistory } from "../../checker/judge-history.js";
import { JUDGED_NAMES } from "../../checker/judged-names.js";
import type { Model } from "../../checker/models/model.js";
import { readHistoryFile } from "../../checker/read-file.js";
import { readBankTable } from "../../checker/read-history.js";
import { oneLine, UsageError } from "../usage-error.js";
import type { JudgeAnswer, JudgeTask } from "./task.js";

export async function judgeFile(task: JudgeTask): Promise<JudgeAnswer> {
  try {
    const model = await modelOf(task.model);
    const startedAt = performance.now();
    const quick = quickly(task, startedAt);
    if (quick !== undefined) return quick;
    const history = await readHistoryFile(task.path, task.format);
    const readAt = performance.now();
    const { steps, bytes, deadline, path, parts, format: _, model: __, ...options } = task;
    const limits = { steps, bytes, isTimeOver: () => Date.now() > deadline };
    const verdict = judgeHistory(history, model, {
      ...options,
      ...(parts === undefined ? {} : { parts }),
      limits,
      where: ({ invocation }) => `${path}:${history.lines[invocation.index] ?? 0}: `,
    });
    return {
      kind: "verdict",
      verdict,
      operations: history.operations.length,
      notes: history.torn === undefined ? [] : [history.torn],
      readMs: readAt - startedAt,
      checkMs: performance.now() - readAt,
    };
  } catch (error) {
    const isUsage = error instanceof HistoryError || error instanceof UsageError;
    return { kind: isUsage ? "unusable" : "crashed", message: oneLine(error) };
  }
}

/** A bank's history by its columns alone; undefined where that does not decide, or is not all. */
function quickly({ path, model, format = "json-lines" }: JudgeTask, startedAt: number) {
  if (model !== "bank" || format !== "json-lines") return undefined;
  const parsed = readBankTable(path);
  const readAt = performance.now();
  const verdict = parsed === undefined ? undefined : judgeBankTable(parsed);
  if (parsed === undefined || verdict === undefined) return undefined;
  return {
    kind: "verdict" as const,
    verdict,
    operations: parsed.table.count,
    notes: [],
    readMs: readAt - startedAt,
    checkMs: performance.now() - readAt,
  };
}

/** Whether it names a module, and no model of ours. */
export function isModule(model: string): boolean {
  return /[/\\]|\.[cm]?js$/.test(model);
}

/** Throws UsageError. */
export async function modelOf(name: string): Promise<string | Model> {
  if (!isModule(name)) {
    if (JUDGED_NAMES.includes(name)) return name;
    const names = JUDGED_NAMES.join(", ");
    throw new UsageError(
      "unknown-model",
      `no model is called "${name}"; choose from: ${names}; or name a module, as ./my-model.js`,
    );
  }
  let module: Record<string, unknown>;
  try {
    module = await import(pathToFileURL(resolve(name)).href);
  } catch (error) {
    throw new UsageError("model-unreadable", `--model ${name} cannot be loaded: ${oneLine(error)}`);
  }
  const exported = module["model"] ?? module["default"];
  if (isModel(exported)) return exported;
  const wanted = "export const model = { name, init, step(state, call) { … } }";
  throw new UsageError("model-malformed", `--model ${name} exports no model; it wants: ${wanted}`);
}

function isModel(value: unknown): value is Model {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return (
    typeof fields.get("name") === "string" &&
    fields.has("init") &&
    typeof fields.get("step") === "function"
  );
}
