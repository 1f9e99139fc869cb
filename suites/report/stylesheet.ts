// The report's looks: a page of text and tables that also reads well on a narrow or a dark screen.
// Outcomes and replicas have colours that people with colour blindness can tell apart, and never colour
// alone.

export const STYLESHEET = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f5f6f7; --line: #dcdfe3; --text: #1d2228; --quiet: #5b6570;
  --accent: #1f5fa8;
  --valid: #17663a; --valid-page: #e6f4ea; --invalid: #a3161c; --invalid-page: #fdeaea;
  --unknown: #7a5200; --unknown-page: #fdf3dc;
  --ok: #3f7fbf; --fail: #c77f00; --info: #c2264b; --open: #8a5fb0; --fault: #7a6f9b;
  --p95: #6a3fa0; --p99: #b0187f;
  --replica-0: #1f77b4; --replica-1: #d55e00; --replica-2: #228833; --replica-3: #aa3377;
  --replica-4: #8c6d1f; --replica-5: #0e8c8c; --replica-6: #5b5bd6; --replica-7: #70757a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --panel: #1d2125; --line: #353b42; --text: #e4e7ea; --quiet: #9aa4ae;
    --accent: #78aee8;
    --valid: #7fd6a0; --valid-page: #12301f; --invalid: #ff9a9a; --invalid-page: #3c1517;
    --unknown: #f0c063; --unknown-page: #352808;
    --ok: #5f9fdd; --fail: #e5a93b; --info: #ff6f8d; --open: #b794dd; --fault: #a79fd0;
    --p95: #bda2f0; --p99: #ff8fd6;
    --replica-0: #6cb2ea; --replica-1: #ff9a4d; --replica-2: #6fcf7f; --replica-3: #e584bb;
    --replica-4: #d6b85e; --replica-5: #4fcaca; --replica-6: #a3a3ff; --replica-7: #b0b6bc;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 0 1.25rem 4rem; max-width: 76rem;
  background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1, h2, h3 { line-height: 1.2; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .4rem 0; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
a { color: var(--accent); }
td, th, dd, dt, code, b, pre { unicode-bidi: isolate; }
.quiet, .empty { color: var(--quiet); }
.banner { margin: 1.25rem 0; padding: 1rem 1.25rem; border-left: 6px solid; border-radius: 4px; }
.banner h1 { margin: .1rem 0; font-size: 2.25rem; }
.banner p { margin: 0; }
.banner .suite { color: var(--text); opacity: .8; }
.banner .sentence { color: var(--text); }
.banner.valid { background: var(--valid-page); color: var(--valid); }
.banner.invalid { background: var(--invalid-page); color: var(--invalid); }
.banner.unknown { background: var(--unknown-page); color: var(--unknown); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .75rem 1.5rem; margin: 1rem 0; }
.facts dt { color: var(--quiet); font-size: .85em; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.reproduce span { color: var(--quiet); font-size: .85em; display: block; }
.reproduce code { display: block; background: var(--panel); padding: .5rem .75rem; border-radius: 4px; overflow-x: auto; white-space: pre; user-select: all; }
.claims { list-style: none; margin: 0; padding: 0; }
.claims li { padding: .75rem 0; border-bottom: 1px solid var(--line); }
.claims li:last-child { border-bottom: 0; }
.claim-text { color: var(--quiet); }
.badge { display: inline-block; min-width: 4.75em; padding: 0 .5em; border-radius: 3px; text-align: center; font-size: .85em; font-weight: 600; }
.badge.valid { background: var(--valid-page); color: var(--valid); }
.badge.invalid { background: var(--invalid-page); color: var(--invalid); }
.badge.unknown { background: var(--unknown-page); color: var(--unknown); }
.crash { color: var(--invalid); }
.figures { display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; color: var(--quiet); font-size: .9em; }
.figures b { color: var(--text); font-weight: 600; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; color: var(--accent); }
pre { margin: .5rem 0; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); border-radius: 4px; overflow: auto; max-height: 28rem; }
.scroll { overflow: auto; max-height: 36rem; border: 1px solid var(--line); border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { position: sticky; top: 0; background: var(--panel); font-size: .85em; white-space: nowrap; }
tbody th { font-weight: 400; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
#proofs ~ .scroll code { overflow-wrap: anywhere; }
.side-by-side td.number { white-space: normal; }
.side-by-side.texts :is(td, th).number { text-align: left; }
.differs { background: var(--invalid-page); color: var(--invalid); font-weight: 600; }
.plot { position: relative; margin: .5rem 0 0; }
.plot canvas { display: block; }
#timeline { width: 100%; touch-action: pan-y; cursor: crosshair; }
#timeline:focus-visible, .scroll:focus-visible, pre:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#tooltip {
  position: absolute; z-index: 2; max-width: min(30rem, 90%); padding: .4rem .6rem; pointer-events: none;
  background: var(--page); color: var(--text); border: 1px solid var(--quiet); border-radius: 4px;
  font-size: .85em; white-space: pre-wrap; overflow-wrap: anywhere;
}
.keys { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1rem; color: var(--quiet); font-size: .9em; }
.key::before { content: ""; display: inline-block; width: .75em; height: .75em; margin-right: .35em; border-radius: 2px; background: currentColor; }
.key.ok::before { background: var(--ok); } .key.fail::before { background: var(--fail); }
.key.info::before { background: var(--info); } .key.open::before { background: var(--open); }
.key.fault::before { background: var(--fault); opacity: .5; }
button { font: inherit; color: var(--accent); background: none; border: 1px solid var(--line); border-radius: 4px; padding: .1rem .6rem; cursor: pointer; }
.u-legend { color: var(--text); text-align: left !important; margin: 0 !important; }
.u-legend :is(th, td) { border: 0; font-size: 13px; white-space: nowrap; }
.u-legend thead th, .u-legend th { position: static; background: none; }
.u-select { background: var(--accent) !important; opacity: .2; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 0 2.5rem; }
.pairs { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; align-content: start; margin: .5rem 0; }
.pairs dt { color: var(--quiet); } .pairs dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  body { padding: 0 .75rem 3rem; font-size: 14px; }
  .banner h1 { font-size: 1.75rem; }
  .facts { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
  .pairs { grid-template-columns: 1fr; } .pairs dd { margin-bottom: .4rem; }
  th, td { padding: .25rem .5rem; }
}
`;
