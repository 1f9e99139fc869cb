// The disk under a node, as nemesis/host/disk models it: what goes wrong with it is set, and what it did
// is read, by a small program on the node's machine. Needs the library that `ordeal --build` compiles.

import { must, type Shell } from "./shell.js";

/** Compiled files, on the node's machine. */
export type DiskPrograms = { preload: string; tool: string };

/** What the library counted since the node's first start; names as in disk-state.h. */
export type DiskCounters = {
  writesFailed: number;
  readsFailed: number;
  syncsFailed: number;
  refusedForSpace: number;
  slowed: number;
  /** Accesses that it could not follow: then nothing else here is to be believed. */
  unseen: number;
  /** Processes that had it under them. */
  lives: number;
};

/** What a power cut took: of writes and changes of names that were not synced. */
export type DiskLoss = {
  writes: number;
  bytes: number;
  sectorsLost: number;
  sectorsKept: number;
  namesUndone: number;
};

/** What is wrong with a disk, all of it at once. */
export type DiskSettings = {
  failing: ReadonlySet<"write" | "read" | "sync">;
  full: boolean;
  writeDelayUs: number;
  syncDelayUs: number;
};

/** Where something was damaged, and how much; a length of 0: there was nothing. Bytes. */
export type DiskHarm = { used: number; at: number; length: number };

const BITS = { write: 1, read: 2, sync: 4 } as const;

export class DiskTool {
  readonly #shell: Shell;
  readonly #programs: DiskPrograms;
  /** The node's folder, and where the state of its disk is kept: folders on its machine. */
  readonly #folder: string;
  readonly #state: string;

  constructor(
    shell: Shell,
    programs: DiskPrograms,
    { folder, state }: Record<"folder" | "state", string>,
  ) {
    this.#shell = shell;
    this.#programs = programs;
    this.#folder = folder;
    this.#state = state;
  }

  /** Before the first start. */
  async prepare(): Promise<void> {
    await this.#run("prepare", this.#state);
  }

  /** With these a node's process has the disk under it. */
  get variables(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#programs.preload,
      DISK_FAULTS_FOLDER: this.#folder,
      DISK_FAULTS_STATE: this.#state,
      // What goes through a ring of io_uring passes no C function.
      UV_USE_IO_URING: "0",
    };
  }

  async set({ failing, full, writeDelayUs, syncDelayUs }: DiskSettings): Promise<void> {
    const fail = [...failing].reduce((bits, what) => bits | BITS[what], 0);
    await this.#run(
      ...["set", this.#state, "fail", String(fail), "bytesLeft", full ? "0" : "none"],
      ...["writeDelayUs", String(writeDelayUs), "syncDelayUs", String(syncDelayUs)],
    );
  }

  async counters(): Promise<DiskCounters> {
    const figure = figuresOf(await this.#run("show", this.#state));
    return {
      writesFailed: figure("writesFailed"),
      readsFailed: figure("readsFailed"),
      syncsFailed: figure("syncsFailed"),
      refusedForSpace: figure("refusedForSpace"),
      slowed: figure("slowed"),
      unseen: figure("unseen"),
      lives: figure("lives"),
    };
  }

  /** The machine has lost power; the process is gone. */
  async cut(seed: number, unsynced: "lost" | "torn"): Promise<DiskLoss> {
    const figure = figuresOf(
      await this.#run("cut", this.#state, this.#folder, String(seed), unsynced),
    );
    return {
      writes: figure("writes"),
      bytes: figure("bytes"),
      sectorsLost: figure("sectorsLost"),
      sectorsKept: figure("sectorsKept"),
      namesUndone: figure("namesUndone"),
    };
  }

  /** What would be lost if the power went now; the process is gone. */
  async unsynced(): Promise<Pick<DiskLoss, "writes" | "bytes">> {
    const figure = figuresOf(await this.#run("unsynced", this.#state, this.#folder));
    return { writes: figure("writes"), bytes: figure("bytes") };
  }

  /** What is in the folder now is durable: it was put there from outside, or a power cut left it. */
  async settle(): Promise<void> {
    await this.#run("settle", this.#state, this.#folder);
  }

  /** Changes bytes at rest of a file in the folder, none of the first `skip`. */
  async damage(
    file: string,
    how: string,
    { seed, skip }: Record<"seed" | "skip", number>,
  ): Promise<DiskHarm> {
    const path = `${this.#folder}/${file}`;
    const figure = figuresOf(await this.#run("damage", path, how, String(seed), String(skip)));
    return { used: figure("used"), at: figure("at"), length: figure("length") };
  }

  async #run(...words: string[]): Promise<string> {
    const { stdout } = await must(this.#shell, [this.#programs.tool, ...words]);
    return stdout;
  }
}

/** Reads lines of a name and a number; a name that is not there is an error. */
export function figuresOf(said: string): (name: string) => number {
  const lines = said.split("\n").map((line) => line.split(" "));
  return (name) => {
    const [, text] = lines.find(([first]) => first === name) ?? [];
    if (text !== undefined && /^\d+$/.test(text)) return Number(text);
    throw new Error(`disk-tool says no ${name}: ${said.trim()}`);
  };
}
