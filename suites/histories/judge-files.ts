// Many histories at once: a worker for each, and where one of them has hard parts, a task for each part.

import { mergeValid } from "../../checker/verdict.js";
import { createPool, type Pool } from "./pool.js";
import type { JudgeAnswer, JudgeTask } from "./task.js";

export type JudgeRequest = Omit<JudgeTask, "path" | "steps" | "bytes" | "deadline" | "parts"> & {
  budgetSeconds: number;
  budgetBytes: number;
  jobs: number;
};

/** Steps of a file's first task: about a second. What is open then is divided. */
const UNDIVIDED_STEPS = 5_000_000;

/** Tells `onAnswer` of each file as it is judged, in the order of the paths. */
export async function judgeFiles(
  paths: readonly string[],
  { budgetSeconds, budgetBytes, jobs, ...request }: JudgeRequest,
  onAnswer: (path: string, answer: JudgeAnswer) => void,
): Promise<void> {
  const pool = createPool(jobs, Math.max(64, Math.ceil(budgetBytes / 2 ** 20)));
  let next = 0;
  const answers = new Map<number, JudgeAnswer>();
  let told = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < paths.length; index = next++) {
      const task: JudgeTask = {
        ...request,
        path: paths[index] ?? "",
        steps: UNDIVIDED_STEPS,
        bytes: budgetBytes / 2,
        deadline: Date.now() + 1_000 * budgetSeconds,
      };
      answers.set(index, await judgeWhole(pool, task));
      for (let answer = answers.get(told); answer !== undefined; answer = answers.get(told)) {
        answers.delete(told);
        onAnswer(paths[told] ?? "", answer);
        told += 1;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(jobs, paths.length) }, work));
  } finally {
    await pool.close();
  }
}

async function judgeWhole(pool: Pool, task: JudgeTask): Promise<JudgeAnswer> {
  const first = await pool.judge(task);
  if (first.kind !== "verdict" || first.verdict.cause !== "steps") return first;
  const parts = first.verdict.open ?? [];
  const rest = await Promise.all(
    parts.map((part) => pool.judge({ ...task, parts: [part], steps: Number.POSITIVE_INFINITY })),
  );
  return merged(first, rest);
}

/** The worst decides; where all parts are valid, the whole is. */
function merged(
  first: JudgeAnswer & { kind: "verdict" },
  rest: readonly JudgeAnswer[],
): JudgeAnswer {
  const wrong = rest.find(({ kind }) => kind !== "verdict");
  if (wrong !== undefined) return wrong;
  const verdicts = rest.flatMap((answer) => (answer.kind === "verdict" ? [answer] : []));
  const worst = mergeValid(verdicts.map(({ verdict }) => verdict["valid?"]));
  const deciding = verdicts.find(({ verdict }) => verdict["valid?"] === worst) ?? first;
  const checkMs = Math.max(...verdicts.map((answer) => answer.checkMs)) + first.checkMs;
  return { ...deciding, operations: first.operations, notes: first.notes, checkMs };
}
