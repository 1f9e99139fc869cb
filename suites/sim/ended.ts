// The end of a modelled process.

/** Why a process is not there: it was ended, or it ended itself by this error. */
export type Ended = { how: "kill" | "power-cut" } | { how: "exit"; code: string; message: string };
