// Looks at every replica all the time, and ends the simulation where something happens that never must.
// It uses our own codec and arithmetic, whatever build is under test, and it judges only replicas that
// are correct: not liars, and not those whose disk lied to them.

import type { ProtocolConfig } from "../../node/core/config.js";
import type { DatagramRefusal } from "../../node/core/datagram.js";
import { batchDigest } from "../../node/core/digest.js";
import type { Reassembly } from "../../node/core/fragments.js";
import { type Keyring, MAC_BYTES } from "../../node/core/keyring.js";
import {
  CLIENT_PRINCIPAL_MIN,
  type Digest,
  type Message,
  type PrePrepare,
  type PrincipalId,
  principalOfClient,
  type ReplicaId,
  type Request,
  type Seq,
} from "../../node/core/messages.js";
import { primaryOf, weakQuorumOf } from "../../node/core/quorum.js";
import type { Replica } from "../../node/core/replica.js";
import type { Execution } from "../../node/core/state-machine.js";
import type { CoreEvent } from "../../node/core/step.js";
import { decodeMessage, decodeRecord, requestBytes, TAGS } from "../../node/core/wire.js";
import type { LedgerMachine } from "../../node/ledger/machine.js";
import type { LogContent } from "../../node/runtime/replica-assembly.js";
import type { Audit } from "./audit.js";
import { BankTwin } from "./bank-twin.js";
import { Coverage } from "./coverage.js";
import type { Ended } from "./ended.js";
import { FetchWatch } from "./fetch-watch.js";
import { LaggardWatch } from "./laggard-watch.js";
import { choosesBetweenViews, newViewProblem } from "./new-view-check.js";
import { Promises } from "./promises.js";
import { proposalProblem } from "./proposal-check.js";
import { RelayWatch } from "./relay-watch.js";
import { checkReplica, nothingRemembered, type Remembered } from "./replica-checks.js";
import { trueSignatures } from "./true-signatures.js";
import { ViewWatch } from "./view-watch.js";
import { Violation } from "./violation.js";

export class Watch {
  readonly coverage = new Coverage();
  readonly #promises: readonly Promises[];
  readonly #last: Remembered[];
  readonly #audit: Audit;
  readonly #asked: (request: Request) => boolean;
  readonly #signed: (request: Request) => boolean;
  readonly #executed = new Map<Seq, { digest: Digest; by: ReplicaId }>();
  readonly #states = new Map<Seq, { digest: Digest; by: ReplicaId }>();
  /** Replicas that nothing is demanded of. */
  readonly #excused = new Set<ReplicaId>();
  readonly #twin = new BankTwin();
  readonly #views: ViewWatch;
  readonly #fetches: readonly FetchWatch[];
  readonly #relays: readonly RelayWatch[];
  readonly #laggards: readonly LaggardWatch[];
  /** Batches that some backup accepted from a primary. */
  readonly #accepted = new Set<Digest>();
  /** Batches of which each request was made by its client. */
  readonly #askedBatches = new Set<Digest>();
  /** Decoded once for all its receivers. */
  #latest: { bytes: Uint8Array; message: Message | undefined } | undefined;
  /** Sees every message that leaves a replica, for the story of a run. */
  onMessage: ((from: ReplicaId, to: PrincipalId, message: Message) => void) | undefined;
  onCoreEvent: ((id: ReplicaId, event: CoreEvent) => void) | undefined;
  onProcessEnd: ((id: ReplicaId, ended: Ended) => void) | undefined;

