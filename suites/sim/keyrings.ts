// The keys of a simulation: modelled, or for a sample of seeds the real ones.

import type { Keyring } from "../../node/core/keyring.js";
import type { PrincipalId } from "../../node/core/messages.js";
import { modelKeyring } from "./model-keyring.js";
import type { Scenario } from "./scenario.js";

export function keyrings(scenario: Scenario): (principal: PrincipalId) => Keyring {
  return (principal) => modelKeyring(scenario.seed, principal);
}
