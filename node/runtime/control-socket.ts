// What an operator asks of a running replica: a Unix socket, one JSON object a line, one answer each.
// {"op":"status"} and {"op":"accounts"}, the latter with "ids":[…] for some of them only; for tests
// {"op":"crash-at","point":…,"count":…} and {"op":"lie",…} (suites/liar/), which a replica takes only where
// it was started for that.

import { rmSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { eachLine } from "./lines.js";
import { messageOf, OrdealError, systemCodeOf } from "./ordeal-error.js";

/** A socket's path must fit into sockaddr_un, with its final zero. */
const SOCKET_PATH_BYTES_MAX = 107;
/** Until a socket that could not accept is opened again. */
const REOPEN_MS = 1_000;
const QUESTION_BYTES_MAX = 65_536;

/** Gives an answer that can be written as JSON; throws what is wrong with the question. */
export type Answerer = (question: ReadonlyMap<string, unknown>) => unknown;

export interface ControlSocket {
  close(): Promise<void>;
}

/** Throws OrdealError where the socket cannot be made or another process answers on it. */
export async function openControlSocket(path: string, answer: Answerer): Promise<ControlSocket> {
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_BYTES_MAX) {
    throw new OrdealError(
      "usage",
      `--control: a socket's path has at most ${SOCKET_PATH_BYTES_MAX} bytes, found ${bytes}: ${path}`,
    );
  }
  await removeStale(path);
  const server = createServer((connection) => {
    const fail = () => connection.destroy();
    connection.on("error", fail);
    eachLine(connection, QUESTION_BYTES_MAX, (line) => {
      connection.write(`${JSON.stringify(answerTo(line, answer))}\n`);
    }).then(() => connection.end(), fail);
  });
  await listening(server, path);
  // A question that waits must not keep a replica alive that is otherwise done.
  server.unref();
  let reopening: NodeJS.Timeout | undefined;
  // A connection cannot be accepted, for want of descriptors: to go on listening would only spin.
  server.on("error", () => {
    server.close();
    reopening = setTimeout(() => server.listen(path), REOPEN_MS).unref();
  });
  return {
    close: () =>
      new Promise((done) => {
        clearTimeout(reopening);
        server.close(() => done());
      }),
  };
}

function answerTo(line: string, answer: Answerer): unknown {
  try {
    const question: unknown = JSON.parse(line);
    if (typeof question !== "object" || question === null || Array.isArray(question)) {
      throw new Error("want an object");
    }
    return answer(new Map(Object.entries(question)));
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** A socket left by a killed process refuses connections and may be removed; a live one may not. */
function removeStale(path: string): Promise<void> {
  return new Promise((done, failed) => {
    const probe = createConnection(path, () => {
      probe.destroy();
      failed(new OrdealError("socket", `--control: another process answers on ${path}`));
    });
    probe.on("error", (error) => {
      const code = systemCodeOf(error);
      if (code === "ECONNREFUSED") rmSync(path, { force: true });
      if (code === "ECONNREFUSED" || code === "ENOENT") done();
      else failed(new OrdealError("socket", `--control: ${messageOf(error)}`, { cause: error }));
    });
  });
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((done, failed) => {
    const onError = (error: Error) =>
      failed(new OrdealError("socket", `--control: ${messageOf(error)}`, { cause: error }));
    server.once("error", onError);
    server.listen(path, () => {
      server.off("error", onError);
      done();
    });
  });
}
