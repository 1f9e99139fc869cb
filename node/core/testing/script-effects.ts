// How a script shows effects: one line each, short enough to read down the page. Statuses, and the
// timers that go on always, are left out: they would drown the story.

import type { LogRecord } from "../log.js";
import type { Message } from "../messages.js";
import type { CoreEvent, Effect, TimerName } from "../step.js";

const SHOWN_TIMERS: ReadonlySet<TimerName> = new Set(["view", "batch"]);

/** Undefined for what a script does not show. */
export function describeEffect(effect: Effect): string | undefined {
  switch (effect.kind) {
    case "persist":
      return `persist ${describeRecord(effect.record)}${effect.later ? " later" : ""}`;
    case "compact":
      return `compact to ${effect.records.length} records`;
    case "send": {
      if (effect.message.kind === "status") return undefined;
      const to = effect.to.map((one) => (one < 256 ? `r${one}` : "client")).join(" ");
      return `send ${describeMessage(effect.message)} to ${to}`;
    }
    case "set-timer":
      return SHOWN_TIMERS.has(effect.timer)
        ? `${effect.timer} timer ${effect.delayMs} ms`
        : undefined;
    case "cancel-timer":
      return SHOWN_TIMERS.has(effect.timer) ? `${effect.timer} timer off` : undefined;
    case "event":
      return describeEvent(effect.event);
    default:
      effect satisfies never;
      return undefined;
  }
}

function describeRecord(record: LogRecord): string {
  switch (record.kind) {
    case "view":
      return `view ${record.view}`;
    case "prepared":
    case "committed": {
      const { view, seq, digest } = record.certificate;
      return `${record.kind} ${view}/${seq} ${digest.slice(0, 4)}`;
    }
    case "stable":
      return `stable ${record.proof[0]?.seq}`;
    case "rejoin":
      return `rejoin ${record.seq}`;
    case "votes-logged":
      return `votes-logged ${record.view} forgotten ${record.forgottenSeq}`;
    case "abstained":
      return `abstained ${describeMessage(record.message)}`;
    default:
      return describeMessage(record.message);
  }
}

function describeMessage(message: Message): string {
  switch (message.kind) {
    case "pre-prepare":
    case "prepare":
    case "commit":
    case "commit-certificate":
      return `${message.kind} ${message.view}/${message.seq} ${message.digest.slice(0, 4)}`;
    case "checkpoint":
      return `checkpoint ${message.seq} ${message.digest.slice(0, 4)}`;
    case "view-change": {
      const prepared = message.prepared.map(({ view, seq }) => `${view}/${seq}`).join(" ");
      return `view-change ${message.view} stable ${message.stableSeq} prepared [${prepared}]`;
    }
    case "new-view": {
      const from = message.viewChanges.map(({ replica }) => `r${replica}`).join(" ");
      const slots = message.prePrepares.map(({ seq, digest }) => `${seq} ${digest.slice(0, 4)}`);
      return `new-view ${message.view} from [${from}] with [${slots.join(", ")}]`;
    }
    case "reply":
      return `reply seq ${message.seq} "${Buffer.from(message.result).toString()}"`;
    case "request":
      return `request ${Buffer.from(message.operation).toString()}`;
    case "fetch":
      return `fetch ${message.digests.length} ${message.what}`;
    case "data":
      return `data of ${message.what}`;
    default:
      return message.kind;
  }
}

function describeEvent(event: CoreEvent): string {
  const { kind, ...rest } = event;
  const fields = Object.values(rest).map((field) =>
    `${field}`.replace(/^([0-9a-f]{4})[0-9a-f]{60}$/, "$1"),
  );
  return `* ${kind} ${fields.join(" ")}`;
}
