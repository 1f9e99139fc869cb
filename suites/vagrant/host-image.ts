// The image for Vagrant's Docker provider: what a node needs, and an sshd that knows one key. On Linux made
// of this machine's own files, without a registry; elsewhere by vagrant/Dockerfile.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localShell, must } from "../../nemesis/host/shell.js";
import { dockerfileImage, imageOf, ownFiles } from "../cluster/docker-image.js";
import type { TarEntry } from "../cluster/tar.js";

const SSHD = "/usr/sbin/sshd";
const AUTHORIZED = "/etc/ordeal/authorized_keys";
const COMMAND = [
  ...[SSHD, "-D", "-e", "-o", `AuthorizedKeysFile=${AUTHORIZED}`, "-o", "StrictModes=no"],
  ...["-o", "UsePAM=no", "-o", "PermitRootLogin=yes"],
];

/** Resolves to its name; `publicKey` is the text of the key file. */
export async function hostImage(publicKey: string): Promise<string> {
  if (process.platform !== "linux") {
    return dockerfileImage("host", ["--build-arg", `KEY=${publicKey.trim()}`]);
  }
  const files = await ownFiles([SSHD, "/usr/bin/ssh-keygen"]);
  const text = (name: string, content: string, mode = 0o644): TarEntry => ({
    name,
    content: Buffer.from(content),
    mode,
  });
  const users = [
    "root:x:0:0:root:/root:/usr/bin/sh",
    "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin",
  ];
  const extra = [
    text("etc/passwd", `${users.join("\n")}\n`),
    text("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    text("etc/shadow", "root:*:19000:0:99999:7:::\nsshd:!:19000::::::\n", 0o600),
    text("etc/ssh/sshd_config", ""),
    text("run/sshd/.keep", ""),
    text(AUTHORIZED.slice(1), publicKey, 0o600),
  ];
  // The host keys differ each time; the name must not.
  const digest = createHash("sha256").update(publicKey).digest("hex");
  return imageOf("host", [...files, ...extra], {
    salt: digest,
    command: COMMAND,
    late: hostKeys,
  });
}

async function hostKeys(): Promise<readonly TarEntry[]> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-keys-"));
  try {
    const name = "ssh_host_ed25519_key";
    const file = join(folder, name);
    await must(localShell(), ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file]);
    return [{ name: `etc/ssh/${name}`, content: readFileSync(file), mode: 0o600 }];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
