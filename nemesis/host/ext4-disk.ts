// A file system of a node's own, so that its power can be cut for real: ext4 on a file behind a loop device,
// which the kernel gives up with the last mount. The ioctl stops it without writing its journal, and the
// next mount replays what had been written. Mount in a mount namespace of the run only. Source: ext4(5),
// fs/ext4/ioctl.c.

import { must, type Shell } from "./shell.js";

/** Sparse: it takes what is written to it. */
const IMAGE_BYTES = 2 ** 30;
/** Nothing is written before somebody syncs: neither the journal in its time, nor a file that replaces one. */
const MOUNT_OPTIONS = "loop,commit=300,noauto_da_alloc";
/** A file that was synced and one that was not; empty or gone is the same loss. */
const SYNCED = ".canary-synced";
const UNSYNCED = ".canary-unsynced";

/** Shell functions over $tool, $image and $folder. */
const FUNCTIONS = `
attach() { mount -t ext4 -o ${MOUNT_OPTIONS} "$image" "$folder"; }
make() {
  mkdir -p "$folder" && truncate -s ${IMAGE_BYTES} "$image" &&
    mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -J size=4 "$image" && attach &&
    rmdir "$folder/lost+found" && echo synced >"$folder/${SYNCED}" && sync -f "$folder"
}
cut() {
  echo unsynced >"$folder/${UNSYNCED}" && "$tool" shutdown "$folder" && umount "$folder" && attach
}
proved() { [ -s "$folder/${SYNCED}" ] && [ ! -s "$folder/${UNSYNCED}" ]; }
`;

/**
 * A script of sh that makes such a disk, writes to it and cuts its power, with this disk-tool, in a mount
 * namespace that ends with it; exit code 0 where what was lost is exactly what had not been synced.
 */
export function ext4Trial(tool: string): string {
  return `[ -x '${tool}' ] || { echo 'no disk-tool: it is compiled at the build' >&2; exit 1; }
unshare -m sh -c '${FUNCTIONS}
tool=$0 image=/run/image folder=/run/disk
mount -t tmpfs tmpfs /run && make && cut && proved' '${tool}'`;
}

export class Ext4Disk {
  readonly #shell: Shell;
  readonly #variables: string;

  /** Paths on the shell's machine, without quotes. */
  constructor(shell: Shell, paths: Record<"tool" | "image" | "folder", string>) {
    this.#shell = shell;
    const { tool, image, folder } = paths;
    this.#variables = `tool='${tool}' image='${image}' folder='${folder}'`;
  }

  /** Makes and mounts it; where that throws, the folder is there all the same. */
  async make(): Promise<void> {
    await this.#run("make");
  }

  /**
   * Whoever wrote to it is gone. Mounted again on return; false where the canaries do not show that what
   * was not synced, and only that, is lost.
   */
  async cut(): Promise<boolean> {
    const said = await this.#run("cut && { proved && echo proved || true; }");
    return said.trim() === "proved";
  }

  async remove(): Promise<void> {
    await this.#run('umount "$folder"');
  }

  async #run(words: string): Promise<string> {
    const script = `${FUNCTIONS}${this.#variables}\n${words}`;
    return (await must(this.#shell, ["sh", "-c", script])).stdout;
  }
}
