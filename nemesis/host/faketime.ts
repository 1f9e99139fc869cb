// libfaketime: gives a process the wall clock that a file says, while it runs. Timers and the monotonic
// clock stay as they are. Source: the README of libfaketime 0.9.10, "Advanced features".

import type { Shell } from "./shell.js";

/** The library of this machine that is shown to work; undefined where there is none. */
export async function findFaketime(shell: Shell): Promise<string | undefined> {
  const { stdout } = await shell.run(["sh", "-c", PROBE], { deadlineMs: 30_000 });
  const path = stdout.trim();
  return path === "" ? undefined : path;
}

/** What a process is started with, so that `file` decides its wall clock from its first moment on. */
export function faketimeVariables(library: string, file: string): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    // Otherwise a change is noticed seconds later.
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/** What the library leaves in shared memory of a process that was killed. */
export function faketimeLeftovers(pid: number): readonly string[] {
  return [`/dev/shm/faketime_shm_${pid}`, `/dev/shm/sem.faketime_sem_${pid}`];
}

/** The variant for programs with threads, where distributions put it; shown to move a clock by a day. */
const PROBE = `
for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 \\
  /usr/lib64/faketime/libfaketimeMT.so.1 /usr/local/lib/faketime/libfaketimeMT.so.1; do
  [ -e "$library" ] || continue
  now=$(date +%s)
  then=$(LD_PRELOAD=$library FAKETIME=+1d date +%s)
  [ $((then - now)) -ge 86400 ] && echo "$library" && exit 0
done
exit 0
`;
