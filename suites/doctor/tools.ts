// Tools and rights that environments and faults rest on, each tried on this machine: a program that is there
// and does not work counts as little as one that is missing. Everything that is made for it is removed.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { ext4Trial } from "../../nemesis/host/ext4-disk.js";
import type { Finding } from "../../nemesis/host/probe.js";
import type { Shell } from "../../nemesis/host/shell.js";
import { messageOf } from "../../node/runtime/ordeal-error.js";
import { within } from "../cluster/deadline.js";
import { diskPrograms, programsIn } from "../cluster/disk-programs.js";
import { OWN_BUILD } from "../cluster/layout.js";
import { UML_REMEDY } from "../cluster/uml-parts.js";

type Trial = {
  name: string;
  /** Run by `sh -c`; works where it exits with 0, and its last line is then what was found. */
  script: string;
  remedy?: string;
  deadlineMs?: number;
};

const DEADLINE_MS = 30_000;
const LOOPBACK_MS_MAX = 5_000;

/** All tools, side by side; a few seconds. */
export async function probeTools(shell: Shell): Promise<readonly Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-doctor-"));
  try {
    const tried = trialsIn(folder).map((trial) => performTrial(shell, trial));
    const all = [...tried, probeLoopback(), probeSqlite(), probeDisk(), probeKvm()];
    return (await Promise.all(all)).map(withRemedyThatHelps);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function performTrial(shell: Shell, trial: Trial): Promise<Finding> {
  const { name, script, remedy, deadlineMs = DEADLINE_MS } = trial;
  const finding = (works: boolean, said: string): Finding => {
    const reason =
      said.trim().split("\n").at(-1)?.trim().slice(0, 200) || (works ? "works" : "refused");
    return { name, works, reason, ...(!works && remedy !== undefined && { remedy }) };
  };
  try {
    const result = await shell.run(["sh", "-c", script], { deadlineMs });
    return finding(result.exitCode === 0, result.exitCode === 0 ? result.stdout : result.stderr);
  } catch (error) {
    return finding(false, messageOf(error));
  }
}

function trialsIn(folder: string): readonly Trial[] {
  return [
    {
      name: "setpriv",
      script: "setpriv --pdeathsig KILL true",
      remedy: "apt-get install util-linux",
    },
    {
      name: "prlimit",
      script: `[ "$(prlimit --nofile=64:64 sh -c 'ulimit -n')" = 64 ]`,
      remedy: "apt-get install util-linux",
    },
    {
      name: "C compiler",
      // What it builds must load before another program: that is what it is for.
      script: `cd '${folder}' && echo 'int ordeal_probe(void) { return 0; }' >probe.c &&
        cc -shared -fPIC -o probe.so probe.c && said=$(LD_PRELOAD=./probe.so true 2>&1) &&
        [ -z "$said" ] && cc --version | head -n 1`,
      remedy: "apt-get install gcc libc6-dev",
    },
    {
      name: "libfaketime",
      script: `for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/*/faketime/libfaketimeMT.so.1; do
          [ -e "$library" ] || continue
          now=$(date +%s); then=$(LD_PRELOAD=$library FAKETIME=+1d date +%s)
          [ $((then - now)) -ge 86400 ] && echo "$library" && exit 0
        done; echo 'no libfaketime that moves a clock' >&2; exit 1`,
      remedy: "apt-get install libfaketime",
    },
    ...["freezer", "cpu", "memory"].map(cgroupTrial),
    {
      name: "loop devices",
      script: `truncate -s 1M '${folder}/disk' && device=$(losetup -f --show '${folder}/disk') &&
        losetup -d "$device" && echo "$device"`,
      remedy: "run as root, on a machine with loop devices",
    },
    {
      name: "ext4 shutdown",
      script: `(${ext4Trial(programsIn(OWN_BUILD).tool)}) && echo 'what was not synced is lost'`,
      remedy: "run as root, with loop devices and mkfs.ext4",
    },
    {
      name: "docker",
      script: "docker version --format '{{.Server.Version}}'",
      remedy: "apt-get install docker.io, then start dockerd",
    },
    { name: "ssh", script: "ssh -V 2>&1", remedy: "apt-get install openssh-client" },
    { name: "vagrant", script: "vagrant --version", remedy: "apt-get install vagrant" },
  ];
}

/** A group of our own that holds a process, with the controller's file written; on either version. */
function cgroupTrial(controller: string): Trial {
  const knobs: Readonly<Record<string, readonly [one: string, two: string]>> = {
    freezer: ["freezer.state:THAWED", "cgroup.freeze:0"],
    cpu: ["cpu.cfs_quota_us:50000", "cpu.max:50000 100000"],
    memory: ["memory.limit_in_bytes:1000000000", "memory.max:1000000000"],
  };
  const [one = "", two = ""] = knobs[controller] ?? [];
  const name = `ordeal-doctor-${process.pid}-${controller}`;
  const own = "$(sed -n 's/^0:://p' /proc/self/cgroup)";
  return {
    name: `cgroup ${controller}`,
    script: `try() {
        group=$1/${name}; file=\${2%%:*}; value=\${2#*:}
        mkdir "$group" 2>/dev/null || return 1
        sleep 30 & child=$!
        echo $child >"$group/cgroup.procs" && echo "$value" >"$group/$file"; worked=$?
        kill -9 $child; wait $child 2>/dev/null; rmdir "$group"
        [ $worked = 0 ] && echo "in $1"
      }
      { try /sys/fs/cgroup/${controller} '${one}' || try "/sys/fs/cgroup${own}" '${two}'; } 2>/dev/null ||
        { echo 'no group of it can be made by this user' >&2; exit 1; }`,
    remedy: "run as root, or under systemd-run --user --scope -p Delegate=yes",
  };
}

/** Everything that runs here as processes talks over it. */
/** What lies under a node whose disk is to fail: compiled with this build, or not. */
async function probeDisk(): Promise<Finding> {
  const name = "disk library";
  const found = diskPrograms();
  if ("programs" in found) return { name, works: true, reason: found.programs.preload };
  const remedy = "apt-get install gcc libc6-dev && ./ordeal --build";
  return { name, works: false, reason: found.reason, remedy };
}

async function probeLoopback(): Promise<Finding> {
  const name = "UDP on loopback";
  const [from, to] = [createSocket("udp4"), createSocket("udp4")];
  try {
    to.bind(0, "127.0.0.1");
    await once(to, "listening");
    const arrived = once(to, "message");
    from.send("ordeal", to.address().port, "127.0.0.1");
    const came = (await within(arrived, LOOPBACK_MS_MAX)) !== undefined;
    if (came) return { name, works: true, reason: "works" };
    const reason = `no datagram from 127.0.0.1 to itself in ${LOOPBACK_MS_MAX / 1_000} s`;
    return { name, works: false, reason, remedy: "ip link set lo up" };
  } catch (error) {
    return { name, works: false, reason: messageOf(error) };
  } finally {
    from.close();
    to.close();
  }
}

async function probeSqlite(): Promise<Finding> {
  const name = "SQLite addon";
  try {
    new Database(":memory:").close();
    return { name, works: true, reason: "works" };
  } catch (error) {
    return { name, works: false, reason: messageOf(error), remedy: "./ordeal --build" };
  }
}

async function probeKvm(): Promise<Finding> {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return { name: "KVM", works: true, reason: "/dev/kvm can be opened" };
  } catch (error) {
    const reason = messageOf(error);
    return { name: "KVM", works: false, reason, remedy: "modprobe kvm_intel or kvm_amd, as root" };
  }
}

/** No command can load a module that this kernel does not have; another kernel may help. */
export function withRemedyThatHelps(finding: Finding): Finding {
  const { remedy = "", ...rest } = finding;
  if (!remedy.startsWith("modprobe") || existsSync(`/lib/modules/${release()}`)) return finding;
  const reason = `${finding.reason} (Linux ${release()} has no modules here)`;
  const isNetwork = /^(tc|iptables|nft)/.test(finding.name);
  return { ...rest, reason, ...(isNetwork && { remedy: `${UML_REMEDY}; then --env uml` }) };
}
