// Lines of a stream, with a bound on what one line may cost.

import type { Readable } from "node:stream";

/**
 * Calls back for each line without its end, also for an unfinished last one; resolves when the stream
 * ends, rejects when it fails. A line of more than `bytesMax` bytes is given cut off there.
 */
export function eachLine(
  stream: Readable,
  bytesMax: number,
  onLine: (line: string) => void,
): Promise<void> {
  let kept: Buffer[] = [];
  let bytes = 0;
  const keep = (part: Buffer) => {
    const room = bytesMax - bytes;
    if (room > 0) kept.push(part.subarray(0, room));
    bytes += part.length;
  };
  const finish = () => {
    const line = Buffer.concat(kept).toString("utf8");
    kept = [];
    bytes = 0;
    onLine(line);
  };
  stream.on("data", (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      finish();
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  });
  return new Promise((done, failed) => {
    stream.once("error", failed);
    stream.once("end", () => {
      if (bytes > 0) finish();
      done();
    });
  });
}
