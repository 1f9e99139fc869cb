// Environment `netns`: each node in a network namespace of its own on a bridge; faults by iptables
// and tc in those namespaces. Runs inside the sandbox only (sandbox.ts), with which all of it ends.

import { mkdtempSync, rmSync } from "node:fs";
import type { NodeName, ResolvedFault } from "../../nemesis/faults.js";
import {
  buildTopology,
  enterPrefix,
  namespaceAccess,
  setUpTopology,
  type Topology,
  tearDownTopology,
} from "../../nemesis/host/netns.js";
import { NetnsNetwork } from "../../nemesis/host/network.js";
import { localShell, prefixedShell } from "../../nemesis/host/shell.js";
import { composeLinks } from "../../nemesis/links.js";
import { capabilitiesOf } from "./capabilities.js";
import { ClusterEnvironment, type FaultyNetwork, type Ground } from "./cluster-environment.js";
import { DATAGRAM_BYTES_MAX_ETHERNET } from "./cluster-files.js";
import type { Environment, EnvironmentOptions } from "./environment.js";
import { hostHands, NO_FINDINGS, type ProcessOptions } from "./host-hands.js";
import { collectOwnDisks, ownDisk } from "./own-disk.js";
import { STOP_MS_MAX } from "./processes.js";
import type { Sandbox } from "./sandbox.js";

/** Every replica has an address of its own, so they may all have the same port. */
const PORT = 7400;

/** Call inside the sandbox only; `reason` becomes part of the description. */
export function createNetns(
  options: EnvironmentOptions,
  sandbox: Sandbox,
  { stopMsMax = STOP_MS_MAX, found = NO_FINDINGS }: ProcessOptions = {},
): Environment {
  const { mode, backend, mechanism, reason } = sandbox;
  const name = sandbox.kernel === "uml" ? "uml" : "netns";
  const { directory, faults } = options;
  const cutsPower = faults?.includes("power-cut") ?? true;
  const ownDisks = found.ext4 && cutsPower ? directory : undefined;
  const kind = {
    name,
    description: `${name}: namespaces (${mode}), iptables-${backend}, delay by ${mechanism ?? "nothing"}; ${reason}`,
    capabilities: capabilitiesOf(sandbox, found),
    stopMsMax,
    ...hostHands(found, options.seed),
    open: (nodes: readonly NodeName[]) => openGround(nodes, sandbox, ownDisks),
  };
  return new ClusterEnvironment(kind, options);
}

/** Replicas have file systems of their own where a folder is named to which their state comes in the end. */
async function openGround(
  nodes: readonly NodeName[],
  sandbox: Sandbox,
  ownDisks: string | undefined,
): Promise<Ground> {
  const shell = localShell();
  const topology = buildTopology(nodes);
  // The sandbox has a /run of its own, which ends with it: nothing of it needs to be registered.
  const runtimeFolder = mkdtempSync("/run/ordeal-");
  const { backend, mechanism } = sandbox;
  const remove = async () => {
    await tearDownTopology(shell, topology);
    rmSync(runtimeFolder, { recursive: true, force: true });
  };
  const shells = await setUpTopology(topology, backend).catch(async (error: unknown) => {
    // What is half made cannot all be removed; why it is half made is what matters.
    await remove().catch(() => undefined);
    throw error;
  });
  const accessOf = namespaceAccess(topology, shells);
  const network = new NetnsNetwork({ topology, accessOf, backend, mechanism });
  // Beside the start of the nodes; the first fault waits for it, and sees where it failed.
  const prepared = network.prepare();
  prepared.catch(() => undefined);
  const close = async () => {
    await shells.close();
    await remove();
    await prepared;
  };
  const placeOf = (node: NodeName) => ({
    listen: addressOf(topology, node),
    addressOf: (replica: NodeName) => addressOf(topology, replica),
    argvPrefix: enterPrefix(node),
  });
  return {
    network: composedNetwork(network, prepared),
    plan: {
      runtimeFolder,
      datagramBytesMax: DATAGRAM_BYTES_MAX_ETHERNET,
      placeOf,
      shellOf: (node) => prefixedShell(shell, enterPrefix(node)),
      ...(ownDisks !== undefined && { diskOf: (node) => ownDisk(runtimeFolder, node) }),
    },
    failures: () => [],
    ...(ownDisks !== undefined && {
      collect: async () => collectOwnDisks(nodes, { runtimeFolder, directory: ownDisks }),
    }),
    close,
  };
}

function composedNetwork(network: NetnsNetwork, prepared: Promise<void>): FaultyNetwork {
  return {
    async apply(active: readonly ResolvedFault[]) {
      await prepared;
      await network.apply(composeLinks(active));
    },
    evidence: (fault) => network.evidence(fault),
  };
}

function addressOf(topology: Topology, node: NodeName): { host: string; port: number } {
  const host = topology.addresses.get(node);
  if (host === undefined) throw new Error(`netns: no address for ${node}`);
  return { host, port: PORT };
}
