import { Readable } from "node:stream";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { eachLine } from "./lines.js";

async function linesOf(chunks: readonly Uint8Array[], bytesMax = 1_000): Promise<string[]> {
  const lines: string[] = [];
  await eachLine(Readable.from(chunks, { objectMode: true }), bytesMax, (line) => lines.push(line));
  return lines;
}

test("lines are the same however the stream is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme", maxLength: 20 }), { maxLength: 10 }),
      fc.integer({ min: 1, max: 7 }),
      async (texts, size) => {
        const lines = texts.map((text) => text.replaceAll("\n", " "));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        );
        assert.equal(await linesOf(chunks), lines);
      },
    ),
    { numRuns: 100 },
  );
});

test("an unfinished last line counts, an empty stream has none", async () => {
  assert.equal(await linesOf([Buffer.from("a\nb")]), ["a", "b"]);
  assert.equal(await linesOf([]), []);
});

test("a line that is too long is cut off, and the next is whole", async () => {
  assert.equal(await linesOf([Buffer.from("12345"), Buffer.from("678\nab\n")], 6), [
    "123456",
    "ab",
  ]);
});

test("a stream that fails rejects", async () => {
  const failing = new Readable({ read: () => failing.destroy(new Error("gone")) });
  await eachLine(failing, 10, () => assert.unreachable()).then(
    () => assert.unreachable("it resolved"),
    (error: Error) => assert.is(error.message, "gone"),
  );
});

test.run();
