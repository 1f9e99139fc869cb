// What a replica has promised to others, and whether its disk covers it. A promise is a vote, or a word
// that binds later ones: a prepare, a commit, a primary's pre-prepare, a checkpoint, a view-change, a
// new-view. It may leave the machine only when a durable record holds it, or, for a prepare or a
// pre-prepare, when one of a vote shortly before it does; and no second promise may ever stand for the same
// thing, whatever crashes come between, not even the same one of a process that cannot know it.
// Source: Castro & Liskov, OSDI '99 §4.2; DEVIATION of node/core/log.ts: the log makes it survive.

import type { LogRecord } from "../../node/core/log.js";
import type {
  Message,
  PrincipalId,
  ReplicaId,
  Seq,
  View,
  ViewChange,
} from "../../node/core/messages.js";
import { primaryOf } from "../../node/core/quorum.js";
import type { Replica } from "../../node/core/replica.js";
import { VOTES_AHEAD_MAX } from "../../node/core/votes-ahead.js";
import { Violation } from "./violation.js";

type Vote = { kind: string; place: string; value: string; seq: Seq; view: View };

/** Votes remembered before those below the stable checkpoint are forgotten. */
const VOTES_KEPT_MAX = 4_096;

/** What one replica has said and written, over all its processes. */
export class Promises {
  readonly #id: ReplicaId;
  readonly #n: number;
  /** What was said, by kind and place; for good. */
  readonly #said = new Map<string, { value: string; seq: Seq; view: View }>();
  /** What durable records imply, since the log was last cut. */
  #written = new Set<string>();
  /** The last vote with a durable record, in its view: others may run ahead of it. */
  #lastWritten: { view: View; seq: Seq } | undefined;
  /** Prepares and pre-prepares of earlier processes, of which the last one to start found no record. */
  #forgotten = new Map<string, { view: View; seq: Seq }>();
  /** How far, says the log, forgotten votes may have gone. */
  #forgottenWritten: { view: View; seq: Seq } | undefined;
  #stableWritten: Seq = 0;
  /** The view that a durable new-view or view record has entered. */
  #viewWritten: View = -1;
  #viewAskedWritten: View = -1;
  /** By seq: the highest view of a durable certificate that it prepared. */
  #preparedWritten = new Map<Seq, View>();
  /** By turns that are over. */
  #viewAsked: View = 0;
  /** In this turn, by receiver: what leaves in one turn leaves receiver by receiver, in order for each. */
  readonly #viewAskedNow = new Map<PrincipalId, View>();
  /** The highest seq of a prepare or a commit so far, and what it was when the disk was lost. */
  #votedMax: Seq = 0;
  #forgottenMax: Seq = 0;
  /** Commits that were cast and that no checkpoint of a view-change has passed: seq and view. */
  readonly #commits = new Map<Seq, View>();
  /** The last promise that was heard and was in order: who hears it next hears nothing new. */
  #latest: Message | undefined;

  constructor(id: ReplicaId, n: number) {
    this.#id = id;
    this.#n = n;
  }

