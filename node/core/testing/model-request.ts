// Requests of modelled clients, with a MAC for each replica and a signature.

import type { ProtocolConfig } from "../config.js";
import { type ClientId, principalOfClient, type Request } from "../messages.js";
import { requestBytes } from "../wire.js";
import { modelKeyring } from "./model-keyring.js";

export function modelRequest(
  config: ProtocolConfig,
  client: ClientId,
  timestamp: number,
  operation: string,
): Request {
  const keyring = modelKeyring(principalOfClient(client));
  const body = { client, timestamp, operation: Buffer.from(operation) };
  const bytes = requestBytes(config.cluster, body);
  const macs = Array.from({ length: config.n }, (_, id) => keyring.mac(id, bytes));
  const authenticator = Uint8Array.from(Buffer.concat(macs));
  return { kind: "request", ...body, authenticator, signature: keyring.sign(bytes) };
}
