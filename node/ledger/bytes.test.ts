import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteReader, ByteWriter } from "./bytes.js";

test("every form is written whole where the buffer has to grow for it (swarm seed 6903)", () => {
  const forms: readonly ((writer: ByteWriter) => void)[] = [
    (writer) => writer.u8(0xa5),
    (writer) => writer.u16(0xa5a6),
    (writer) => writer.u32(0xa5a6a7a8),
    (writer) => writer.integer(-0xa5a6a7a8),
    (writer) => writer.raw(Uint8Array.of(1, 2, 3)),
    (writer) => writer.hex("0badcafe"),
    (writer) => writer.text("ordeal"),
  ];
  for (const form of forms) {
    const roomy = new ByteWriter(64);
    form(roomy);
    for (let capacity = 1; capacity <= 10; capacity++) {
      const tight = new ByteWriter(capacity);
      const before = Uint8Array.from({ length: capacity }, (_, index) => index);
      tight.raw(before);
      form(tight);
      assert.equal([...tight.bytes()], [...before, ...roomy.bytes()]);
    }
  }
});

test("what is written is read", () => {
  const writer = new ByteWriter(1);
  writer.u8(255);
  writer.u16(65_535);
  writer.u32(4_294_967_295);
  writer.integer(Number.MIN_SAFE_INTEGER);
  writer.text("\u00e9");
  const reader = new ByteReader(writer.bytes());
  assert.equal(
    [reader.u8(), reader.u16(), reader.u32(), reader.integer(), reader.text(8)],
    [255, 65_535, 4_294_967_295, Number.MIN_SAFE_INTEGER, "\u00e9"],
  );
  assert.ok(reader.atEnd);
  assert.is(reader.u8(), 0);
  assert.not.ok(reader.atEnd, "past the end");
});

test.run();