  constructor(
    config: Pick<ProtocolConfig, "n" | "cluster" | "viewTimeoutMs" | "viewTimeoutMsMax">,
    keyringOf: (principal: PrincipalId) => Keyring,
  ) {
    const { n, cluster } = config;
    const anyone = keyringOf(0);
    this.#audit = {
      holds: trueSignatures(cluster, anyone),
      checked: new WeakSet(),
      viewChanges: new Map(),
    };
    this.#asked = (request) => {
      const client = principalOfClient(request.client);
      const bytes = requestBytes(cluster, request);
      if (this.#signed(request)) return true;
      // No digest covers authenticators: a liar may have spoiled one on its way. f+1 MACs are enough.
      const macs = this.#promises.filter((_, id) => {
        const mac = request.authenticator.subarray(id * MAC_BYTES, (id + 1) * MAC_BYTES);
        return keyringOf(id).verifyMac(client, bytes, mac);
      });
      return macs.length >= weakQuorumOf(n);
    };
    const ids = Array.from({ length: n }, (_, id) => id);
    this.#promises = ids.map((id) => new Promises(id, n));
    this.#views = new ViewWatch(config, (id) => this.isExcused(id));
    this.#fetches = ids.map((id) => new FetchWatch(id));
    this.#relays = ids.map(() => new RelayWatch(n));
    this.#laggards = ids.map(() => new LaggardWatch());
    this.#signed = ({ client, ...request }) =>
      anyone.verify(
        principalOfClient(client),
        requestBytes(cluster, { client, ...request }),
        request.signature,
      );
    this.#last = ids.map(nothingRemembered);
  }

  /** From now on it is one of the faulty: a liar, or one whose disk rotted under it. */
  excuse(id: ReplicaId): void {
    this.#excused.add(id);
  }

  isExcused(id: ReplicaId): boolean {
    return this.#excused.has(id);
  }

  /** Its disk is empty: its earlier words still bind it, its memory does not. */
  onWipe(id: ReplicaId): void {
    this.#promises[id]?.onAmnesia();
    this.#last[id] = nothingRemembered();
  }

  /** It found its log damaged, and begins as one whose disk is empty. */
  onDamagedLog(id: ReplicaId, reason: string): void {
    if (!this.isExcused(id)) {
      throw new Violation(
        "processes",
        `r${id} takes its log for damaged, which it is not: ${reason}`,
      );
    }
    this.coverage.sometimes("a damaged log was set aside");
    this.onWipe(id);
  }

  /** Its ledger is empty; its log, and so its promises, are not. */
  onLostLedger(id: ReplicaId): void {
    const last = this.#last[id];
    if (last !== undefined) last.executedSeq = 0;
  }

  /** A power cut may take from the ledger what the log still has. */
  onEnd(id: ReplicaId, ended: Ended): void {
    this.#promises[id]?.endTurn();
    this.coverage.sometimes(`process ended by ${ended.how === "exit" ? ended.code : ended.how}`);
    this.onProcessEnd?.(id, ended);
    const last = this.#last[id];
    if (last !== undefined && ended.how === "power-cut") last.executedSeq = 0;
  }

  onOpen(id: ReplicaId, content: LogContent): void {
    this.#promises[id]?.onStart(content.records);
    if (content.torn) this.coverage.sometimes("a torn log was cut");
    if (content.hollow) this.coverage.sometimes("a replica began with an empty disk");
  }

  /** What a process finds in its store is the state behind one seq, not a mixture of two. */
  onLedgerFound(id: ReplicaId, ledger: LedgerMachine): void {
    this.onRestore(id, ledger);
  }

  onStart(id: ReplicaId, replica: Replica): void {
    this.#views.onStart(id);
    this.#fetches[id]?.onStart();
    this.#relays[id]?.onStart();
    this.#laggards[id]?.onStart();
    this.onTurn(id, replica);
  }

  onTurn(id: ReplicaId, replica: Replica): void {
    this.#promises[id]?.endTurn();
    const last = this.#last[id];
    if (last === undefined || this.#excused.has(id)) return;
    const { tick } = last;
    checkReplica(replica, last, this.#audit);
    this.#promises[id]?.checkHeld(replica);
    if (replica.tick !== tick) this.#fetches[id]?.onTick(replica);
    this.#relays[id]?.onTurn(replica);
    this.#laggards[id]?.onTurn(replica);
  }

  onViewTimer(id: ReplicaId, delayMs: number): void {
    if (!this.#excused.has(id)) this.#views.onViewTimer(id, delayMs);
  }

  /** A datagram of `from` brought these messages. */
  onHeard(id: ReplicaId, from: PrincipalId, messages: readonly Uint8Array[]): void {
    for (const bytes of messages) {
      if (from >= CLIENT_PRINCIPAL_MIN) {
        this.#relays[id]?.onAsked(this.#decoded(bytes));
      } else if (bytes[0] === TAGS.status) {
        const status = this.#decoded(bytes);
        if (status?.kind === "status" && status.replica === from) {
          this.#laggards[id]?.onHeard(status);
        }
      }
    }
  }

  /** What it keeps of unfinished messages, after a datagram of `from`. */
  onReassembly(id: ReplicaId, from: PrincipalId, { peers, limits }: Reassembly): void {
    const bytes = peers.get(from)?.bytes ?? 0;
    if (bytes <= (from < this.#promises.length ? limits.replica : limits.client)) return;
    throw new Violation("memory", `r${id} keeps ${bytes} bytes of unfinished messages of one peer`);
  }

  /** A datagram whose MAC holds was refused: what a correct replica says is well-formed. */
  onRefusal(id: ReplicaId, from: PrincipalId, refusal: DatagramRefusal): void {
    if (refusal === "replayed" || from >= this.#promises.length) return;
    if (this.#excused.has(id) || this.#excused.has(from)) return;
    throw new Violation("datagrams", `r${id} refuses what r${from} sent: ${refusal}`);
  }

  onAppend(id: ReplicaId, records: readonly Uint8Array[]): void {
    const decoded = records.map(decodeRecord);
    this.#promises[id]?.onAppend(decoded);
    if (this.#excused.has(id)) return;
    for (const record of decoded) {
      if (record?.kind === "pre-prepare" || record?.kind === "abstained")
        this.#checkProposal(id, record.message);
      if (record?.kind !== "new-view") continue;
      if (choosesBetweenViews(record)) {
        this.coverage.sometimes("a new view chose between two views' certificates for a seq");
      }
      const problem = newViewProblem(record, this.#promises.length, this.#audit);
      if (problem !== undefined) throw new Violation("new-view", `r${id} ${problem}`);
    }
  }

  /** The log took these records, and wrote so many bytes. */
  onWritten(id: ReplicaId, records: readonly Uint8Array[], bytes: number): void {
    const least = records.reduce((sum, { length }) => sum + length, 0);
    if (bytes >= least) return;
    const what = `${least} bytes of records for durable, of which its disk has ${bytes}`;
    throw new Violation("durable-promises", `r${id} takes ${what}`);
  }

  onReplace(id: ReplicaId, records: readonly Uint8Array[]): void {
    if (!this.#excused.has(id)) this.#promises[id]?.onCut(records.map(decodeRecord));
  }

  onSend(
    id: ReplicaId,
    to: PrincipalId,
    messages: readonly Uint8Array[],
    diskIsClean: boolean,
  ): void {
    for (const bytes of messages) {
      const message = this.#decoded(bytes);
      if (message === undefined) continue;
      this.coverage.message(message.kind);
      this.onMessage?.(id, to, message);
      if (message.kind === "view-change") this.#views.onViewChangeSent(id, message.view);
      if (this.#excused.has(id)) continue;
      if (message.kind === "fetch") this.#fetches[id]?.onFetch(message);
      this.#laggards[id]?.onSend(message, to);
      if (message.kind === "request") this.#relays[id]?.onSend(message, to);
      this.#promises[id]?.onSend(message, { clean: diskIsClean }, to);
    }
  }

  onApply(
    id: ReplicaId,
    seq: Seq,
    requests: readonly Request[],
    { executions, ledger }: { executions: readonly Execution[]; ledger: LedgerMachine },
  ): void {
    const digest = batchDigest(requests);
    this.#agree(id, seq, digest, this.#executed, "executed another batch");
    if (this.#excused.has(id)) return;
    this.#checkAsked(id, digest, requests, "executed");
    const rowsOf = (ids?: readonly string[]) => ledger.accounts(ids);
    const problem = this.#twin.problemWith(seq, requests, executions, rowsOf);
    if (problem !== undefined) throw new Violation("bank", `r${id} ${problem}`);
  }

  /** A ledger that was fetched holds the same money. */
  onRestore(id: ReplicaId, ledger: LedgerMachine): void {
    if (this.#excused.has(id)) return;
    const problem = this.#twin.totalProblem(ledger.seq, ledger.accounts());
    if (problem !== undefined) throw new Violation("bank", `r${id} ${problem}`);
  }

  onSnapshot(id: ReplicaId, seq: Seq, digest: Digest): void {
    this.#agree(id, seq, digest, this.#states, "has another state");
  }

  onEvent(id: ReplicaId, event: CoreEvent): void {
    this.coverage.event(event);
    const last = this.#last[id];
    if (event.kind === "executed" && last !== undefined) last.toldExecuted = event.seq;
    if (!this.#excused.has(id)) this.#views.onEvent(id, event);
    this.onCoreEvent?.(id, event);
    if (event.kind === "diverged" && !this.#excused.has(id)) {
      throw new Violation("agreement", `r${id} found its state at seq ${event.seq} to be wrong`);
    }
  }

  /** Before a correct replica votes for it, or as primary proposes it. */
  #checkProposal(id: ReplicaId, message: PrePrepare): void {
    const n = this.#promises.length;
    const { view, seq, digest, requests } = message;
    const problem = proposalProblem(message, n, this.#audit);
    if (problem !== undefined) {
      throw new Violation("proposals", `r${id} accepted a pre-prepare for seq ${seq}: ${problem}`);
    }
    this.#checkAsked(id, digest, requests, "accepted");
    // A backup that only its own MAC convinced is right, and so is a new primary that proposes again what
    // backups accepted from a liar. What is new, a primary must be able to convince all of.
    if (primaryOf(view, n) !== id) this.#accepted.add(digest);
    if (this.#accepted.has(digest) || requests.every(this.#signed)) return;
    throw new Violation("proposals", `r${id} proposed for seq ${seq} what its client did not sign`);
  }

  #checkAsked(id: ReplicaId, digest: Digest, requests: readonly Request[], did: string): void {
    if (this.#askedBatches.has(digest)) return;
    for (const request of requests) {
      if (this.#asked(request)) continue;
      const { client, timestamp } = request;
      const what = `r${id} ${did} request ${timestamp} of client ${client}`;
      throw new Violation("client-asked", `${what}, which did not ask for it`);
    }
    this.#askedBatches.add(digest);
  }

  #agree(
    id: ReplicaId,
    seq: Seq,
    digest: Digest,
    known: Map<Seq, { digest: Digest; by: ReplicaId }>,
    what: string,
  ): void {
    if (this.#excused.has(id)) return;
    const before = known.get(seq);
    if (before === undefined) known.set(seq, { digest, by: id });
    else if (before.digest !== digest) {
      throw new Violation("agreement", `r${id} ${what} at seq ${seq} than r${before.by}`);
    }
  }

  #decoded(bytes: Uint8Array): Message | undefined {
    if (this.#latest?.bytes !== bytes) {
      this.#latest = { bytes, message: decodeMessage(bytes) };
    }
    return this.#latest.message;
  }
}
