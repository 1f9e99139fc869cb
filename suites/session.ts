// Client sessions and the processes that use them. A process is Jepsen's: one logical thread that does
// one operation at a time. When the fate of an operation is not known, the process has crashed, and
// its worker goes on under a new number, on the same session or on a fresh one.

import type { NodeName } from "../nemesis/faults.js";
import type { Random } from "../nemesis/random.js";
import {
  CLIENT_PRINCIPAL_MIN,
  type ClientId,
  SESSIONS_PER_PRINCIPAL,
} from "../node/core/messages.js";
import type { ClientAnswer } from "../node/runtime/client-call.js";
import type { Environment } from "./cluster/environment.js";
import type { HistoryRecorder } from "./history-recorder.js";
import type { BankOp } from "./workload.js";

export type Session = {
  /** The client process that hosts it. */
  node: NodeName;
  /** Its index there. */
  index: number;
};

export type Worker = { process: number; session: Session; random: Random };

export type SessionAllocator = { open(clientIndex: number): Session };

/** Hands out sessions above those of `taken`, on the client process of this index (modulo). */
export function allocateSessions(
  clients: readonly NodeName[],
  taken: readonly Session[] = [],
): SessionAllocator {
  const used = new Map<NodeName, number>();
  for (const { node, index } of taken) used.set(node, Math.max(used.get(node) ?? 0, index + 1));
  return {
    open(clientIndex) {
      const node = clients[clientIndex % clients.length];
      if (node === undefined) throw new RangeError("an environment needs a client process");
      const index = used.get(node) ?? 0;
      used.set(node, index + 1);
      return { node, index };
    },
  };
}

/** The session's identity in requests and in ledger entries. */
export function clientIdOf(session: Session, clients: readonly NodeName[]): ClientId {
  return (
    (CLIENT_PRINCIPAL_MIN + clients.indexOf(session.node)) * SESSIONS_PER_PRINCIPAL + session.index
  );
}

/** The session of a client id; undefined where the id is none of these client processes'. */
export function sessionOf(client: ClientId, clients: readonly NodeName[]): Session | undefined {
  const node = clients[Math.floor(client / SESSIONS_PER_PRINCIPAL) - CLIENT_PRINCIPAL_MIN];
  return node === undefined ? undefined : { node, index: client % SESSIONS_PER_PRINCIPAL };
}

export type Calls = {
  environment: Environment;
  recorder: HistoryRecorder;
  /** Unique over the run. */
  nextCallId: () => number;
};

/** Performs one operation for a process and records both its ends. */
export async function performOp(
  calls: Calls,
  { process, session }: { process: number; session: Session },
  op: BankOp,
  timeoutMs: number,
): Promise<ClientAnswer> {
  const { environment, recorder } = calls;
  const client = clientIdOf(session, environment.clients);
  recorder.invoke({ process, f: op.f, value: op.value, node: session.node, client });
  const answer = await environment.call(session.node, {
    id: calls.nextCallId(),
    session: session.index,
    f: op.f,
    value: op.value,
    timeoutMs,
  });
  recorder.complete(process, answer);
  return answer;
}
