import { createSocket, type Socket } from "node:dgram";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createLinks, type Links, pack } from "../core/datagram.js";
import { createCluster, principalsOf } from "./cluster-file.js";
import { Counters } from "./counters.js";
import { createKeyring } from "./keyring.js";
import { type Address, type Datagram, openTransport, parseAddress } from "./transport.js";

const CLUSTER = "00000000000000aa";
const { file, secrets } = createCluster({
  cluster: CLUSTER,
  replicas: [0, 1, 2, 3].map((id) => ({ name: `r${id}`, host: "127.0.0.1", port: 7000 + id })),
  clients: [{ name: "c0" }],
});

function linksOf(name: string): Links {
  const secret = secrets.get(name);
  if (secret === undefined) throw new Error(`no keys for ${name}`);
  const keyring = createKeyring({ cluster: CLUSTER, secret, principals: principalsOf(file) });
  return createLinks({ cluster: CLUSTER, keyring, datagramBytesMax: 1400, epoch: 1 });
}

/** A bare socket on loopback and what it received. */
async function peer(): Promise<{ socket: Socket; address: Address; received: Uint8Array[] }> {
  const socket = createSocket("udp4");
  const received: Uint8Array[] = [];
  socket.on("message", (bytes) => received.push(bytes));
  await new Promise<void>((bound) => socket.bind(0, "127.0.0.1", () => bound()));
  return { socket, address: { host: "127.0.0.1", port: socket.address().port }, received };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("waited for 5 s in vain");
    await new Promise((next) => setTimeout(next, 2));
  }
}

async function opened(replicas: ReadonlyMap<number, Address> = new Map()) {
  const counters = new Counters();
  const listen = { host: "127.0.0.1", port: 0 };
  const transport = await openTransport({ links: linksOf("r0"), listen, replicas, counters });
  const inbox: Datagram[] = [];
  transport.onDatagram = (datagram) => inbox.push(datagram);
  return { transport, counters, inbox };
}

test("a client's address is learned from an authenticated datagram and from nothing else", async () => {
  const { transport, counters, inbox } = await opened();
  const client = await peer();
  const thief = await peer();
  const { port, host } = transport.address;
  try {
    const message = Uint8Array.of(1, 2, 3);
    const links = linksOf("c0");
    const [hello = new Uint8Array(0)] = pack(links, 0, [message]);
    const forged = Uint8Array.from(hello);
    forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1;

    transport.send(256, [message]);
    assert.equal(counters.takeFresh(), { "send/unknown-address": 1 });
    thief.socket.send(forged, port, host);
    await until(() => inbox.length === 1);
    for (const datagram of inbox.splice(0)) transport.open(datagram);
    transport.send(256, [message]);
    assert.equal(counters.takeFresh(), { "datagram/forged": 1, "send/unknown-address": 1 });

    client.socket.send(hello, port, host);
    await until(() => inbox.length === 1);
    const [first] = inbox.splice(0);
    assert.ok(first);
    if (first === undefined) return;
    const unpacked = transport.open(first);
    assert.is(unpacked.from, 256);
    assert.equal(
      unpacked.messages.map((bytes) => [...bytes]),
      [[1, 2, 3]],
    );

    // The same datagram again, from elsewhere: it must not redirect the client's replies.
    thief.socket.send(hello, port, host);
    await until(() => inbox.length === 1);
    for (const datagram of inbox.splice(0)) transport.open(datagram);
    assert.equal(counters.takeFresh(), { "datagram/replayed": 1 });
    transport.send(256, [message]);
    await until(() => client.received.length === 1);
    assert.is(thief.received.length, 0);
  } finally {
    client.socket.close();
    thief.socket.close();
    await transport.close();
  }
});

test("a replica stays where the cluster file says, wherever its datagrams come from", async () => {
  const home = await peer();
  const elsewhere = await peer();
  const { transport, inbox } = await opened(new Map([[1, home.address]]));
  try {
    const [hello = new Uint8Array(0)] = pack(linksOf("r1"), 0, [Uint8Array.of(1)]);
    elsewhere.socket.send(hello, transport.address.port, transport.address.host);
    await until(() => inbox.length === 1);
    for (const datagram of inbox.splice(0)) assert.is(transport.open(datagram).from, 1);
    transport.send(1, [Uint8Array.of(2)]);
    await until(() => home.received.length === 1);
    assert.is(elsewhere.received.length, 0);
  } finally {
    home.socket.close();
    elsewhere.socket.close();
    await transport.close();
  }
});

test("a port in use and an address that is not ours are refused in one line", async () => {
  const { transport, counters } = await opened();
  const open = (listen: Address) =>
    openTransport({ links: linksOf("r0"), listen, replicas: new Map(), counters }).then(
      () => "opened",
      (error: Error) => error.message,
    );
  assert.match(await open(transport.address), /^UDP 127\.0\.0\.1:\d+ is in use: is this replica/);
  assert.match(
    await open({ host: "192.0.2.1", port: 0 }),
    /^cannot listen on UDP 192\.0\.2\.1:0: /,
  );
  await transport.close();
});

test("addresses are HOST:PORT, with brackets around IPv6", () => {
  assert.equal(parseAddress("127.0.0.1:80", "--listen"), { host: "127.0.0.1", port: 80 });
  assert.equal(parseAddress("[::1]:7000", "--listen"), { host: "::1", port: 7000 });
  assert.equal(parseAddress("node-1.example:0", "--listen"), { host: "node-1.example", port: 0 });
  for (const text of ["", "80", ":80", "host:", "host:65536", "::1:80", "host:80x"]) {
    assert.throws(() => parseAddress(text, "--listen"), /^--listen: want HOST:PORT, found /);
  }
});

test.run();
