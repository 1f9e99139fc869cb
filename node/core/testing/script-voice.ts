// What the clients and the faulty replicas of a script say. A faulty replica signs with its own key:
//
//   say r0 pre-prepare 0/1 c0:deposit c1:move to r1      a batch: session:operation, or null
//   say r1 prepare 0/1 c0:deposit to r2                  commit likewise
//   say r1 checkpoint 4 nonsense to r2                   a digest of that word
//   say r1 view-change 2 [prepared 0/1 c0:deposit by r1 r2] to r2
//   say r1 new-view 1 from r1 r2 r3 with 1=c0:deposit 2=null to r2
// A new-view names the view-changes that the replicas sent, or an empty one of a replica that sent
// none. Requests carry the session's timestamp as it is; the first is 1.

import assert from "node:assert";
import type { ProtocolConfig } from "../config.js";
import { batchDigest, sha256 } from "../digest.js";
import type { Message, ReplicaId, Request, Seq, View, ViewChange } from "../messages.js";
import { clausesOf, replicaOf } from "./script-words.js";
import { Voices } from "./voices.js";

export type Saying = { from: ReplicaId; to: readonly ReplicaId[]; message: Message };

export class ScriptVoice {
  private readonly voices: Voices;
  private readonly timestamps = new Map<string, number>();
  private readonly requests = new Map<string, Request>();
  /** By replica and view. */
  private readonly viewChanges = new Map<string, ViewChange>();

  constructor(config: ProtocolConfig) {
    this.voices = new Voices(config);
  }

  nextRequest(session: string, operation: string): Request {
    const timestamp = (this.timestamps.get(session) ?? 0) + 1;
    this.timestamps.set(session, timestamp);
    const request = this.requestOf(session, operation);
    this.requests.set(session, request);
    return request;
  }

  lastRequest(session: string): Request {
    const request = this.requests.get(session);
    assert(request !== undefined, `${session} has asked for nothing`);
    return request;
  }

  /** Notes what a replica sent: a new-view may have to name it. */
  hear(message: Message): void {
    if (message.kind !== "view-change") return;
    this.viewChanges.set(`${message.replica} ${message.view}`, message);
  }

  say(words: readonly string[]): Saying {
    const [speaker, kind, ...rest] = words;
    const at = rest.lastIndexOf("to");
    assert(at >= 0, `to whom? ${words.join(" ")}`);
    const from = replicaOf(speaker);
    const to = rest.slice(at + 1).map(replicaOf);
    return { from, to, message: this.messageOf(from, kind, rest.slice(0, at)) };
  }

  private messageOf(from: ReplicaId, kind: string | undefined, words: readonly string[]): Message {
    const { voices } = this;
    const [first = "", ...rest] = words;
    switch (kind) {
      case "pre-prepare": {
        const { view, seq } = slotOf(first);
        return voices.prePrepare(view, seq, this.batchOf(rest));
      }
      case "prepare":
      case "commit": {
        const { view, seq } = slotOf(first);
        const digest = batchDigest(this.batchOf(rest));
        return voices.signed(from, { kind, view, seq, digest, replica: from });
      }
      case "checkpoint":
        return voices.checkpoint(from, Number(first), sha256(Buffer.from(rest.join(" "))));
      case "view-change":
        return this.viewChange(from, Number(first), rest);
      case "new-view":
        return this.newView(Number(first), rest);
      default:
        throw new Error(`nobody says ${kind}`);
    }
  }

  private viewChange(from: ReplicaId, view: View, words: readonly string[]): ViewChange {
    const clauses = clausesOf(words, ["prepared", "by"]);
    const [slot, ...batch] = clauses.get("prepared") ?? [];
    if (slot === undefined) return this.voices.viewChange(from, view);
    const { view: preparedIn, seq } = slotOf(slot);
    const digest = batchDigest(this.batchOf(batch));
    const voters = (clauses.get("by") ?? []).map(replicaOf);
    return this.voices.viewChange(from, view, [
      this.voices.prepared(preparedIn, seq, digest, voters),
    ]);
  }

  private newView(view: View, words: readonly string[]): Message {
    const clauses = clausesOf(words, ["from", "with"]);
    const viewChanges = (clauses.get("from") ?? []).map((word) => {
      const replica = replicaOf(word);
      const said = this.viewChanges.get(`${replica} ${view}`);
      return said ?? this.voices.viewChange(replica, view);
    });
    const proposals = (clauses.get("with") ?? []).map((word) => {
      const [seq = "", batch = ""] = word.split("=");
      return { seq: Number(seq), digest: batchDigest(this.batchOf([batch])) };
    });
    return this.voices.newView(view, viewChanges, proposals);
  }

  private batchOf(words: readonly string[]): readonly Request[] {
    if (words[0] === "null") return [];
    return words.map((word) => {
      const [session = "", operation = ""] = word.split(":");
      return this.requestOf(session, operation);
    });
  }

  private requestOf(session: string, operation: string): Request {
    const timestamp = this.timestamps.get(session) ?? 1;
    return this.voices.request(Number(session.slice(1)), timestamp, operation);
  }
}

function slotOf(word: string): { view: View; seq: Seq } {
  const [view, seq] = word.split("/").map(Number);
  assert(view !== undefined && seq !== undefined, `no view/seq: ${word}`);
  return { view, seq };
}
