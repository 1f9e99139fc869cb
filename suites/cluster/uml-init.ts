// The first process of a User-Mode Linux: mounts what a machine has, sees to its modules, and runs one
// program as its console-bound child. Written as a shell script: nothing else is there yet.

/** What it takes, and where it was found. */
export type UmlParts = {
  /** The kernel, a program. */
  kernel: string;
  /** The folder that holds its modules by version. */
  modules: string;
  modprobe: string;
};

export type UmlProgram = {
  command: readonly string[];
  variables: Readonly<Record<string, string | undefined>>;
  /** Working directory. */
  folder: string;
  /** Loads a module by its name: what `modprobeWrapper` says. */
  modprobe: string;
};

/** Console 1 is stdout, 2 stderr, 3 brings numbers of signals, 4 takes the exit code (uml.ts). */
export function umlInit({ command, variables, folder, modprobe }: UmlProgram): string {
  const exports = Object.entries(variables).flatMap(([name, value]) =>
    value !== undefined && /^[A-Za-z_]\w*$/.test(name) ? [`export ${name}=${quoted(value)}`] : [],
  );
  return `#!/bin/sh
${exports.join("\n")}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm

# Modules are loaded when the kernel or a tool asks for them, wherever /run is another one by then.
echo ${quoted(modprobe)} >/proc/sys/kernel/modprobe
ip link set lo up

# What is written comes out as it is.
for console in 1 2 4; do stty raw -echo </dev/tty$console; done
exec 4>/dev/tty4
cd ${quoted(folder)}
# Through a pipe: it is no terminal that the program writes to.
mkfifo /run/stdout /run/stderr
cat /run/stdout >/dev/tty1 &
out=$!
cat /run/stderr >/dev/tty2 &
err=$!
${command.map(quoted).join(" ")} </dev/null >/run/stdout 2>/run/stderr 4>&- &
program=$!
while read -r signal; do kill -s "$signal" $program; done </dev/tty3 &
wait $program
code=$?
# Whoever else still holds the pipes has nothing to say any more.
(sleep 5; kill $out $err 2>/dev/null) &
wait $out $err
sync
echo "exit $code" >&4
echo o >/proc/sysrq-trigger
sleep 60
`;
}

/** A modprobe that looks for `lib/modules` below this folder. */
export function modprobeWrapper({ modprobe }: UmlParts, folder: string): string {
  return `#!/bin/sh\nexec ${quoted(modprobe)} -d ${quoted(folder)} "$@"\n`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
