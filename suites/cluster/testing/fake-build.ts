// A build whose nodes speak the environment's side of things, flags, control socket, stdio, UDP, and
// no protocol at all: so that starting, stopping and killing can be tested alone. A replica greets
// every peer of its cluster file all the time, and misbehaves as its `mood` says.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** "deaf": ignores SIGTERM; "stillborn": exits at once; "mute": never answers. */
export type Mood = "good" | "deaf" | "stillborn" | "mute";

const REPLICA = `
const { createServer } = require("node:net");
const { createSocket } = require("node:dgram");
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require("node:fs");
const flag = (name) => process.argv[process.argv.indexOf("--" + name) + 1];
const cluster = JSON.parse(readFileSync(flag("cluster"), "utf8"));
const { principal } = JSON.parse(readFileSync(flag("key"), "utf8"));
const data = flag("data") + "/protocol.log";
const init = process.argv.includes("--init");
if (init === existsSync(data)) {
  console.error(init ? "already there" : "no log: start with --init");
  process.exit(254);
}
appendFileSync(data, process.pid + "\\n");
const mood = MOODS["r" + principal];
if (mood === "stillborn") {
  console.error("no will to live");
  process.exit(3);
}
process.on("SIGTERM", () => mood === "deaf" || process.exit(0));
const heard = new Map();
const [host, port] = flag("listen").split(":");
const socket = createSocket("udp4");
socket.on("message", (bytes) => {
  const from = bytes.toString();
  heard.set(from, (heard.get(from) ?? 0) + 1);
});
socket.bind(Number(port), host, () => {
  setInterval(() => {
    for (const peer of cluster.replicas) {
      if (peer.id !== principal) socket.send("r" + principal, peer.port, peer.host);
    }
  }, 5);
});
console.log(JSON.stringify({ event: "started", pid: process.pid }));
createServer((client) => {
  client.on("error", () => client.destroy());
  client.on("data", () => {
    if (mood === "mute") return;
    client.write(JSON.stringify({
      replica: principal, view: 0, viewActive: true, stableSeq: 0, stableDigest: "",
      executedSeq: readFileSync(data, "utf8").split("\\n").length - 1,
      lowWatermark: 0, highWatermark: 128, transferring: false,
      digest: [...heard].sort().map(([name, count]) => name + ":" + count).join(" "),
      rssBytes: process.memoryUsage.rss(),
    }) + "\\n");
  });
}).listen(flag("control"));
`;

const CLIENT = `
const { createInterface } = require("node:readline");
process.on("SIGTERM", () => process.exit(0));
createInterface({ input: process.stdin }).on("line", (line) => {
  const call = JSON.parse(line);
  if (call.f === "ignore") return;
  if (call.f === "babble") return console.log("what?");
  const now = process.hrtime.bigint().toString();
  console.log(JSON.stringify({
    id: call.id, type: "ok", value: call.value, client: 256 * 65536 + call.session,
    startedNs: now, endedNs: now,
  }));
}).on("close", () => process.exit(0));
`;

/** Writes the build into this folder. */
export function writeFakeBuild(folder: string, moods: Readonly<Record<string, Mood>> = {}): void {
  const mains = [
    ["main.js", `const MOODS = ${JSON.stringify(moods)};${REPLICA}`],
    ["client-main.js", CLIENT],
  ] as const;
  const runtime = join(folder, "node", "runtime");
  mkdirSync(runtime, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }');
  for (const [name, source] of mains) writeFileSync(join(runtime, name), source);
}
