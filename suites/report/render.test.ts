import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { suite, test } from "uvu";
import * as assert from "uvu/assert";
import type { Valid } from "../../checker/verdict.js";
import { type SyntheticOptions, syntheticRun } from "../testing/synthetic-run.js";
import { renderReport } from "./render.js";

const SMALL: SyntheticOptions = { operations: 400, processes: 5, valid: true, text: "Ada" };
const HOSTILE = `</script><script>window.injected=1</script><img src=x onerror="window.injected=1">'"&<!--`;

test("what a run says never becomes markup", () => {
  const report = renderReport(syntheticRun({ ...SMALL, valid: false, text: HOSTILE }));
  assert.not.match(report, "<img");
  assert.not.match(report, "<script>window.injected");
  assert.not.match(report, "<!--");
  assert.match(report, "&lt;img src=x onerror=&quot;window.injected=1&quot;&gt;");
});

test("the report names no address that a browser could fetch", () => {
  const report = renderReport(syntheticRun(SMALL));
  assert.not.match(report, /(src|href)=/);
  assert.not.match(report, /url\(|@import/);
});

test("a smallest history that fails alike is linked, where there is one", () => {
  const { verdict, ...run } = syntheticRun({ ...SMALL, valid: false });
  assert.not.match(renderReport({ verdict, ...run }), "minimal.jsonl");
  const smallest = run.record.history.slice(0, 6);
  const broken = { valid: false as const, summary: "wrong", smallest };
  const checks = { ...verdict.checks, linearizable: broken };
  const report = renderReport({ ...run, verdict: { ...verdict, checks } });
  assert.match(report, /<a href="minimal\.jsonl">minimal\.jsonl<\/a>/);
  assert.match(report, "6 lines");
});

test("who is proved to have lied is shown with both statements, and with who heard them", () => {
  const { verdict, ...run } = syntheticRun(SMALL);
  assert.not.match(renderReport({ verdict, ...run }), "Proof of who lied");
  const statement = (digest: string, heardBy: readonly string[]) => {
    return { kind: "commit" as const, digest, bytes: "b0", signature: `5${digest}`, heardBy };
  };
  const proof = {
    ...{ replica: "r2", kind: "commit" as const, view: 3, seq: 17, signingKey: "0f".repeat(32) },
    deed: "commits for view 3, seq 17 with digests ab12… and cd34…",
    statements: [statement("ab12", ["r0", "r1"]), statement("cd34", ["r3"])],
  };
  const accountable = { valid: true as const, summary: "r2 proved", proved: [proof] };
  const checks = { ...verdict.checks, accountable };
  const report = renderReport({ ...run, verdict: { ...verdict, checks } });
  assert.match(report, "r2: commits for view 3, seq 17 with digests ab12… and cd34…");
  for (const shown of ["5ab12", "5cd34", "r0, r1", "<td>r3</td>", "0f".repeat(32)]) {
    assert.match(report, shown);
  }
});

test("a run that recorded nothing still has a report", () => {
  const { meta, record, verdict } = syntheticRun(SMALL);
  const bare = { ...record, history: [], faults: [], ledgers: [] };
  const report = renderReport({ meta: { ...meta, samples: [] }, record: bare, verdict });
  assert.match(report, "No ledger was read");
  assert.match(report, "No fault was injected");
});

test.run();

const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
/** No sandbox: it needs rights that a container or an unprivileged user may lack; the pages are ours. */
const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
];

type Context = { browser: Browser; folder: string };

/** Opens the report of a run as a file, and fails on whatever the browser complains about. */
async function inBrowser(
  { browser, folder }: Context,
  options: SyntheticOptions,
  look: (page: Page) => Promise<void>,
): Promise<void> {
  const file = join(folder, "report.html");
  writeFileSync(file, renderReport(syntheticRun(options)));
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(file).href) complaints.push(`fetched ${request.url()}`);
  });
  try {
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector("html[data-drawn]", { timeout: 20_000 });
    await look(page);
    assert.equal(complaints, []);
  } finally {
    await page.close();
  }
}

/** How many different colours the canvas shows: a plot that was not drawn has one. */
async function coloursOf(page: Page, selector: string): Promise<number> {
  return page
    .locator(selector)
    .first()
    .evaluate((canvas) => {
      const pen = canvas.getContext("2d");
      const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set<number>();
      for (let at = 0; at < data.length; at += 4) {
        colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
      }
      return colours.size;
    });
}

async function pictureOf(page: Page, selector: string): Promise<string> {
  return page.locator(selector).evaluate((canvas) => canvas.toDataURL());
}

const browserPath = BROWSERS.find((path) => existsSync(path));
const pages = suite<Context>("in a browser");

pages.before(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), "ordeal-report-"));
  context.browser = await chromium.launch({
    executablePath: browserPath ?? "",
    args: BROWSER_FLAGS,
  });
});

pages.after(async (context) => {
  await context.browser.close();
  rmSync(context.folder, { recursive: true });
});

const WORDS: readonly (readonly [Valid, string])[] = [
  [true, "Valid"],
  [false, "Invalid"],
  ["unknown", "Unknown"],
];

for (const [valid, word] of WORDS) {
  pages(
    `the report of a run that is ${word.toLowerCase()} says so and draws its plots`,
    async (context) => {
      await inBrowser(context, { ...SMALL, valid }, async (page) => {
        assert.is(await page.textContent("#verdict"), word);
        for (const plot of [
          "#timeline",
          "#latency canvas",
          "#throughput canvas",
          "#views canvas",
        ]) {
          assert.ok((await coloursOf(page, plot)) > 3, `${plot} is drawn`);
        }
        const differing = await page.locator("td.differs").count();
        assert.is(differing > 0, valid === false);
      });
    },
  );
}

pages("hostile names and errors run nothing", async (context) => {
  await inBrowser(context, { ...SMALL, valid: false, text: HOSTILE }, async (page) => {
    assert.is(await page.evaluate("window.injected"), undefined);
    assert.match((await page.textContent("table.side-by-side:last-of-type")) ?? "", "≠");
    assert.match((await page.textContent("main")) ?? "", HOSTILE);
  });
});

pages("the pointer tells what is below it, and a drag zooms all plots", async (context) => {
  await inBrowser(context, { ...SMALL, operations: 30_000, processes: 50 }, async (page) => {
    const canvas = page.locator("#timeline");
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width * 0.2, box.y + 30);
    assert.match((await page.textContent("#tooltip")) ?? "", "dropped 812 datagrams on 6 links");
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height - 60);
    assert.match((await page.textContent("#tooltip")) ?? "", /move · \w+ · process \d+/);

    const whole = await pictureOf(page, "#throughput canvas");
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.55, box.y + box.height - 60);
    await page.mouse.up();
    await page.waitForFunction(
      `document.querySelector("#throughput canvas").toDataURL() !== ${JSON.stringify(whole)}`,
      undefined,
      { timeout: 10_000 },
    );
    await canvas.dblclick();
    await page.waitForFunction(
      `document.querySelector("#throughput canvas").toDataURL() === ${JSON.stringify(whole)}`,
      undefined,
      { timeout: 10_000 },
    );
  });
});

if (browserPath === undefined) {
  console.log(`skipped: reports in a browser: none of ${BROWSERS.join(", ")} is here`);
  const missing = suite("reports in a browser");
  missing.skip("no browser");
  missing.run();
} else {
  pages.run();
}
