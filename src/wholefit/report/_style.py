"""How the page looks: one column to read, light or dark as the reader's machine is, printable."""

from __future__ import annotations

STYLE = """
:root {
  --paper: #fdfdfc; --ink: #1d2328; --soft: #525c64; --line: #d9dee2; --band: #f2f4f5;
  --accent: #0b5cad; --tie: #5b7a99; --rest: #7d868d; --warn: #8a4b00; --warn-band: #fff4e3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181b; --ink: #e6eaec; --soft: #a9b3ba; --line: #343c42; --band: #1d2327;
    --accent: #6cb0f5; --tie: #8fb0cf; --rest: #8b959c; --warn: #f2b866; --warn-band: #2c2416;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: clamp(1rem, 4vw, 3rem) clamp(1rem, 4vw, 2rem); }
h1 { font-size: clamp(1.5rem, 4.5vw, 2.1rem); line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 0 0 .7rem; line-height: 1.3; }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
section { margin-top: 2.6rem; padding-top: 1.4rem; border-top: 1px solid var(--line); }
p, ul, dl, figure { margin: 0 0 1rem; max-width: 46rem; }
ul { padding-left: 1.2rem; }
li { margin: .3rem 0; }
a { color: var(--accent); }
h1, h2, h3, p, li, dd, th, td { overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
.name { font-weight: 600; }
.lead { font-size: 1.1rem; color: var(--soft); }
.verdict { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; align-items: baseline;
  margin: 1.4rem 0 .6rem; max-width: none; }
.verdict strong { font-size: clamp(1.9rem, 7vw, 2.8rem); line-height: 1.1; color: var(--accent);
  font-variant-numeric: tabular-nums; }
.warnings { list-style: none; padding: 0; max-width: none; }
.warnings li { background: var(--warn-band); border-left: 4px solid var(--warn);
  padding: .6rem .9rem; margin: .5rem 0; border-radius: 0 .3rem .3rem 0; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .3rem 1.2rem; }
dt { color: var(--soft); }
dd { margin: 0; }
@media (max-width: 32rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin: 0 0 .6rem; } }
.wide { overflow-x: auto; margin: 0 0 1.2rem; }
.wide:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--soft); padding: 0 0 .5rem; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .9rem .4rem 0;
  border-bottom: 1px solid var(--line); min-width: 4.5rem; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; color: var(--soft); border-bottom-width: 2px; white-space: nowrap; }
tbody th { font-weight: 500; min-width: 7rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; min-width: 0; }
td.long { min-width: 15rem; }
tr.marked th, tr.marked td { background: var(--band); }
tr.marked th { box-shadow: inset 3px 0 var(--accent); padding-left: .6rem; }
pre { background: var(--band); padding: .8rem 1rem; border-radius: .3rem; margin: 0 0 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875rem; }
code, pre { font-family: ui-monospace, "Cascadia Code", Menlo, Consolas, monospace; }
figure { max-width: none; }
figcaption { color: var(--soft); font-size: .875rem; margin-top: .5rem; max-width: 46rem; }
svg { display: block; }
.bars { display: grid; grid-template-columns: minmax(8rem, 13rem) 1fr minmax(9rem, max-content);
  gap: .1rem 1rem; align-items: center; }
.bars svg { width: 100%; height: 1.9rem; overflow: visible; }
.bars .axis { position: relative; height: 1.5rem; color: var(--soft); font-size: .8rem; }
.bars .axis span { position: absolute; transform: translateX(-50%); white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.bars .value { font-variant-numeric: tabular-nums; font-size: .92rem; }
.bars .mark { display: block; color: var(--soft); font-size: .8rem; line-height: 1.2; }
.bars .gap { height: 1.5rem; }
@media (max-width: 40rem) {
  .bars { grid-template-columns: 1fr auto; gap: 0 .8rem; }
  .bars .plot, .bars .axis { grid-column: 1 / -1; }
  .bars .plot { order: 0; margin-bottom: .5rem; }
  .bars .gap { display: none; }
}
.guide { stroke: var(--line); stroke-width: 1; }
.whisker { stroke-width: 3; stroke-linecap: round; }
.dot { stroke-width: 11; stroke-linecap: round; }
.best .whisker, .best .dot { stroke: var(--accent); }
.tied .whisker, .tied .dot { stroke: var(--tie); }
.rest .whisker, .rest .dot { stroke: var(--rest); }
.picture { width: 100%; max-width: 30rem; height: auto; }
.picture text { fill: var(--soft); font-size: 12px; font-family: inherit; }
.picture .cell { fill: var(--accent); }
.picture .frame { fill: none; stroke: var(--line); }
.picture .even { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 4; fill: none; }
.picture .bar { stroke: var(--accent); stroke-width: 2; stroke-linecap: round; }
.picture .point { fill: var(--accent); }
table.heat { width: auto; }
.heat th, .heat td { border-bottom: 0; padding: .35rem .7rem; min-width: 0; }
.heat td { text-align: center; font-variant-numeric: tabular-nums; border: 1px solid var(--paper);
  background: color-mix(in srgb, var(--accent) calc(var(--share) * 42%), var(--band)); }
.heat td.right { outline: 2px solid var(--accent); outline-offset: -2px; }
.heat td small { display: block; color: var(--ink); }
.heat thead th { text-align: center; white-space: normal; }
footer { margin-top: 3rem; color: var(--soft); font-size: .875rem; }
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #333; --line: #bbb; --band: #f3f3f3;
    --accent: #0b4a8c; --tie: #50687f; --rest: #6b7277; --warn: #6b3a00; --warn-band: #fbf3e6; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  section { break-inside: auto; margin-top: 1.4rem; padding-top: .8rem; }
  h2, h3, caption { break-after: avoid; }
  tr, figure, .warnings li, pre { break-inside: avoid; }
  .wide { overflow: visible; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
