// What works in a User-Mode Linux, found out in there, in one boot: prints it as a line of JSON.

import { type Probe, probe } from "../../nemesis/host/probe.js";
import { localShell } from "../../nemesis/host/shell.js";
import { type HostFindings, probeHands } from "../cluster/host-hands.js";

export type UmlFindings = { namespaces: Probe; hands: HostFindings };

const shell = localShell();
const findings: UmlFindings = {
  namespaces: await probe(shell, { isRoot: true }),
  hands: await probeHands(shell, []),
};
console.log(JSON.stringify(findings));
