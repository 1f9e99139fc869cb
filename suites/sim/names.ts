// Nodes by name, as faults know them, and by principal, as the protocol does.

import type { NodeName } from "../../nemesis/faults.js";
import { CLIENT_PRINCIPAL_MIN, type PrincipalId } from "../../node/core/messages.js";

/** "r0" is replica 0, "c0" the first client process. */
export function nameOf(principal: PrincipalId): NodeName {
  return principal < CLIENT_PRINCIPAL_MIN
    ? `r${principal}`
    : `c${principal - CLIENT_PRINCIPAL_MIN}`;
}

export function principalOf(name: NodeName): PrincipalId {
  const index = Number(name.slice(1));
  return name.startsWith("r") ? index : CLIENT_PRINCIPAL_MIN + index;
}
