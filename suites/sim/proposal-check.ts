// What a correct replica may accept as a proposal, and a correct primary may propose, judged with our own
// codec and the keys of the simulation.
// Source: Castro & Liskov, OSDI '99 §4.2.

import { batchDigest } from "../../node/core/digest.js";
import type { PrePrepare } from "../../node/core/messages.js";
import { primaryOf } from "../../node/core/quorum.js";
import type { Audit } from "./audit.js";

/** Why no correct replica votes for it, or undefined. That clients asked for it is looked at apart. */
export function proposalProblem(message: PrePrepare, n: number, audit: Audit): string | undefined {
  const { view, seq, digest, signature, requests } = message;
  const about = { kind: "pre-prepare" as const, view, seq, digest };
  if (!audit.holds(primaryOf(view, n), about, signature)) return "its primary did not sign it";
  if (batchDigest(requests) !== digest) return "its batch has another digest";
  const sessions = new Set(requests.map(({ client }) => client));
  if (sessions.size < requests.length) return "it holds a session twice";
  return undefined;
}
