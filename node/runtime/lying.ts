// A replica that lies, for tests: a module that is named in its environment stands between it and the
// network, with the replica's own keys and no others. Only a replica that is started like this loads it;
// every other one runs without a trace of it.

import { pathToFileURL } from "node:url";
import type { ProtocolConfig } from "../core/config.js";
import { batchDigest } from "../core/digest.js";
import type { Keyring } from "../core/keyring.js";
import type { PrincipalId } from "../core/messages.js";
import { decodeMessage, encodeMessage, signedBytes } from "../core/wire.js";
import { type DriverTransport, sendingBy } from "./transport.js";

/** The path of a module that exports `createTongue`. */
export const LIAR_VARIABLE = "ORDEAL_LIAR";

const CODEC = { batchDigest, decodeMessage, encodeMessage, signedBytes };
/** Of the build that lies, so that its lies are in its own words. */
export type LiarCodec = typeof CODEC;

export type TongueGround = { codec: LiarCodec; config: ProtocolConfig; keyring: Keyring };

export type Tongue = {
  /** What is sent to `to` in place of these encoded messages. */
  filter(to: PrincipalId, messages: readonly Uint8Array[]): readonly Uint8Array[];
  /** What is sent in place of a datagram; undefined: nothing. */
  spoil(to: PrincipalId, datagram: Uint8Array): Uint8Array | undefined;
  /** Answers a question of the nemesis on the control socket; throws what is wrong with it. */
  answer(question: ReadonlyMap<string, unknown>): unknown;
};

type TongueModule = { createTongue(ground: TongueGround): Tongue };

export async function loadTongue(
  path: string,
  ground: Omit<TongueGround, "codec">,
): Promise<Tongue> {
  const module = (await import(pathToFileURL(path).href)) as TongueModule;
  return module.createTongue({ ...ground, codec: CODEC });
}

/** The transport, as a driver uses it, with the tongue between the two. */
export function lyingTransport(transport: DriverTransport, tongue: Tongue): DriverTransport {
  return sendingBy(transport, (to, messages) => transport.send(to, tongue.filter(to, messages)));
}
