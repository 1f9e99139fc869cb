// What peers have signed, for forensics: one JSON line for each distinct statement, with the exact bytes that
// the signature covers. Nothing is verified here; whoever makes a proof of it does. A replica keeps a
// journal only where it is asked to; the protocol never looks at it.

import type { Message, NewView, PrincipalId, ReplicaId, Signature } from "../core/messages.js";
import { type Signable, signedBytes } from "../core/wire.js";

/** Statements of one sender that are known not to be new; then all are forgotten, and may be written again. */
const REMEMBERED_MAX = 8_192;
/** Statements that are kept in one life, some 160 MB; a flood fills its sender's share only. */
const KEPT_MAX = 400_000;

export type JournalOptions = {
  cluster: string;
  /** Replicas. */
  n: number;
  /** Takes each new line, without its end. */
  write: (line: string) => void;
};

type Sender = { known: Set<string>; kept: number };

export class Journal {
  readonly #options: JournalOptions;
  readonly #senders = new Map<PrincipalId, Sender>();

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /**
   * `from` is whom the link's MAC names. Votes, checkpoints and view-changes count from their signer
   * only, as in the core; a new-view, and what it proposes, may come from anybody, and a pre-prepare is
   * noted as its sender's, whose signature it need not bear: backups pass it on.
   */
  heard(from: PrincipalId, message: Message): void {
    switch (message.kind) {
      case "pre-prepare":
        this.#note(from, from, message, message.signature);
        break;
      case "prepare":
      case "commit":
      case "checkpoint":
      case "view-change":
        if (message.replica === from) this.#note(from, from, message, message.signature);
        break;
      case "new-view":
        this.#noteNewView(from, message);
        break;
      default: // Nobody signs the others, or a client does.
    }
  }

  #noteNewView(from: PrincipalId, message: NewView): void {
    const { replica, view, prePrepares, signature } = message;
    this.#note(from, replica, message, signature);
    for (const { seq, digest, signature: proposed } of prePrepares) {
      this.#note(from, replica, { kind: "pre-prepare", view, seq, digest }, proposed);
    }
  }

  #note(from: PrincipalId, signer: ReplicaId, statement: Signable, signature: Signature): void {
    const { cluster, n, write } = this.#options;
    if (from >= n || signer >= n) return;
    const bytes = Buffer.from(signedBytes(cluster, statement));
    const sender = this.#sender(from);
    const keptMax = Math.floor(KEPT_MAX / n);
    // The signature is part of what is known: a false one must not keep the true one out.
    const key = `${signer} ${bytes.toString("latin1")}${Buffer.from(signature).toString("latin1")}`;
    if (sender.known.has(key) || sender.kept > keptMax) return;
    if (sender.known.size >= REMEMBERED_MAX) sender.known.clear();
    sender.known.add(key);
    sender.kept += 1;
    if (sender.kept > keptMax) {
      write(JSON.stringify({ full: from }));
      return;
    }
    write(JSON.stringify({ signer, ...claimed(statement, bytes), ...hex({ bytes, signature }) }));
  }

  #sender(from: PrincipalId): Sender {
    const known = this.#senders.get(from);
    if (known !== undefined) return known;
    const fresh = { known: new Set<string>(), kept: 0 };
    this.#senders.set(from, fresh);
    return fresh;
  }
}

/** What the bytes say, for people; of a view-change and a new-view the digest of all they carry. */
function claimed(statement: Signable, bytes: Buffer) {
  const { kind } = statement;
  switch (kind) {
    case "pre-prepare":
    case "prepare":
    case "commit":
      return { kind, view: statement.view, seq: statement.seq, digest: statement.digest };
    case "checkpoint":
      return { kind, seq: statement.seq, digest: statement.digest };
    case "view-change":
    case "new-view":
      return { kind, view: statement.view, digest: bytes.toString("hex", bytes.length - 32) };
    default:
      return statement satisfies never;
  }
}

function hex({ bytes, signature }: { bytes: Buffer; signature: Signature }) {
  return { bytes: bytes.toString("hex"), signature: Buffer.from(signature).toString("hex") };
}
