// Requests: who may ask, what is already answered, and what waits. A request waits only after its
// client's signature has been verified here, so a client whose MACs check at some replicas only can
// neither make the primary propose what backups refuse, nor make backups suspect a correct primary.
// Source: OSDI '99 §4.1; the authenticator attack: Castro's thesis §3.2.2.

import {
  CLIENT_PRINCIPAL_MIN,
  type PrincipalId,
  principalOfClient,
  type Reply,
  type Request,
} from "./messages.js";
import type { Outbox } from "./outbox.js";
import { accepted, ignored, isPrimary, type Outcome, primary, type Replica } from "./state.js";
import type { CachedReply } from "./state-machine.js";
import { requestBytes } from "./wire.js";

const MAC_BYTES = 16;
/** Sessions of one client process that may wait at a time: bounds what one client can make us hold. */
const WAITING_PER_PRINCIPAL_MAX = 4_096;

/** `from` is the client's process, or a backup that relays. */
export function onRequest(
  replica: Replica,
  from: PrincipalId,
  request: Request,
  out: Outbox,
): Outcome {
  const principal = principalOfClient(request.client);
  const direct = from >= CLIENT_PRINCIPAL_MIN;
  if (direct && from !== principal) return ignored("session-of-another-client");
  if (principal < CLIENT_PRINCIPAL_MIN) return ignored("not-a-client");
  const problem = sizeProblem(replica, request);
  if (problem !== undefined) return ignored(problem);

  const last = replica.stateMachine.lastReply(request.client);
  if (last !== undefined && request.timestamp <= last.timestamp) {
    if (request.timestamp < last.timestamp || !direct) return ignored("stale-request");
    sendReply(replica, request.client, last, out);
    return accepted;
  }
  const held = replica.waiting.get(request.client)?.request;
  if (held !== undefined && held.timestamp > request.timestamp) return ignored("stale-request");
  if (held?.timestamp === request.timestamp) {
    if (direct) relay(replica, held, out); // the client is asking again: so may we
    return accepted;
  }
  if ((replica.waitingOfPrincipal.get(principal) ?? 0) >= WAITING_PER_PRINCIPAL_MAX) {
    return ignored("too-many-waiting");
  }
  if (!signatureHolds(replica, request)) return ignored("bad-signature");

  if (held === undefined) countWaiting(replica, principal, 1);
  replica.waiting.set(request.client, { request, proposed: false });
  if (direct) relay(replica, request, out);
  return accepted;
}

/** A backup passes a client's request to the primary: the client may have reached only us. */
function relay(replica: Replica, request: Request, out: Outbox): void {
  if (replica.viewActive && !isPrimary(replica)) out.send(primary(replica), request);
}

/** Why the request's parts have the wrong size, if they do. */
export function sizeProblem(replica: Replica, request: Request): string | undefined {
  const { operationBytesMax, n } = replica.config;
  if (request.operation.length > operationBytesMax) return "operation-too-large";
  if (request.authenticator.length !== n * MAC_BYTES) return "wrong-authenticator-length";
  return undefined;
}

/** A backup's check of a request inside a pre-prepare: our own MAC, else the client's signature. */
export function authenticated(replica: Replica, request: Request): boolean {
  const held = replica.waiting.get(request.client)?.request;
  if (held !== undefined && sameRequest(held, request)) return true; // verified when it came
  const at = replica.id * MAC_BYTES;
  const mac = request.authenticator.subarray(at, at + MAC_BYTES);
  const bytes = requestBytes(replica.config.cluster, request);
  const principal = principalOfClient(request.client);
  if (replica.keyring.verifyMac(principal, bytes, mac)) return true;
  return replica.keyring.verify(principal, bytes, request.signature);
}

function signatureHolds(replica: Replica, request: Request): boolean {
  const bytes = requestBytes(replica.config.cluster, request);
  return replica.keyring.verify(principalOfClient(request.client), bytes, request.signature);
}

function sameRequest(a: Request, b: Request): boolean {
  return a.timestamp === b.timestamp && Buffer.compare(a.operation, b.operation) === 0;
}

export function sendReply(
  replica: Replica,
  client: Request["client"],
  cached: CachedReply,
  out: Outbox,
): void {
  const reply: Reply = {
    kind: "reply",
    view: replica.view,
    client,
    timestamp: cached.timestamp,
    replica: replica.id,
    seq: cached.seq,
    result: cached.result,
  };
  out.send(principalOfClient(client), reply);
}

/** Forgets a session's request once the session's last reply is as new. */
export function settleWaiting(
  replica: Replica,
  client: Request["client"],
  timestamp: number,
): void {
  const held = replica.waiting.get(client);
  if (held === undefined || held.request.timestamp > timestamp) return;
  replica.waiting.delete(client);
  countWaiting(replica, principalOfClient(client), -1);
  const { viewTimer } = replica;
  if (viewTimer.waitsFor === "request" && viewTimer.client === client) {
    replica.viewTimer = { waitsFor: "nothing" }; // re-armed for the next one that waits
  }
}

/** After the state was replaced: forgets every request that it has already answered. */
export function settleAllWaiting(replica: Replica): void {
  for (const client of [...replica.waiting.keys()]) {
    const last = replica.stateMachine.lastReply(client);
    if (last !== undefined) settleWaiting(replica, client, last.timestamp);
  }
}

function countWaiting(replica: Replica, principal: PrincipalId, change: 1 | -1): void {
  const count = (replica.waitingOfPrincipal.get(principal) ?? 0) + change;
  if (count === 0) replica.waitingOfPrincipal.delete(principal);
  else replica.waitingOfPrincipal.set(principal, count);
}
