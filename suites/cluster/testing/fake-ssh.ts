// An ssh that reaches nobody: it runs what it is asked to on this machine, for each host with a home and a
// folder of temporary files of its own. As an unprivileged user there, so that no fault touches our network.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SSH = `#!/bin/sh
for word in "$@"; do case $word in -O) exit 0 ;; esac; done
while [ "$1" != "--" ]; do shift; done
FAKE_HOST=\${2#*@}
case $FAKE_HOST in *.255) echo "ssh: connect to host $FAKE_HOST: No route to host" >&2; exit 255 ;; esac
HOME=$FAKE_FOLDER/hosts/$FAKE_HOST
mkdir -p "$HOME/tmp"
TMPDIR=$HOME/tmp
unset XDG_RUNTIME_DIR ORDEAL_RUN ORDEAL_REGISTRY
export HOME TMPDIR FAKE_HOST
exec sh -c "$3"
`;
const IP = `#!/bin/sh
echo "1: lo    inet $FAKE_HOST/8 scope host lo"
`;
const ID = `#!/bin/sh
echo 1000
`;

/** Puts it first on the PATH of this process; resolves to what takes it away again. */
export function useFakeSsh(folder: string): () => void {
  const programs = join(folder, "bin");
  mkdirSync(programs, { recursive: true });
  for (const [name, text] of [
    ["ssh", SSH],
    ["ip", IP],
    ["id", ID],
  ] as const) {
    writeFileSync(join(programs, name), text, { mode: 0o755 });
  }
  const before = { ...process.env };
  process.env["FAKE_FOLDER"] = folder;
  process.env["PATH"] = `${programs}:${before["PATH"]}`;
  return () => {
    delete process.env["FAKE_FOLDER"];
    process.env["PATH"] = before["PATH"] ?? "";
  };
}
