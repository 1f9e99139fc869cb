// View-changes and new-views that lie.

import { NULL_DIGEST, sha256 } from "../../node/core/digest.js";
import type {
  Message,
  NewView,
  PreparedCertificate,
  ViewChange,
} from "../../node/core/messages.js";
import { preparesNeeded, primaryOf, quorumOf } from "../../node/core/quorum.js";
import { encodeMessage } from "../../node/core/wire.js";
import type { Forge, Said } from "./forge.js";

const OTHER_DIGEST = "ee".repeat(32);

export function falseViewChange(forge: Forge, message: Message): Said | undefined {
  const { random, id, signed } = forge;
  if (message.kind === "status") {
    const view = message.view + 1 + random.int(3);
    const seq = Math.max(message.executedSeq, message.stableSeq) + 1;
    const asked = unsigned(id, view);
    if (random.chance(0.5)) return [message, signed(asked)];
    return [message, signed({ ...asked, ...madeUp(forge, message.stableSeq, view, seq) })];
  }
  if (message.kind !== "view-change" || message.replica !== id) return undefined;
  const { prepared, view, stableSeq } = message;
  const seq = (prepared.at(-1)?.seq ?? stableSeq) + 1;
  const forged = prepared.map((certificate) => madeUpCertificate(forge, certificate));
  const choice = random.pick([prepared.slice(0, -1), [], [...prepared, ...prepared], forged]);
  const lied = random.chance(0.25) ? madeUp(forge, stableSeq, view, seq) : { prepared: choice };
  return [signed({ ...message, ...lied })];
}

/** A certificate for `seq`, or a stable checkpoint, that nobody but itself signed. */
function madeUp(
  forge: Forge,
  stableSeq: number,
  view: number,
  seq: number,
): Partial<Pick<ViewChange, "stableSeq" | "stableProof" | "prepared">> {
  const { random, n, signed, checkpointInterval } = forge;
  if (random.chance(0.5)) {
    const about = { view: view - 1, seq, digest: OTHER_DIGEST };
    return { prepared: [madeUpCertificate(forge, about)] };
  }
  const ahead =
    (Math.floor(stableSeq / checkpointInterval) + 1 + random.int(2)) * checkpointInterval;
  const stableProof = Array.from({ length: quorumOf(n) }, (_, replica) =>
    signed({ kind: "checkpoint" as const, seq: ahead, digest: OTHER_DIGEST, replica }),
  );
  return { stableSeq: ahead, stableProof, prepared: [] };
}

function madeUpCertificate(
  { n, signed }: Forge,
  { view, seq }: Pick<PreparedCertificate, "view" | "seq">,
): PreparedCertificate {
  const digest = OTHER_DIGEST;
  const backups = Array.from({ length: n }, (_, replica) => replica)
    .filter((replica) => replica !== primaryOf(view, n))
    .slice(0, preparesNeeded(n));
  return {
    view,
    seq,
    digest,
    prePrepareSignature: signed({ kind: "pre-prepare", view, seq, digest }).signature,
    prepares: backups.map((replica) =>
      signed({ kind: "prepare" as const, view, seq, digest, replica }),
    ),
  };
}

export function falseNewView(forge: Forge, message: NewView): Said | undefined {
  const { id, n, random, signed } = forge;
  if (message.replica !== id) return undefined; // It cannot sign for another.
  const { view, prePrepares, viewChanges } = message;
  const own = viewChanges.find(({ replica }) => replica === id);
  switch (random.int(6)) {
    case 0:
      return [signed({ ...message, prePrepares: prePrepares.slice(1) })];
    case 1: {
      const digest = NULL_DIGEST;
      const nulls = prePrepares.map(({ seq }) => {
        return {
          seq,
          digest,
          signature: signed({ kind: "pre-prepare", view, seq, digest }).signature,
        };
      });
      return [signed({ ...message, prePrepares: nulls })];
    }
    case 2:
      return own === undefined
        ? undefined
        : [
            signed({
              ...message,
              viewChanges: viewChanges.map(() => own),
              ...following(forge, own),
            }),
          ];
    case 3:
      return [signed({ ...message, viewChanges: viewChanges.slice(0, -1) })];
    case 4: {
      // A null request more than follows.
      const seq = (prePrepares.at(-1)?.seq ?? 0) + 1;
      const about = { kind: "pre-prepare" as const, view, seq, digest: NULL_DIGEST };
      const more = { seq, digest: NULL_DIGEST, signature: signed(about).signature };
      return [signed({ ...message, prePrepares: [...prePrepares, more] })];
    }
    default: {
      // View-changes that nobody sent, and their bodies right behind.
      const madeUpOnes = Array.from({ length: quorumOf(n) }, (_, replica) =>
        unsigned(replica, view),
      );
      const named = madeUpOnes.map((one) => {
        return { replica: one.replica, digest: sha256(encodeMessage(one)) };
      });
      const bodies = madeUpOnes.map((one) => {
        const bytes = encodeMessage(one);
        return { kind: "data" as const, replica: id, what: "view-change" as const, bytes };
      });
      return [signed({ ...message, viewChanges: named, prePrepares: [] }), ...bodies];
    }
  }
}

/** What follows from its own view-change alone, if it still has it. */
function following(
  { old, signed }: Forge,
  { digest: named }: NewView["viewChanges"][number],
): Pick<NewView, "prePrepares"> {
  const own = old.find(
    (one): one is ViewChange => one.kind === "view-change" && sha256(encodeMessage(one)) === named,
  );
  if (own === undefined) return { prePrepares: [] };
  const { view, stableSeq, prepared } = own;
  const maxSeq = Math.max(stableSeq, ...prepared.map(({ seq }) => seq));
  const prePrepares = Array.from({ length: maxSeq - stableSeq }, (_, index) => {
    const seq = stableSeq + 1 + index;
    const digest = prepared.find((one) => one.seq === seq)?.digest ?? NULL_DIGEST;
    const { signature } = signed({ kind: "pre-prepare" as const, view, seq, digest });
    return { seq, digest, signature };
  });
  return { prePrepares };
}

/** Asks for the view and shows nothing; without a signature. */
function unsigned(replica: number, view: number): ViewChange {
  const nothing = { stableSeq: 0, stableProof: [], prepared: [] };
  return { kind: "view-change", view, replica, ...nothing, signature: new Uint8Array(64) };
}