  /** A process starts with this log. */
  onStart(records: readonly (LogRecord | undefined)[]): void {
    this.#read(records);
    this.#forgotten = new Map();
    for (const [key, { value, view, seq }] of this.#said) {
      // Who lost its disk votes for none of them in any view: #forgottenMax.
      if (!key.startsWith("prepare ") || seq <= this.#forgottenMax) continue;
      if (!this.#written.has(`${key} ${value}`)) this.#forgotten.set(key, { view, seq });
    }
  }

  /** The log as it was left after a cut: the next process has to know as much as this one. */
  onCut(records: readonly (LogRecord | undefined)[]): void {
    this.#read(records);
    if (this.#viewAskedWritten > this.#viewWritten) return; // No vote of that view is cast again.
    for (const { view, seq } of this.#forgottenIn(this.#viewWritten)) {
      const bound = this.#forgottenWritten?.view === view ? this.#forgottenWritten.seq : 0;
      if (seq <= bound || this.#mayRunAhead(view, seq)) continue;
      const what = `r${this.#id}'s cut log does not say that a vote at seq ${seq} may be forgotten`;
      throw new Violation("durable-promises", what);
    }
  }

  /** What it holds as its own vote is none that it has forgotten. */
  checkHeld({ id, view, slots }: Replica): void {
    for (const { seq } of this.#forgottenIn(view)) {
      if (!slots.get(seq)?.prepares.has(id)) continue;
      const what = `r${id} takes a prepare for seq ${seq} of view ${view} for its own`;
      throw new Violation("one-vote", `${what}, where it has forgotten one`);
    }
  }

  /** Above the stable checkpoint. */
  #forgottenIn(current: View): { view: View; seq: Seq }[] {
    if (this.#forgotten.size === 0) return [];
    const above = [...this.#forgotten.values()].filter(({ seq }) => seq > this.#stableWritten);
    return above.filter(({ view }) => view === current);
  }

  #read(records: readonly (LogRecord | undefined)[]): void {
    this.#written = new Set();
    this.#preparedWritten = new Map();
    this.#lastWritten = undefined;
    this.#forgottenWritten = undefined;
    this.onAppend(records);
  }

  onAppend(records: readonly (LogRecord | undefined)[]): void {
    for (const record of records) if (record !== undefined) this.#cover(record);
  }

  /** The disk was replaced: what was said still stands, what was written does not. */
  onAmnesia(): void {
    this.#written = new Set();
    this.#stableWritten = 0;
    this.#viewWritten = -1;
    this.#viewAskedWritten = -1;
    this.#forgottenMax = this.#votedMax;
  }

  /** What leaves from now on leaves after what left until now. */
  endTurn(): void {
    if (this.#viewAskedNow.size === 0) return;
    this.#viewAsked = Math.max(this.#viewAsked, ...this.#viewAskedNow.values());
    this.#viewAskedNow.clear();
  }

  /** A message leaves. Throws a Violation where it promises what it must not. */
  onSend(message: Message, disk: { clean: boolean }, to: PrincipalId = 0): void {
    if (message === this.#latest) return;
    const vote = this.#voteIn(message);
    if (vote === undefined) return;
    this.#latest = undefined;
    this.#promise(message, vote, disk, to);
    this.#latest = message;
  }

  #promise(message: Message, vote: Vote, disk: { clean: boolean }, to: PrincipalId): void {
    const key = `${vote.kind} ${vote.place}`;
    const before = this.#said.get(key);
    if (this.#forgotten.has(key) && vote.seq > this.#stableWritten) {
      const name = `r${this.#id}'s ${vote.kind} for ${vote.place}`;
      throw new Violation("one-vote", `${name} was cast again by who could not remember the first`);
    }
    if (before?.value === vote.value) return; // Said again, which binds no more.
    const name = `r${this.#id}'s ${vote.kind} for ${vote.place}`;
    if (before !== undefined) {
      const values = `first ${short(before.value)}, then ${short(vote.value)}`;
      throw new Violation("one-vote", `${name} was cast twice: ${values}`);
    }
    if (vote.kind === "prepare" || vote.kind === "commit") {
      if (vote.seq <= this.#forgottenMax) {
        const forgot = `by one who lost its disk after votes up to seq ${this.#forgottenMax}`;
        throw new Violation("one-vote", `${name} was cast ${forgot}`);
      }
      this.#votedMax = Math.max(this.#votedMax, vote.seq);
    }
    if (!disk.clean) {
      throw new Violation("durable-promises", `${name} left before its record was synced`);
    }
    if (!this.#isCovered(vote)) {
      throw new Violation("durable-promises", `${name} left without a durable record of it`);
    }
    const viewAsked = Math.max(this.#viewAsked, this.#viewAskedNow.get(to) ?? 0);
    if ((vote.kind === "prepare" || vote.kind === "commit") && vote.view < viewAsked) {
      const asked = `after it had asked for view ${viewAsked}`;
      throw new Violation("views", `${name} was cast ${asked}`);
    }
    if (message.kind === "view-change") {
      this.#viewAskedNow.set(to, Math.max(viewAsked, vote.view));
      this.#checkShown(message);
    }
    if (message.kind === "commit") this.#commits.set(vote.seq, vote.view);
    this.#said.set(key, { value: vote.value, seq: vote.seq, view: vote.view });
    if (this.#said.size > VOTES_KEPT_MAX) this.#forgetOld();
  }

  /** A commit promises that its certificate will be in every view-change until a checkpoint passes it. */
  #checkShown({ view, stableSeq, prepared }: ViewChange): void {
    for (const [seq, committedIn] of this.#commits) {
      if (seq <= stableSeq) {
        this.#commits.delete(seq);
        continue;
      }
      if (prepared.some((one) => one.seq === seq && one.view >= committedIn)) continue;
      const what = `r${this.#id}'s view-change for view ${view} hides seq ${seq}`;
      throw new Violation("certificates", `${what}, which it committed in view ${committedIn}`);
    }
  }

  #isCovered({ kind, place: where, value, seq, view }: Vote): boolean {
    if (this.#written.has(`${kind} ${where} ${value}`)) return true;
    // Who has gone beyond a view never asks for it, begins it or votes in it again; to have entered a
    // view binds as much as to have asked for it. But a commit binds until its seq is stable: it takes
    // a later view's certificate for the seq to keep what it promised.
    const beyond = view < Math.max(this.#viewWritten, this.#viewAskedWritten);
    if (kind === "view-change") return beyond || view <= this.#viewWritten;
    if (kind === "new-view") return beyond;
    if (seq <= this.#stableWritten) return true;
    if (kind === "prepare") return beyond || this.#mayRunAhead(view, seq);
    return kind === "commit" && (this.#preparedWritten.get(seq) ?? -1) > view;
  }

  #mayRunAhead(view: View, seq: Seq): boolean {
    const last = this.#lastWritten;
    return last?.view === view && seq <= last.seq + VOTES_AHEAD_MAX;
  }

  #noteWritten({ view, seq }: { view: View; seq: Seq }): void {
    const last = this.#lastWritten;
    if (last !== undefined && (view < last.view || (view === last.view && seq < last.seq))) return;
    this.#lastWritten = { view, seq };
  }

  #voteIn(message: Message): Vote | undefined {
    switch (message.kind) {
      case "pre-prepare": {
        const { view, seq, digest } = message;
        if (primaryOf(view, this.#n) !== this.#id) return undefined; // Relayed.
        return { kind: "prepare", place: place(view, seq), value: digest, seq, view };
      }
      case "prepare":
      case "commit": {
        const { kind, view, seq, digest, replica } = message;
        if (replica !== this.#id) return undefined;
        return { kind, place: place(view, seq), value: digest, seq, view };
      }
      case "checkpoint": {
        const { kind, seq, digest, replica } = message;
        if (replica !== this.#id) return undefined;
        return { kind, place: `seq ${seq}`, value: digest, seq, view: 0 };
      }
      case "view-change":
      case "new-view": {
        const { kind, view, replica, signature } = message;
        if (replica !== this.#id) return undefined;
        const value = Buffer.from(signature).toString("latin1");
        return { kind, place: `view ${view}`, value, seq: Number.POSITIVE_INFINITY, view };
      }
      default:
        return undefined;
    }
  }

  /** What a durable record lets this replica say. */
  #cover(record: LogRecord): void {
    const add = (kind: string, where: string, value: string) =>
      this.#written.add(`${kind} ${where} ${value}`);
    switch (record.kind) {
      case "pre-prepare": {
        const { view, seq, digest } = record.message;
        add("prepare", place(view, seq), digest);
        this.#noteWritten(record.message);
        break;
      }
      case "abstained":
        this.#noteWritten(record.message);
        break;
      case "votes-logged":
        this.#lastWritten = undefined;
        this.#forgottenWritten = { view: record.view, seq: record.forgottenSeq };
        break;
      case "prepared": {
        const { view, seq, digest } = record.certificate;
        this.#noteWritten(record.certificate);
        add("commit", place(view, seq), digest);
        this.#preparedWritten.set(seq, Math.max(this.#preparedWritten.get(seq) ?? -1, view));
        break;
      }
      case "checkpoint":
        add("checkpoint", `seq ${record.message.seq}`, record.message.digest);
        break;
      case "stable":
        this.#stableWritten = Math.max(this.#stableWritten, record.proof[0]?.seq ?? 0);
        break;
      case "view-change":
        this.#coverSigned("view-change", record.message);
        this.#viewAskedWritten = Math.max(this.#viewAskedWritten, record.message.view);
        break;
      case "new-view":
        this.#coverSigned("new-view", record.message);
        this.#viewWritten = Math.max(this.#viewWritten, record.message.view);
        for (const { seq, digest } of record.message.prePrepares) {
          add("prepare", place(record.message.view, seq), digest);
        }
        break;
      case "view":
        if (record.active) this.#viewWritten = Math.max(this.#viewWritten, record.view);
        else this.#viewAskedWritten = Math.max(this.#viewAskedWritten, record.view);
        break;
      case "committed":
        this.#preparedWritten.set(record.certificate.seq, Number.POSITIVE_INFINITY);
        break;
      case "rejoin":
        break;
      default:
        record satisfies never;
    }
  }

  #coverSigned(kind: string, message: { view: View; signature: Uint8Array }): void {
    const value = Buffer.from(message.signature).toString("latin1");
    this.#written.add(`${kind} view ${message.view} ${value}`);
  }

  #forgetOld(): void {
    for (const [key, { seq }] of this.#said) {
      if (seq <= this.#stableWritten) this.#said.delete(key);
    }
  }
}

function place(view: View, seq: Seq): string {
  return `view ${view} seq ${seq}`;
}

function short(value: string): string {
  return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 8) : "a signature";
}
