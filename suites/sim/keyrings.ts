// The keys of a simulation: modelled, or for a sample of seeds the real Ed25519 and HMAC keys of the
// build under test, made from the seed.

import { createRandom, type Random } from "../../nemesis/random.js";
import type { Keyring } from "../../node/core/keyring.js";
import { CLIENT_PRINCIPAL_MIN, type PrincipalId } from "../../node/core/messages.js";
import type { SecretKeys } from "../../node/runtime/keys.js";
import { modelKeyring } from "./model-keyring.js";
import type { NodeBuild } from "./node-build.js";
import type { Scenario } from "./scenario.js";

const KEY_BYTES = 32;

/** The keyring of each principal; `cluster` is the cluster's id. */
export function keyrings(
  build: NodeBuild,
  { seed, signatures, replicas, clientProcesses }: Scenario,
  cluster: string,
): (principal: PrincipalId) => Keyring {
  if (signatures === "modelled") return (principal) => modelKeyring(seed, principal);
  const ids = [
    ...Array.from({ length: replicas }, (_, id) => id),
    ...Array.from({ length: clientProcesses }, (_, index) => CLIENT_PRINCIPAL_MIN + index),
  ];
  const random = createRandom(seed).fork("keys");
  const secrets = new Map(ids.map((id) => [id, secretKeys(id, random.fork(String(id)))]));
  const principals = new Map([...secrets].map(([id, secret]) => [id, build.publicKeysOf(secret)]));
  return (principal) => {
    const secret = secrets.get(principal);
    if (secret === undefined) throw new RangeError(`no keys for principal ${principal}`);
    return build.createKeyring({ cluster, secret, principals });
  };
}

function secretKeys(principal: PrincipalId, random: Random): SecretKeys {
  const key = () =>
    Buffer.from(Array.from({ length: KEY_BYTES }, () => random.int(256))).toString("hex");
  return { principal, signingSecret: key(), exchangeSecret: key() };
}
