// A node's socket in the simulation: the real datagrams of the build under test, on the modelled network.

import type { Links, Unpacked } from "../../node/core/datagram.js";
import type { PrincipalId } from "../../node/core/messages.js";
import type { Transport } from "../../node/runtime/transport.js";
import type { NodeBuild } from "./node-build.js";

export type SimTransport = Pick<Transport, "open" | "send" | "onDatagram">;

/** Of a datagram on the modelled network; addresses mean nothing there. */
const SOURCE = { host: "sim", port: 1 };

export type TransportGround = {
  build: NodeBuild;
  links: Links;
  /** Replicas. */
  n: number;
  /** What leaves the node: encoded messages, in place of which others may go out. */
  filter: (to: PrincipalId, messages: readonly Uint8Array[]) => readonly Uint8Array[];
  /** Puts one datagram on the wire. */
  emit: (to: PrincipalId, datagram: Uint8Array) => void;
  /** A datagram was looked at. */
  onOpen?: (unpacked: Unpacked) => void;
};

export function createSimTransport({
  build,
  links,
  n,
  filter,
  emit,
  onOpen,
}: TransportGround): SimTransport {
  /** Whose address we know: replicas always, a client since its first authentic datagram. */
  const clients = new Set<PrincipalId>();
  return {
    onDatagram: undefined,
    open({ bytes }) {
      const unpacked = build.unpack(links, bytes);
      onOpen?.(unpacked);
      const { from, refusal } = unpacked;
      if (from !== undefined && from >= n && refusal !== "replayed") clients.add(from);
      return unpacked;
    },
    send(to, messages) {
      if (to >= n && !clients.has(to)) return;
      for (const datagram of build.pack(links, to, filter(to, messages))) emit(to, datagram);
    },
  };
}

export function datagramFrom(bytes: Uint8Array) {
  return { bytes, source: SOURCE };
}
