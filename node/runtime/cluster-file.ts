// The cluster file: who takes part, where they listen, their public keys, and the numbers all must
// agree on. Beside it, for each node, a file with its secret keys. JSON, version 1.

import { readFileSync } from "node:fs";
import { PROTOCOL_DEFAULTS, type ProtocolConfig } from "../core/config.js";
import { DATAGRAM_BYTES_LARGEST, DATAGRAM_BYTES_SMALLEST } from "../core/datagram.js";
import { CLIENT_PRINCIPAL_MIN, type PrincipalId } from "../core/messages.js";
import { type Fields, parseJson } from "./fields.js";
import { generateKeys, isKeyHex, type PublicKeys, publicKeysOf, type SecretKeys } from "./keys.js";
import { type FailureCode, messageOf, OrdealError } from "./ordeal-error.js";
import { hasSmallOrder } from "./signatures.js";

export const CLUSTER_FILE_VERSION = 1;
/** What replicas tell apart: a principal below this is a replica. */
const REPLICAS_MAX = CLIENT_PRINCIPAL_MIN;
const CLIENTS_MAX = 65_536 - CLIENT_PRINCIPAL_MIN;
/** Loopback and veth carry it whole; small enough to stay clear of the largest UDP payload. */
export const DATAGRAM_BYTES_MAX_DEFAULT = 8_192;

export type ProtocolOverrides = Partial<Omit<ProtocolConfig, "cluster" | "n">>;
export type ReplicaEntry = { id: number; name: string; host: string; port: number } & PublicKeys;
export type ClientEntry = { id: PrincipalId; name: string } & PublicKeys;

export type ClusterFile = {
  version: typeof CLUSTER_FILE_VERSION;
  /** 16 hexadecimal characters. */
  cluster: string;
  /** Overrides of PROTOCOL_DEFAULTS. */
  protocol: ProtocolOverrides;
  datagramBytesMax: number;
  /** In order of id, from 0. */
  replicas: readonly ReplicaEntry[];
  /** In order of id, from 256. */
  clients: readonly ClientEntry[];
};

export type ClusterPlan = {
  /** 16 hexadecimal characters. */
  cluster: string;
  protocol?: ProtocolOverrides;
  datagramBytesMax?: number;
  replicas: readonly { name: string; host: string; port: number }[];
  clients: readonly { name: string }[];
};

/** A cluster file with fresh keys, and the secret keys by the node's name. */
export function createCluster(plan: ClusterPlan): {
  file: ClusterFile;
  secrets: ReadonlyMap<string, SecretKeys>;
} {
  const secrets = new Map<string, SecretKeys>();
  const keysFor = (name: string, principal: PrincipalId): PublicKeys => {
    const keys = generateKeys(principal);
    secrets.set(name, keys.secret);
    return keys.public;
  };
  const file: ClusterFile = {
    version: CLUSTER_FILE_VERSION,
    cluster: plan.cluster,
    protocol: plan.protocol ?? {},
    datagramBytesMax: plan.datagramBytesMax ?? DATAGRAM_BYTES_MAX_DEFAULT,
    replicas: plan.replicas.map((replica, id) => ({
      id,
      ...replica,
      ...keysFor(replica.name, id),
    })),
    clients: plan.clients.map((client, index) => {
      const id = CLIENT_PRINCIPAL_MIN + index;
      return { id, name: client.name, ...keysFor(client.name, id) };
    }),
  };
  // Whatever we write, we must be able to read.
  return { file: parseClusterFile(JSON.stringify(file), "new cluster file"), secrets };
}

/** Reads and checks a cluster file; throws OrdealError naming the field. */
export function readClusterFile(path: string): ClusterFile {
  return parseClusterFile(readText(path, "cluster file", "cluster-file"), path);
}

/** Checks a cluster file; `where` begins the message of the OrdealError it throws. */
export function parseClusterFile(text: string, where: string): ClusterFile {
  const fields = parseJson(text, where, "cluster-file");
  const version = fields.integer("version", 1, Number.MAX_SAFE_INTEGER);
  if (version !== CLUSTER_FILE_VERSION) {
    fields.refuse(
      "version",
      `this program reads version ${CLUSTER_FILE_VERSION}, found ${version}`,
    );
  }
  const cluster = fields.matching("cluster", /^[0-9a-f]{16}$/, "16 hexadecimal characters");
  const protocol = parseProtocol(fields.child("protocol"));
  const datagramBytesMax = fields.integer(
    "datagramBytesMax",
    DATAGRAM_BYTES_SMALLEST,
    DATAGRAM_BYTES_LARGEST,
  );
  const replicas = fields.children("replicas", 1, REPLICAS_MAX).map(parseReplica);
  if (replicas.length % 3 !== 1) {
    fields.refuse("replicas", `want 3f+1 of them, found ${replicas.length}`);
  }
  const clients = fields.children("clients", 0, CLIENTS_MAX).map(parseClient);
  fields.nothingElse();
  refuseRepeats(fields, replicas, clients);
  return {
    version: CLUSTER_FILE_VERSION,
    cluster,
    protocol,
    datagramBytesMax,
    replicas,
    clients,
  };
}

