// Free UDP ports for nodes that must keep them over restarts: below the range from which the kernel
// hands out ports by itself, so that nobody takes the port of a replica that is down.

import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { systemCodeOf } from "./ordeal-error.js";

const PORT_MIN = 10_240;
const PORT_MAX = 32_000;
const ATTEMPTS_MAX = 50;

/** `count` consecutive ports that were free on this host just now. */
export async function freePorts(count: number, host: string): Promise<readonly number[]> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const first = randomInt(PORT_MIN, PORT_MAX - count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if ((await firstTaken(ports, host)) === undefined) return ports;
  }
  throw new Error(`no ${count} free UDP ports in a row on ${host} from ${PORT_MIN} to ${PORT_MAX}`);
}

/** The first of these ports that somebody holds; undefined where all are free. */
export async function firstTaken(
  ports: readonly number[],
  host: string,
): Promise<number | undefined> {
  const sockets: Socket[] = [];
  try {
    for (const port of ports) {
      const socket = createSocket("udp4");
      sockets.push(socket);
      if (!(await bound(socket, port, host))) return port;
    }
    return undefined;
  } finally {
    for (const socket of sockets) socket.close();
  }
}

function bound(socket: Socket, port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      if (systemCodeOf(error) === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    socket.bind({ port, address: host, exclusive: true }, () => resolve(true));
  });
}
