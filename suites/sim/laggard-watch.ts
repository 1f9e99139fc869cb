// Who says that its stable checkpoint is behind is sent the proof of the later one: the log below it is
// cut, and nothing else would ever tell it where to begin.
// Source: Castro & Liskov, TOCS '02 §5.2 (status messages).

import type { Message, ReplicaId, Seq, Status } from "../../node/core/messages.js";
import type { Replica } from "../../node/core/replica.js";
import { Violation } from "./violation.js";

/** Statuses of one peer that are answered between two ticks. */
const ANSWERED_PER_TICK = 4;

/** Of one replica; from the end of one turn to the end of the next. */
export class LaggardWatch {
  /** Statuses of each peer since the last tick. */
  readonly #heard = new Map<ReplicaId, number>();
  #behind: { peer: ReplicaId; stableSeq: Seq }[] = [];
  readonly #told = new Map<ReplicaId, Seq>();
  /** At the last turn's end; undefined before the first. */
  #stableSeq: Seq | undefined;
  #tick = 0;

  /** A process that is gone owes nothing. */
  onStart(): void {
    this.#heard.clear();
    this.#behind = [];
    this.#told.clear();
    this.#stableSeq = undefined;
  }

  /** Another replica's own datagram brought this. */
  onHeard({ replica: peer, stableSeq }: Status): void {
    const heard = (this.#heard.get(peer) ?? 0) + 1;
    this.#heard.set(peer, heard);
    if (heard <= ANSWERED_PER_TICK) this.#behind.push({ peer, stableSeq });
  }

  onSend(message: Message, to: ReplicaId): void {
    if (message.kind !== "checkpoint-proof" || this.#behind.length === 0) return;
    this.#told.set(to, message.checkpoints[0]?.seq ?? 0);
  }

  /** Throws a Violation where a peer that said it is behind was not told. */
  onTurn({ id, stable, tick }: Replica): void {
    for (const { peer, stableSeq } of this.#behind) {
      const known = this.#stableSeq;
      if (known === undefined || stableSeq >= known || (this.#told.get(peer) ?? 0) >= known)
        continue;
      const what = `r${id} keeps the proof of seq ${known} from r${peer}`;
      throw new Violation("retransmission", `${what}, whose stable checkpoint is ${stableSeq}`);
    }
    this.#behind = [];
    this.#told.clear();
    this.#stableSeq = stable.seq;
    if (tick !== this.#tick) this.#heard.clear();
    this.#tick = tick;
  }
}