/** Reads and checks a file of secret keys; throws OrdealError naming the field. */
export function readKeyFile(path: string): SecretKeys {
  const fields = parseJson(readText(path, "key file", "key-file"), path, "key-file");
  const principal = fields.integer("principal", 0, 65_535);
  const signingSecret = fields.matching("signingSecret", KEY, KEY_WANTED);
  const exchangeSecret = fields.matching("exchangeSecret", KEY, KEY_WANTED);
  fields.nothingElse();
  return { principal, signingSecret, exchangeSecret };
}

/** Throws OrdealError unless the cluster file names the owner of these keys with their public halves. */
export function checkKeys(file: ClusterFile, secret: SecretKeys): void {
  const { principal } = secret;
  const named = principalsOf(file).get(principal);
  if (named === undefined) {
    throw new OrdealError(
      "key-file",
      `key file: principal ${principal} is not in the cluster file`,
    );
  }
  const own = publicKeysOf(secret);
  if (own.signingKey === named.signingKey && own.exchangeKey === named.exchangeKey) return;
  throw new OrdealError(
    "key-file",
    `key file: not the keys of principal ${principal} in the cluster file; take both from one cluster`,
  );
}

/** Everybody's public keys. */
export function principalsOf(file: ClusterFile): ReadonlyMap<PrincipalId, PublicKeys> {
  return new Map([...file.replicas, ...file.clients].map((entry) => [entry.id, entry]));
}

/** The protocol's numbers with the file's overrides. */
export function protocolConfigOf(file: ClusterFile): ProtocolConfig {
  const { cluster, protocol, replicas } = file;
  return { ...PROTOCOL_DEFAULTS, ...protocol, cluster, n: replicas.length };
}

const KEY = /^[0-9a-f]{64}$/;
const KEY_WANTED = "64 hexadecimal characters";

function parseProtocol(fields: Fields): ProtocolOverrides {
  const overrides: Record<string, number> = {};
  for (const name of fields.names()) {
    if (!(name in PROTOCOL_DEFAULTS)) {
      fields.refuse(name, `no such number; known: ${Object.keys(PROTOCOL_DEFAULTS).join(", ")}`);
    }
    overrides[name] = fields.integer(name, 1, 2 ** 31 - 1);
  }
  const { checkpointInterval, window } = { ...PROTOCOL_DEFAULTS, ...overrides };
  if (window % checkpointInterval !== 0 || window < 2 * checkpointInterval) {
    fields.refuse(
      "window",
      `want a multiple of checkpointInterval, at least twice it, found ${window} and ${checkpointInterval}`,
    );
  }
  return overrides;
}

function parseReplica(fields: Fields, index: number): ReplicaEntry {
  const id = fields.integer("id", index, index);
  const name = fields.matching("name", NAME, NAME_WANTED);
  const host = fields.matching("host", /^[0-9A-Za-z.:-]{1,253}$/, "an address or a host name");
  const port = fields.integer("port", 1, 65_535);
  return { id, name, host, port, ...parseKeys(fields) };
}

function parseClient(fields: Fields, index: number): ClientEntry {
  const expected = CLIENT_PRINCIPAL_MIN + index;
  const id = fields.integer("id", expected, expected);
  return { id, name: fields.matching("name", NAME, NAME_WANTED), ...parseKeys(fields) };
}

const NAME = /^[0-9A-Za-z][0-9A-Za-z_.-]{0,63}$/;
const NAME_WANTED = "a name of letters, digits, _ . -";

function parseKeys(fields: Fields): PublicKeys {
  const signingKey = fields.matching("signingKey", KEY, KEY_WANTED);
  const exchangeKey = fields.matching("exchangeKey", KEY, KEY_WANTED);
  if (!isKeyHex(signingKey) || hasSmallOrder(Buffer.from(signingKey, "hex"))) {
    fields.refuse("signingKey", "not a key that anybody could own");
  }
  fields.nothingElse();
  return { signingKey, exchangeKey };
}

function refuseRepeats(
  fields: Fields,
  replicas: readonly ReplicaEntry[],
  clients: readonly ClientEntry[],
): void {
  const places: readonly [string, readonly string[]][] = [
    ["name", [...replicas, ...clients].map((entry) => entry.name)],
    ["host and port", replicas.map((replica) => `${replica.host}:${replica.port}`)],
    ["signingKey", [...replicas, ...clients].map((entry) => entry.signingKey)],
    ["exchangeKey", [...replicas, ...clients].map((entry) => entry.exchangeKey)],
  ];
  for (const [what, values] of places) {
    const seen = new Set<string>();
    for (const value of values) {
      if (seen.has(value)) fields.refuse("replicas", `two nodes with the ${what} ${value}`);
      seen.add(value);
    }
  }
}

function readText(path: string, what: string, code: FailureCode): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new OrdealError(code, `${what} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
