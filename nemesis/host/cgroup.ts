// Control groups around a running process: made for a fault, below or beside the group that we are in
// ourselves, so that a process never leaves the limits it was given; and removed with the fault. Works on
// version 1, where each controller has a tree of its own, and on version 2. Source: cgroups(7),
// Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of Linux.

import { must, type Shell } from "./shell.js";

export const CONTROLLERS = ["cpu", "memory", "freezer"] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** Where a group with this controller can be made. */
export type CgroupPlace = { version: 1 | 2; folder: string };
export type CgroupPlaces = Readonly<Partial<Record<Controller, CgroupPlace>>>;

/** A group that holds a process; `home` is where it came from and goes back to. */
export type Cgroup = { path: string; home: string; version: 1 | 2 };

/** A file of the group and what is written to it. */
export type Setting = readonly [file: string, value: string];

/** Our groups have names of their own; an empty one is what a killed run left. */
const PREFIX = "ordeal-";

/** Tries everything once; what cannot be done here is left out. Removes empty groups of dead runs. */
export async function findCgroupPlaces(shell: Shell): Promise<CgroupPlaces> {
  const { stdout } = await shell.run(["sh", "-c", PROBE, "sh", PREFIX], { deadlineMs: 30_000 });
  return parsePlaces(stdout);
}

/** "cpu 1 /sys/fs/cgroup/cpu" → where groups with that controller can be made. */
export function parsePlaces(said: string): CgroupPlaces {
  const places: Partial<Record<Controller, CgroupPlace>> = {};
  for (const line of said.split("\n")) {
    const [name, version, folder] = line.split(" ");
    const controller = CONTROLLERS.find((known) => known === name);
    if (controller === undefined || folder === undefined) continue;
    // The first that is found is nearest to the group that we are in.
    places[controller] ??= { version: version === "1" ? 1 : 2, folder };
  }
  return places;
}

export function cgroupPath({ folder }: CgroupPlace, name: string): string {
  return `${folder}/${PREFIX}${name}`;
}

/** Makes a group, settings first, and moves the process into it. Throws a ShellError, and leaves nothing. */
export async function enclose(
  shell: Shell,
  place: CgroupPlace,
  name: string,
  pid: number,
  settings: readonly Setting[],
): Promise<Cgroup> {
  const { version } = place;
  const path = cgroupPath(place, name);
  const words = settings.flat();
  const { stdout } = await must(shell, [
    "sh",
    "-c",
    ENCLOSE,
    "sh",
    path,
    String(version),
    String(pid),
    ...words,
  ]);
  return { path, home: stdout.trim(), version };
}

/** Moves what is in the group back to where it came from, and removes the group. */
export async function release(shell: Shell, { path, home }: Cgroup): Promise<void> {
  await must(shell, ["sh", "-c", RELEASE, "sh", path, home]);
}

/** Writes one setting of a group. */
export async function set(shell: Shell, { path }: Cgroup, [file, value]: Setting): Promise<void> {
  await must(shell, ["sh", "-c", 'printf %s "$2" > "$1"', "sh", `${path}/${file}`, value]);
}

/** The text of a file of the group; "" where it is gone. */
export async function read(shell: Shell, { path }: Cgroup, file: string): Promise<string> {
  return (await shell.run(["cat", `${path}/${file}`])).stdout;
}

/** "nr_throttled 3" in such a text is 3; 0 where there is no such line. */
export function figure(text: string, name: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

/**
 * Version 1: our own group in the controller's tree, or its root where a container shows no more of it.
 * Version 2: the nearest group above ours that hands the controllers down; groups with processes of
 * their own cannot. A group is found fit when a process that ends at once can be moved into it.
 */
const PROBE = `
prefix=$1
fits() {
  [ -d "$1" ] && rmdir "$1/$prefix"* 2>/dev/null
  group="$1/\${prefix}probe-$$"
  mkdir "$group" 2>/dev/null || return 1
  found=1
  if [ -e "$group/$2" ] && sh -c 'echo $$ > "$1"' sh "$group/cgroup.procs" 2>/dev/null; then
    found=0
  fi
  rmdir "$group"
  return $found
}
file() {
  case $1-$2 in
    cpu-1) echo cpu.cfs_quota_us ;; cpu-2) echo cpu.max ;;
    memory-1) echo memory.limit_in_bytes ;; memory-2) echo memory.max ;;
    freezer-1) echo freezer.state ;; freezer-2) echo cgroup.freeze ;;
  esac
}
for controller in cpu memory freezer; do
  own=$(sed -n "s/^[0-9]*:\\([^:]*,\\)*$controller\\(,[^:]*\\)*:\\(.*\\)$/\\3/p" /proc/self/cgroup | head -n 1)
  root=$(sed -n "s/^cgroup \\([^ ]*\\) cgroup \\([^ ]*,\\)*$controller\\(,[^ ]*\\)* .*/\\1/p" /proc/mounts | head -n 1)
  [ -n "$root" ] || continue
  for folder in "$root$own" "$root"; do
    folder=\${folder%/}
    if fits "$folder" "$(file $controller 1)"; then echo "$controller 1 $folder"; break; fi
  done
done
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
root=$(sed -n 's/^cgroup2* \\([^ ]*\\) cgroup2 .*/\\1/p' /proc/mounts | head -n 1)
[ -n "$root" ] || exit 0
here=$own
while :; do
  folder=$root\${here%/}
  for controller in cpu memory freezer; do
    fits "$folder" "$(file $controller 2)" && echo "$controller 2 $folder"
  done
  [ "\${here%/}" = "" ] && break
  here=\${here%/*}
done
exit 0
`;

/**
 * A sweep of another run may remove the group while it is empty: then it is made once more. On
 * version 2 the process goes back to the group that it was in, on version 1 to the group above.
 */
const ENCLOSE = `
group=$1 version=$2 pid=$3
shift 3
home=\${group%/*}
if [ "$version" = 2 ]; then
  root=$(sed -n 's/^cgroup2* \\([^ ]*\\) cgroup2 .*/\\1/p' /proc/mounts | head -n 1)
  home=$root$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
fi
fill() {
  mkdir -p "$group" || return 1
  while [ $# -gt 0 ]; do
    printf %s "$2" > "$group/$1" || return 1
    shift 2
  done
  echo "$pid" > "$group/cgroup.procs"
}
for attempt in 1 2 3; do
  fill "$@" && echo "$home" && exit 0
  rmdir "$group" 2>/dev/null
done
exit 1
`;

const RELEASE = `
[ -d "$1" ] || exit 0
for attempt in 1 2 3 4 5; do
  while read -r pid; do echo "$pid" > "$2/cgroup.procs" 2>/dev/null; done < "$1/cgroup.procs"
  rmdir "$1" 2>/dev/null && exit 0
  sleep 0.05
done
rmdir "$1"
`;
