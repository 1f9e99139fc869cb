// Environment `local`: processes on the loopback interface behind a UDP relay. It needs no
// privileges, so it runs everywhere the tool does.

import type { FaultKind, NodeName } from "../../nemesis/faults.js";
import { localShell } from "../../nemesis/host/shell.js";
import { freePorts } from "../../node/runtime/free-ports.js";
import { ClusterEnvironment, type Ground } from "./cluster-environment.js";
import type { Address } from "./cluster-files.js";
import type { Environment, EnvironmentOptions, NodeExit } from "./environment.js";
import {
  type HostFindings,
  hostCapabilities,
  hostHands,
  NO_FINDINGS,
  type ProcessOptions,
} from "./host-hands.js";
import { isReplicaName } from "./layout.js";
import { STOP_MS_MAX } from "./processes.js";
import { Reaper } from "./reaper.js";
import { register } from "./registry.js";
import { RelayNetwork } from "./relay-network.js";
import { RelayProcess } from "./relay-process.js";
import { makeRuntimeFolder } from "./runtime-folder.js";

const HOST = "127.0.0.1";
/** Loopback carries 64 KiB at once; larger datagrams cost the relay less. */
const DATAGRAM_BYTES_MAX = 8_192;
const RELAY_STOP_MS_MAX = 2_000;

const ALWAYS = [
  "partition",
  "loss",
  "duplicate",
  "reorder",
  "delay",
  "corrupt",
  "replay",
  "bandwidth",
  "clog",
  "message",
  "kill",
  "pause",
] as const satisfies readonly FaultKind[];

/** What the relay and signals do, and what was found to work on this machine. */
export function localCapabilities(found: HostFindings): ReadonlySet<FaultKind> {
  return new Set<FaultKind>([...ALWAYS, ...hostCapabilities(found)]);
}

/** `reason` says why this environment and not another; it becomes part of the description. */
export function createLocal(
  options: EnvironmentOptions,
  reason: string,
  { stopMsMax = STOP_MS_MAX, found = NO_FINDINGS }: ProcessOptions = {},
): Environment {
  const kind = {
    name: "local",
    description: `local: processes behind a UDP relay on ${HOST}; ${reason}`,
    capabilities: localCapabilities(found),
    stopMsMax,
    ...hostHands(found, options.seed),
    open: (nodes: readonly NodeName[]) => openGround(nodes, options.seed),
  };
  return new ClusterEnvironment(kind, options);
}

async function openGround(nodes: readonly NodeName[], seed: number): Promise<Ground> {
  const processes = register({ kind: "processes" });
  const runtimeFolder = makeRuntimeFolder();
  const reaper = new Reaper();
  const relay = new RelayProcess();
  const close = async () => {
    await relay.stop(RELAY_STOP_MS_MAX);
    await reaper.stop();
    runtimeFolder.remove();
    processes.release();
  };
  try {
    const ports = await freePorts(nodes.length, HOST);
    const placed = nodes.map((name, index) => ({ name, host: HOST, port: ports[index] ?? 0 }));
    const own = new Map<NodeName, Address>(placed.map(({ name, ...address }) => [name, address]));
    const opened = await relay.open(seed, placed, pairsOf(nodes));
    const seen = new Map<string, Address>(
      opened.map(({ node, peer, ...address }) => [`${node}>${peer}`, address]),
    );
    const placeOf = (node: NodeName) => ({
      listen: addressIn(own, node),
      // A replica knows itself by its own address, the others by the sockets that stand for them.
      addressOf: (replica: NodeName) =>
        replica === node ? addressIn(own, node) : addressIn(seen, `${node}>${replica}`),
      argvPrefix: [],
    });
    return {
      network: new RelayNetwork(relay),
      plan: {
        runtimeFolder: runtimeFolder.path,
        datagramBytesMax: DATAGRAM_BYTES_MAX,
        placeOf,
        shellOf: () => localShell(),
      },
      failures: () => failuresOf(relay),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function addressIn(addresses: ReadonlyMap<string, Address>, key: string): Address {
  const address = addresses.get(key);
  if (address === undefined) throw new Error(`local: no address for ${key}`);
  return address;
}

/** Each replica with each node after it; clients have nothing to say to one another. */
function pairsOf(nodes: readonly NodeName[]): readonly (readonly [NodeName, NodeName])[] {
  return nodes.flatMap((a, index) =>
    isReplicaName(a) ? nodes.slice(index + 1).map((b) => [a, b] as const) : [],
  );
}

function failuresOf({ failure, pid }: RelayProcess): readonly NodeExit[] {
  if (failure === undefined) return [];
  const at = new Date().toISOString();
  return [{ node: "relay", pid, how: failure, expected: false, at, stderr: "" }];
}
