// Datagrams over UDP. Replicas stay where the cluster file says; a client is wherever its last
// authenticated datagram came from. UDP may drop what does not fit, and so may we: what the socket
// cannot take is counted, and the protocol sends again what mattered.

import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Links, pack, type Unpacked, unpack } from "../core/datagram.js";
import type { PrincipalId } from "../core/messages.js";
import type { Counters } from "./counters.js";
import { messageOf, OrdealError, systemCodeOf } from "./ordeal-error.js";

/** Asked of the kernel; it gives what its limit allows. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
/** Unsent bytes beyond which datagrams are dropped here. */
const SEND_QUEUE_BYTES_MAX = 8 * 1024 * 1024;

export type Address = { host: string; port: number };

export type TransportOptions = {
  links: Links;
  listen: Address;
  /** Where the replicas are; names are resolved once, here. */
  replicas: ReadonlyMap<PrincipalId, Address>;
  counters: Counters;
  /** What goes out in place of a datagram; undefined: nothing. Absent: the datagram. */
  spoil?: (to: PrincipalId, datagram: Uint8Array) => Uint8Array | undefined;
};

export type Datagram = { bytes: Uint8Array; source: Address };

export interface Transport {
  readonly address: Address;
  readonly receiveBufferBytes: number;
  /** Called in the event loop's poll phase, once for each datagram; nothing is checked yet. */
  onDatagram: ((datagram: Datagram) => void) | undefined;
  /** Checks a datagram, learns a client's address from it, and gives the messages it completes. */
  open(datagram: Datagram): Unpacked;
  /** Coalesces the messages into datagrams; drops them where the principal's address is unknown. */
  send(to: PrincipalId, messages: readonly Uint8Array[]): void;
  close(): Promise<void>;
}

/** What a driver uses of a transport. */
export type DriverTransport = Pick<Transport, "open" | "send" | "onDatagram">;

/** The same transport, with something else done to send. */
export function sendingBy(
  transport: DriverTransport,
  send: DriverTransport["send"],
): DriverTransport {
  return {
    open: (datagram) => transport.open(datagram),
    send,
    get onDatagram() {
      return transport.onDatagram;
    },
    set onDatagram(listener) {
      transport.onDatagram = listener;
    },
  };
}

/** Binds the socket; throws OrdealError where it cannot. */
export async function openTransport(options: TransportOptions): Promise<Transport> {
  const { links, counters, spoil } = options;
  const listen = { host: await resolved(options.listen.host), port: options.listen.port };
  const replicas = new Map<PrincipalId, Address>();
  for (const [id, { host, port }] of options.replicas) {
    replicas.set(id, { host: await resolved(host), port });
  }
  const clients = new Map<PrincipalId, Address>();
  const family = isIP(listen.host);
  const socket = createSocket({
    type: family === 6 ? "udp6" : "udp4",
    // Every address is numeric by now: answering at once spares a turn of the event loop a datagram.
    lookup: (host, _options, callback) => callback(null, host, family),
  });
  await bound(socket, listen);
  socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
  socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
  socket.on("error", (error) => counters.add(`socket/${systemCodeOf(error) ?? "error"}`));
  const onSent = (error: Error | null) => {
    if (error !== null) counters.add(`send/${systemCodeOf(error) ?? "error"}`);
  };

  const transport: Transport = {
    address: { host: listen.host, port: socket.address().port },
    receiveBufferBytes: socket.getRecvBufferSize(),
    onDatagram: undefined,
    open({ bytes, source }) {
      const unpacked = unpack(links, bytes);
      if (unpacked.refusal !== undefined) counters.add(`datagram/${unpacked.refusal}`);
      const { from } = unpacked;
      // A replayed datagram may come from anywhere: it moves nobody.
      if (from !== undefined && !replicas.has(from) && unpacked.refusal !== "replayed") {
        clients.set(from, source);
      }
      return unpacked;
    },
    send(to, messages) {
      const address = replicas.get(to) ?? clients.get(to);
      if (address === undefined) {
        counters.add("send/unknown-address");
        return;
      }
      for (const datagram of pack(links, to, messages)) {
        if (socket.getSendQueueSize() > SEND_QUEUE_BYTES_MAX) {
          counters.add("send/queue-full");
          return;
        }
        const sent = spoil === undefined ? datagram : spoil(to, datagram);
        if (sent !== undefined) socket.send(sent, address.port, address.host, onSent);
      }
    },
    close: () => new Promise((done) => socket.close(() => done())),
  };
  socket.on("message", (bytes, { address, port }) => {
    transport.onDatagram?.({ bytes, source: { host: address, port } });
  });
  return transport;
}

/** "HOST:PORT", with an IPv6 host in brackets; throws OrdealError naming the option. */
export function parseAddress(text: string, option: string): Address {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) {
    throw new OrdealError("usage", `${option}: want HOST:PORT, found ${text}`);
  }
  return { host, port };
}

async function resolved(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new OrdealError("address", `cannot resolve the host name ${host}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function bound(socket: Socket, { host, port }: Address): Promise<void> {
  return new Promise((done, failed) => {
    socket.once("error", (error) => {
      const where = `UDP ${host}:${port}`;
      const inUse = systemCodeOf(error) === "EADDRINUSE";
      failed(
        inUse
          ? new OrdealError("port-in-use", `${where} is in use: is this replica already running?`)
          : new OrdealError("socket", `cannot listen on ${where}: ${messageOf(error)}`),
      );
    });
    socket.bind({ address: host, port }, () => {
      socket.removeAllListeners("error");
      done();
    });
  });
}
