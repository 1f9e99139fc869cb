import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { duration, grouped } from "./format.js";
import { html, jsonForScript } from "./html.js";

test("no text brings markup into text or attributes", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", " ") }), (text) => {
      return !/[<>"']/.test(html`${text}`.text) && !/&(?!\w+;|#39;)/.test(html`${text}`.text);
    }),
  );
  assert.is(
    html`<p title="${'"'}">${["<b>", html`<i>x</i>`, undefined, 7]}</p>`.text,
    '<p title="&quot;">&lt;b&gt;<i>x</i>7</p>',
  );
});

test("data in a script cannot end it, and comes out as it went in", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const printed = jsonForScript({ text: `${text}</script><!--` }).text;
      assert.not.match(printed, "<");
      assert.equal(JSON.parse(printed), { text: `${text}</script><!--` });
    }),
  );
});

test("numbers and times are short and grouped", () => {
  assert.equal([0, 999, 1000, 1_234_567, -1000, 0.0001234].map(grouped), [
    "0",
    "999",
    "1,000",
    "1,234,567",
    "-1,000",
    "0.0001234",
  ]);
  assert.equal([8e3, 45e6, 12.34e9, 119.7e9, 125e9].map(duration), [
    "8 µs",
    "45 ms",
    "12.3 s",
    "2 min 0 s",
    "2 min 5 s",
  ]);
});

test.run();
