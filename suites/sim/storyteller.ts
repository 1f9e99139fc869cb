// A run as a story: what clients asked, what broke, what the replicas made of it, and how it ended. What
// several replicas do one after the other is one event of it.

import { describeIntent } from "../../nemesis/describe.js";
import type { CoreEvent } from "../../node/core/step.js";
import { nameOf } from "./names.js";
import type { SimResult } from "./simulate.js";
import { describeScenario } from "./story.js";
import type { World } from "./world.js";

type Happening = { atUs: number; who: string[]; what: string };

/** The last so many events are told; what came before them is counted. */
const EVENTS_MAX = 20;
const REASONS_MAX = 10;

export class Storyteller {
  readonly #happenings: Happening[] = [];
  #nowUs = () => 0;

  /** Call before the simulation begins. */
  listen(world: World): void {
    this.#nowUs = () => world.queue.nowUs;
    world.watch.onCoreEvent = (id, event) => {
      const what = wordsOf(event);
      if (what !== undefined) this.#note(nameOf(id), what);
    };
    world.watch.onProcessEnd = (id, ended) => {
      this.#note(
        nameOf(id),
        ended.how === "exit" ? `ends: ${ended.message}` : `ends (${ended.how})`,
      );
    };
  }

  tell(result: SimResult): string[] {
    const { verdict } = result;
    const told = this.#happened(result);
    const tail = told.slice(-EVENTS_MAX);
    const before = told.slice(0, -EVENTS_MAX);
    const shown = [...before.filter(({ what }) => /^(begins|ends): /.test(what)), ...tail];
    const left = told.length - shown.length;
    return [
      ...describeScenario({ ...result, faults: [] }),
      ...(left > 0 ? [`  … and ${left} events before the last ${EVENTS_MAX}`] : []),
      ...shown.map(({ atUs, who, what }) => {
        return `  ${(atUs / 1_000).toFixed(3).padStart(11)} ms  ${who.join(", ")} ${what}`;
      }),
      ...problemLines(verdict),
    ];
  }

  /** Events of the story, the beginnings and ends of faults left out. */
  eventCount(result: SimResult): number {
    return this.#happened({ ...result, faults: [] }).length;
  }

  #happened({ record, faults }: SimResult): Happening[] {
    const told = [...this.#happenings];
    for (const { type, process, time, f, value, error } of record.history) {
      if (process === "nemesis") continue;
      const words =
        type === "invoke"
          ? `asks ${f} ${JSON.stringify(value)}`
          : `hears ${type} ${error ?? JSON.stringify(value)}`;
      told.push({ atUs: time / 1_000, who: [`process ${process}`], what: words });
    }
    for (const fault of faults) {
      const words =
        fault.type === "start"
          ? `begins: ${describeIntent(fault.fault.intent)} → ${fault.fault.nodes.join(",")}`
          : `ends: ${fault.evidence.summary}`;
      const id = fault.type === "start" ? fault.fault.id : fault.faultId;
      told.push({ atUs: fault.time / 1_000, who: [id], what: words });
    }
    return told.sort((a, b) => a.atUs - b.atUs);
  }

  #note(who: string, what: string): void {
    const last = this.#happenings.at(-1);
    if (last?.what === what && !last.who.includes(who)) last.who.push(who);
    else this.#happenings.push({ atUs: this.#nowUs(), who: [who], what });
  }
}

/** The first problem with its reasons, the others in a line each. */
function problemLines({ checks }: SimResult["verdict"]): string[] {
  const problems = Object.entries(checks).filter(([, { valid }]) => valid !== true);
  return problems.flatMap(([name, { summary, explanation = [] }], index) => [
    `  ${name}: ${summary}`,
    ...(index > 0 ? [] : explanation.slice(0, REASONS_MAX).map((line) => `    ${line}`)),
  ]);
}

/** Undefined for what goes on all the time. */
function wordsOf(event: CoreEvent): string | undefined {
  switch (event.kind) {
    case "view-change-started":
      return `asks for view ${event.view} (${event.reason})`;
    case "view-entered":
      return `enters view ${event.view}`;
    case "executed":
      return `executes seq ${event.seq}`;
    case "checkpoint-stable":
      return `holds seq ${event.seq} for stable`;
    case "state-transfer-started":
      return `fetches the state of seq ${event.seq}`;
    case "state-transfer-finished":
      return `has the state of seq ${event.seq}`;
    case "diverged":
      return `finds its state of seq ${event.seq} wrong`;
    case "ignored":
      return undefined;
    default:
      return event satisfies never;
  }
}
