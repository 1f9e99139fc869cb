// What a faulty primary proposes, and a backup that would be one.

import type { Commit, PrePrepare, Prepare, PrincipalId } from "../../node/core/messages.js";
import { primaryOf } from "../../node/core/quorum.js";
import { type Forge, remembered, type Said } from "./forge.js";

/** Half of the replicas get the batch, the others another one, both under a true signature. */
export function equivocation(forge: Forge, to: PrincipalId, message: PrePrepare): Said | undefined {
  if (primaryOf(message.view, forge.n) !== forge.id || to % 2 === 0) return undefined;
  const requests = message.requests.slice(1);
  if (requests.length === message.requests.length) return undefined;
  const other = proposal(forge, { ...message, requests });
  const shown = { even: message.digest, odd: other.digest };
  forge.plot.set(`${message.view} ${message.seq}`, shown);
  return [other];
}

/** Tells everybody that it votes for the batch that they were shown. */
export function plottedVote(
  { plot, signed }: Forge,
  to: PrincipalId,
  message: Prepare | Commit,
): Said | undefined {
  const shown = plot.get(`${message.view} ${message.seq}`);
  const digest = to % 2 === 0 ? shown?.even : shown?.odd;
  if (digest === undefined || digest === message.digest) return undefined;
  return [signed({ ...message, digest })];
}

/** What no correct primary does; the same to all for one slot, so that it could get its votes. */
export function badProposal(forge: Forge, to: PrincipalId, message: PrePrepare): Said | undefined {
  const { view, seq, requests, digest } = message;
  if (primaryOf(view, forge.n) !== forge.id || to >= forge.n) return undefined;
  const [first] = requests;
  switch ((view + seq) % 6) {
    case 0: {
      // Another body, or another order, under one digest.
      const other = requests.length > 1 ? requests.toReversed() : [];
      return to % 2 === 0 || requests.length === 0 ? undefined : [{ ...message, requests: other }];
    }
    case 1:
      return first === undefined
        ? undefined
        : [proposal(forge, { ...message, requests: [...requests, first] })];
    case 2: {
      if (first === undefined) return undefined;
      const operation = Uint8Array.from(first.operation);
      const last = operation.length - 1;
      operation[last] = (operation[last] ?? 0) ^ 1;
      const timestamp = first.timestamp + 1;
      return [proposal(forge, { ...message, requests: [{ ...first, timestamp, operation }] })];
    }
    case 3: {
      const executed = remembered(forge, "pre-prepare");
      return executed === undefined
        ? undefined
        : [proposal(forge, { ...message, requests: executed.requests })];
    }
    case 4:
      return [message, proposal(forge, { ...message, requests: [] })];
    default: {
      // Its own prepare beside the pre-prepare, for one batch here and another there.
      const said = to % 2 === 0 ? message : proposal(forge, { ...message, requests: [] });
      const { digest: named } = to % 2 === 0 ? { digest } : said;
      const vote = { kind: "prepare" as const, view, seq, digest: named, replica: forge.id };
      return [said, forge.signed(vote)];
    }
  }
}

/** A null request for the next seq of the present view, under its own signature. */
export function proposalOfBackup(forge: Forge, { view, seq }: Prepare): Said {
  const about = { kind: "pre-prepare" as const, view, seq: seq + 1, digest: "", requests: [] };
  const message = proposal(forge, { ...about, signature: new Uint8Array(64) });
  const digest = message.digest;
  const vote = { kind: "prepare" as const, view, seq: seq + 1, digest, replica: forge.id };
  return [message, forge.signed(vote)];
}

function proposal(forge: Forge, message: PrePrepare): PrePrepare {
  return forge.signed({ ...message, digest: forge.batchDigest(message.requests) });
}
