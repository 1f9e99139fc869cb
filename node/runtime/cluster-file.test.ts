import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  checkKeys,
  createCluster,
  parseClusterFile,
  protocolConfigOf,
  readClusterFile,
  readKeyFile,
} from "./cluster-file.js";
import { OrdealError } from "./ordeal-error.js";

const plan = {
  cluster: "00000000000000aa",
  protocol: { viewTimeoutMs: 300 },
  replicas: [0, 1, 2, 3].map((id) => ({ name: `r${id}`, host: "127.0.0.1", port: 7000 + id })),
  clients: [{ name: "c0" }],
};
const { file, secrets } = createCluster(plan);

/** The message for the cluster file with another value at a path ("replicas.2.port"). */
function refusal(path: string, value: unknown): string {
  const draft: unknown = JSON.parse(JSON.stringify(file));
  const names = path.split(".");
  const last = names.pop() ?? "";
  const parent = names.reduce<unknown>((object, name) => Reflect.get(Object(object), name), draft);
  Reflect.set(Object(parent), last, value);
  return refusalOfText(JSON.stringify(draft));
}

function refusalOfText(text: string): string {
  try {
    parseClusterFile(text, "x.json");
  } catch (error) {
    assert.instance(error, OrdealError);
    if (error instanceof OrdealError) {
      assert.is(error.exitCode, 254);
      assert.not.match(error.message, /\n/);
      return error.message;
    }
  }
  return "accepted";
}

test("what is created is read back, with the defaults under the overrides", () => {
  assert.equal(parseClusterFile(JSON.stringify(file), "x"), file);
  const config = protocolConfigOf(file);
  assert.is(config.viewTimeoutMs, 300);
  assert.is(config.window, 128);
  assert.is(config.n, 4);
  assert.is(config.cluster, "00000000000000aa");
});

test("a malformed file is refused in one line that names the field", () => {
  assert.match(refusalOfText("{"), /^x\.json: not JSON: /);
  assert.match(refusalOfText("[]"), /^x\.json: want an object, found \[\]$/);
  const cases: readonly [string, unknown, RegExp][] = [
    ["version", 2, /^x\.json: version: this program reads version 1, found 2$/],
    ["cluster", "zz", /^x\.json: cluster: want 16 hexadecimal characters, found "zz"$/],
    ["datagramBytesMax", undefined, /datagramBytesMax: want an integer from 512 .*found nothing$/],
    [
      "protocol.viewTimeout",
      3,
      /protocol\.viewTimeout: no such number; known: checkpointInterval, /,
    ],
    ["protocol.window", 100, /protocol\.window: want a multiple of checkpointInterval/],
    ["replicas.2.port", "7002", /replicas\[2\]\.port: want an integer .*, found "7002"$/],
    ["replicas.1.id", 3, /replicas\[1\]\.id: want 1, found 3$/],
    ["clients.0.colour", 1, /clients\[0\]\.colour: no such field$/],
    ["replicas", file.replicas.slice(0, 3), /replicas: want 3f\+1 of them, found 3$/],
    ["replicas", {}, /replicas: want a list, found \{\}$/],
  ];
  for (const [path, value, expected] of cases) assert.match(refusal(path, value), expected);
});

test("nodes that could be confused are refused", () => {
  const ownerless = `01${"00".repeat(31)}`;
  const cases: readonly [string, unknown, RegExp][] = [
    ["clients.0.name", "r1", /two nodes with the name r1$/],
    ["replicas.1.port", 7000, /two nodes with the host and port 127\.0\.0\.1:7000$/],
    [
      "replicas.1.signingKey",
      file.replicas[0]?.signingKey,
      /two nodes with the signingKey [0-9a-f]/,
    ],
    ["replicas.1.signingKey", ownerless, /replicas\[1\]\.signingKey: not a key that anybody/],
  ];
  for (const [path, value, expected] of cases) assert.match(refusal(path, value), expected);
});

test("keys of another cluster, and of nobody, are refused", () => {
  const other = createCluster(plan);
  const own = secrets.get("r1");
  const foreign = other.secrets.get("r1");
  assert.ok(own && foreign);
  if (own === undefined || foreign === undefined) return;
  checkKeys(file, own);
  assert.throws(() => checkKeys(file, foreign), /not the keys of principal 1 in the cluster file/);
  assert.throws(
    () => checkKeys(file, { ...own, principal: 9 }),
    /principal 9 is not in the cluster/,
  );
  assert.throws(() => checkKeys(file, { ...own, principal: 2 }), /not the keys of principal 2/);
});

test("files are read from disk; a missing one is named", () => {
  const directory = mkdtempSync(join(tmpdir(), "ordeal-cluster-file-"));
  try {
    const clusterPath = join(directory, "cluster.json");
    const keyPath = join(directory, "r0.key");
    assert.throws(
      () => readClusterFile(clusterPath),
      /cluster file cannot be read: ENOENT.*cluster\.json/,
    );
    assert.throws(() => readKeyFile(keyPath), /key file cannot be read: ENOENT/);
    writeFileSync(clusterPath, JSON.stringify(file));
    writeFileSync(keyPath, JSON.stringify(secrets.get("r0")));
    assert.equal(readClusterFile(clusterPath), file);
    assert.equal(readKeyFile(keyPath), secrets.get("r0"));
    writeFileSync(
      keyPath,
      JSON.stringify({ principal: 0, signingSecret: "00", exchangeSecret: "" }),
    );
    assert.throws(
      () => readKeyFile(keyPath),
      /signingSecret: want 64 hexadecimal characters, found "00"/,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
