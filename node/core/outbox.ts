// Collects the effects of one step, in order. Whatever may cost no fsync of its own (the commit
// certificates of executed slots) joins the log in front of the next record that must be durable.

import type { LogRecord } from "./log.js";
import type { Message, PrincipalId } from "./messages.js";
import type { Replica } from "./state.js";
import type { CoreEvent, Effect, TimerName } from "./step.js";

export class Outbox {
  readonly effects: Effect[] = [];
  private readonly replica: Replica;

  constructor(replica: Replica) {
    this.replica = replica;
  }

  /** Nothing after this leaves the machine before the record is durable. */
  persist(record: LogRecord): void {
    this.logCommitted();
    this.effects.push({ kind: "persist", record, later: false });
  }

  /** Into the log in front of the next record that must be durable. */
  persistLater(record: LogRecord): void {
    this.effects.push({ kind: "persist", record, later: true });
  }

  /** Replaces the log; the records given hold everything that is still needed. */
  compact(records: readonly LogRecord[]): void {
    this.replica.committedUnlogged = [];
    this.effects.push({ kind: "compact", records });
  }

  send(to: PrincipalId, message: Message): void {
    this.effects.push({ kind: "send", to: [to], message });
  }

  /** To every other replica. */
  broadcast(message: Message): void {
    this.effects.push({ kind: "send", to: this.replica.others, message });
  }

  setTimer(timer: TimerName, delayMs: number): void {
    this.effects.push({ kind: "set-timer", timer, delayMs });
  }

  cancelTimer(timer: TimerName): void {
    this.effects.push({ kind: "cancel-timer", timer });
  }

  event(event: CoreEvent): void {
    this.effects.push({ kind: "event", event });
  }

  ignored(message: string, from: PrincipalId, reason: string): void {
    this.event({ kind: "ignored", message, from, reason });
  }

  /** Puts what waits into the log, though nothing else goes there now. */
  logCommitted(): void {
    for (const seq of this.replica.committedUnlogged) {
      const slot = this.replica.slots.get(seq);
      const certificate = slot?.committed;
      if (slot === undefined || certificate === undefined) continue; // below the stable checkpoint
      const body = slot.bodies.get(certificate.digest);
      const requests = body?.logged === true ? [] : certificate.requests;
      if (body !== undefined) body.logged = true;
      this.persistLater({ kind: "committed", certificate: { ...certificate, requests } });
    }
    this.replica.committedUnlogged = [];
  }
}
