// A backup that a client asks passes the request on: the client may not reach the primary, which owes
// nothing for what it never heard.
// Source: Castro & Liskov, OSDI '99 §4.4.

import type { Message, PrincipalId, Request, View } from "../../node/core/messages.js";
import { primaryOf } from "../../node/core/quorum.js";
import type { Replica } from "../../node/core/replica.js";
import { Violation } from "./violation.js";

/** Of one replica; from the end of one turn to the end of the next. */
export class RelayWatch {
  readonly #n: number;
  #asked: Request[] = [];
  readonly #relayed = new Set<string>();
  /** The view that it worked in as a backup at the last turn's end. */
  #view: View | undefined;

  constructor(n: number) {
    this.#n = n;
  }

  /** A process that is gone owes nothing. */
  onStart(): void {
    this.#asked = [];
    this.#relayed.clear();
    this.#view = undefined;
  }

  /** A client's own datagram brought this. */
  onAsked(message: Message | undefined): void {
    if (message?.kind === "request") this.#asked.push(message);
  }

  onSend(request: Request, to: PrincipalId): void {
    if (this.#asked.length > 0) this.#relayed.add(keyOf(request, to));
  }

  /** Throws a Violation where a request that now waits was not passed on. */
  onTurn({ id, view, viewActive, waiting }: Replica): void {
    const primary = primaryOf(view, this.#n);
    const isBackup = viewActive && primary !== id;
    if (isBackup && this.#view === view) {
      for (const { client, timestamp } of this.#asked) {
        const held = waiting.get(client)?.request;
        if (held?.timestamp !== timestamp || this.#relayed.has(keyOf(held, primary))) continue;
        const what = `request ${timestamp} of client ${client}`;
        throw new Violation("relay", `r${id} keeps ${what} from the primary, r${primary}`);
      }
    }
    this.#asked = [];
    this.#relayed.clear();
    this.#view = isBackup ? view : undefined;
  }
}

function keyOf({ client, timestamp }: Request, to: PrincipalId): string {
  return `${client} ${timestamp} ${to}`;
}
