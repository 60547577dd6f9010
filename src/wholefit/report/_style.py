"""The page's style: one sheet, no web font, light and dark, narrow and wide, on paper."""

from __future__ import annotations

from wholefit.report import _palette

_COLORS = (f":root{{color-scheme:light dark;{_palette.css(_palette.LIGHT)}}}"
           "@media (prefers-color-scheme:dark){:root{" + _palette.css(_palette.DARK) + "}}")
# Pictures; also those of a notebook, so every rule of it begins with "svg".
PICTURES = """
svg{display:block;max-width:100%;overflow:visible}
svg text{fill:var(--ink);font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
svg .name{font-weight:600}
svg .said{fill:var(--soft);font-variant-numeric:tabular-nums;paint-order:stroke;
stroke:var(--page);stroke-width:8px;stroke-linejoin:round}
svg .tick{fill:var(--soft);font-size:12px}
svg .beyond{fill:var(--other);font-size:17px}
svg .beyond.chosen{fill:var(--accent)}
svg .beyond.tied{fill:var(--tied)}
svg .axis-name{fill:var(--soft)}
svg .axis{stroke:var(--line)}
svg .field{fill:var(--panel)}
svg .grid{stroke:var(--line);stroke-width:1}
svg .rule{stroke:var(--soft);stroke-width:1.25;stroke-dasharray:4 4}
svg .bar{stroke:var(--other);stroke-width:3}
svg .bar.chosen{stroke:var(--accent)}
svg .bar.tied{stroke:var(--tied)}
svg .mark{fill:var(--page);stroke:var(--other);stroke-width:2}
svg .mark.chosen{fill:var(--accent);stroke:var(--accent)}
svg .mark.tied{fill:var(--tied);stroke:var(--tied)}
svg .heat{fill:var(--accent)}
svg .joined{fill:none;stroke:var(--accent);stroke-width:1.5;stroke-opacity:.6}
svg .wide{fill:var(--accent);fill-opacity:.22}
svg .narrow{fill:var(--accent);fill-opacity:.5}
svg .middle{stroke:var(--ink);stroke-width:2}
svg .fill{fill:var(--accent);fill-opacity:.75}svg .curve{fill:none;stroke:var(--p1);
stroke-width:2}svg .over{fill:none;stroke:var(--p1);stroke-width:2}
svg .whisker-ink{stroke:var(--ink);stroke-width:1.5}
svg .dots{stroke:var(--accent);stroke-width:5;stroke-linecap:round;stroke-opacity:.4}
svg .fit{stroke:var(--p1);stroke-width:2.5}svg .whisker{stroke:var(--accent);stroke-width:1.5}
""".replace("\n", "")
_SHEET = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--ink);line-height:1.55;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-size:16px;
overflow-wrap:break-word}
header,main,footer{max-width:76rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
h1{font-size:1.8rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.3rem;line-height:1.25;margin:0 0 .75rem;padding-top:1.75rem;
border-top:1px solid var(--line)}
h3{font-size:1.02rem;margin:1.6rem 0 .4rem}
section{margin-top:1.75rem;scroll-margin-top:1rem}
p{max-width:46rem;margin:.5rem 0}
ul,ol{padding-left:1.2rem;max-width:46rem}
li{margin:.3rem 0}
.small,.spec{color:var(--soft);font-size:.9em}
.lead{font-size:1.1rem}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-99rem;top:0;background:var(--page);padding:.6rem 1rem;z-index:9}
.skip:focus{left:0}
.kind{color:var(--soft);margin:0 0 1rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:0}
.tiles>div{background:var(--panel);border-radius:.5rem;padding:.7rem .9rem}
.tiles dt{color:var(--soft);font-size:.8rem}
.tiles dd{margin:0;font-size:1.1rem;font-weight:600;line-height:1.3}
.tiles dd .interval{font-weight:400;font-size:.8rem}
.brief{margin:1.1rem 0 0;padding:0;list-style:none;max-width:60rem}
.brief li{margin:.35rem 0}.brief a{font-weight:600}
nav{margin:1.25rem 0 0}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;padding:0;margin:0;
max-width:none;font-size:.9rem}
nav a[aria-current]{font-weight:600;color:var(--ink)}
.toc{position:sticky;top:0;z-index:3;background:var(--page);border-bottom:1px solid var(--line);
overflow-x:auto;scrollbar-width:none}
.toc ul{flex-wrap:nowrap;max-width:76rem;margin:0 auto;padding:.5rem 1.25rem;width:max-content;
min-width:100%}
.toc li{white-space:nowrap;margin:0}
.toc~main section{scroll-margin-top:3.2rem}
@media (min-width:70rem){body:has(>.toc){padding-left:15.5rem}
.toc{position:fixed;left:0;top:0;bottom:0;width:15.5rem;margin:0;overflow-y:auto;border:0;
border-right:1px solid var(--line);background:var(--panel)}
.toc ul{flex-direction:column;width:auto;padding:1.6rem 1.1rem}
.toc li{white-space:normal;margin:.22rem 0;line-height:1.3}
.toc a{text-decoration:none}.toc a:hover{text-decoration:underline}
.toc~main section{scroll-margin-top:1rem}
.toc~main .scroll.wide{width:auto;max-width:100%;left:0;transform:none}}
.scroll{overflow-x:auto;margin:.75rem 0;max-width:100%}
.tall{max-height:38rem;overflow-y:auto}
.tall thead th{position:sticky;top:0;background:var(--page);z-index:1}
details{margin:.75rem 0}
summary{cursor:pointer;padding:.25rem 0;color:var(--accent)}
.sort{all:unset;cursor:pointer}.sort:focus-visible{outline:2px solid var(--accent)}
.sort::after{content:" \\2195";opacity:.45;font-size:.85em}
[aria-sort=ascending] .sort::after{content:" \\2191";opacity:1}
[aria-sort=descending] .sort::after{content:" \\2193";opacity:1}
.tools{display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:end;margin:.75rem 0 0;
font-size:.85rem;color:var(--soft)}
.tools label{max-width:100%;min-width:0}
.tools input,.tools select,.grow{font:inherit;color:var(--ink);background:var(--page);
border:1px solid var(--other);border-radius:.3rem;padding:.25rem .45rem;max-width:100%}
figure{position:relative}.grow{font-size:.75rem;position:absolute;right:0;top:0;cursor:pointer;
opacity:.0}figure:hover .grow,.grow:focus-visible,.grow[aria-pressed=true]{opacity:1}
@media (hover:none){.grow{opacity:.75}}
.tip{position:fixed;z-index:9;max-width:22rem;background:var(--ink);color:var(--page);
font-size:.82rem;line-height:1.35;padding:.35rem .55rem;border-radius:.3rem;pointer-events:none;
overflow-wrap:anywhere}
.could-not{color:var(--soft);border-left:3px solid var(--line);padding:.1rem .7rem}
.fill-in{color:var(--loud)}
.scroll.wide{width:max-content;min-width:100%;max-width:calc(100vw - 2.5rem);position:relative;
left:50%;transform:translateX(-50%)}
table{border-collapse:separate;border-spacing:0;font-size:.875rem;line-height:1.4}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
white-space:nowrap}
th,td{padding:.4rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:600;vertical-align:bottom;white-space:nowrap}
tbody th{font-weight:600}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.interval{color:var(--soft);font-size:.92em;white-space:nowrap;
font-variant-numeric:tabular-nums}
.board tbody th,.columns tbody th{min-width:10.5rem;max-width:18rem}
.board tbody th{min-width:11rem}
.board{font-size:.82rem}
.board th,.board td{padding:.4rem .4rem}
.board thead th,.columns thead th{white-space:normal}
.board thead .num{max-width:7rem}
.board th:first-child,.columns th:first-child{padding-left:.1rem}
.spec{font-weight:400}
.columns td:nth-child(3),.columns td:last-child{min-width:13rem}
.metrics td:last-child{min-width:15rem}
.board tbody th,.matrix tbody th,.columns tbody th{position:sticky;left:0;background:var(--page)}
@media (max-width:40rem){th,td{padding:.35rem .45rem}thead th{white-space:normal}
.board tbody th,.columns tbody th{min-width:8rem;max-width:9.5rem}
.metrics,.metrics tbody{display:block}.metrics thead{display:none}
.metrics tr{display:grid;grid-template-columns:1fr auto;border-bottom:1px solid var(--line)}
.metrics td,.metrics th{border:0;padding:.3rem .1rem}
.metrics td:last-child{grid-column:1/-1;min-width:0;padding:0 .1rem .5rem}}
.findings td:nth-child(n+2){min-width:12rem}
.findings .badge{font-size:.8em;margin:0}
@media (max-width:40rem){.findings,.findings tbody,.findings tr,.findings td,.findings th
{display:block}.findings thead{display:none}.findings td{border:0;padding:.15rem .1rem}
.findings tr{border-bottom:1px solid var(--line);padding:.5rem 0}
.findings tbody th{border:0;padding:.15rem .1rem}.findings td:nth-child(n+2){min-width:0}}
.facts th{white-space:nowrap}
.facts td{min-width:12rem;max-width:46rem}
.badge{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .55rem;
font-size:.9em;font-weight:400;white-space:nowrap;margin:0 .25rem .15rem 0}
.warnings{list-style:none;padding:0}
.warnings li{background:var(--loud-page);border-left:4px solid var(--loud);padding:.5rem .8rem;
border-radius:.2rem}
pre{background:var(--panel);padding:.8rem 1rem;border-radius:.5rem;overflow-x:auto;
font-size:.85rem;line-height:1.5;overflow-wrap:normal}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.matrix th{max-width:9rem}
.matrix thead th{white-space:normal;overflow-wrap:normal}
.matrix td,.matrix th{padding:.3rem .55rem}
.dense{font-size:.75rem}
.dense td,.dense th{padding:.2rem .3rem}.dense .all{padding-left:.5rem}

.matrix .corner{color:var(--soft);font-size:.9em;white-space:nowrap;vertical-align:bottom}
.matrix .hit{background:rgb(var(--hit)/calc(var(--s)*.5))}
.matrix .miss{background:rgb(var(--miss)/calc(var(--s)*.5))}
.matrix .none{color:var(--other)}
.matrix .all{border-left:1px solid var(--line);color:var(--soft)}
figure{margin:.75rem 0;max-width:31rem}
.forest{max-width:46rem;margin:1rem 0 .25rem}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;font-size:.85rem;
color:var(--soft);max-width:none}
.key{display:inline-block;width:.8rem;height:.8rem;border-radius:50%;margin-right:.4rem;
border:2px solid var(--other);vertical-align:-.08em}
.key.chosen{background:var(--accent);border-color:var(--accent)}
.key.tied{background:var(--tied);border-color:var(--tied)}
.key.square{border:0;border-radius:0;background:var(--accent);opacity:var(--s)}
.key.rule{border:0;border-left:2px dashed var(--soft);border-radius:0;width:.2rem;height:.9rem}
footer{margin-top:3rem;padding-bottom:2rem;color:var(--soft);font-size:.85rem}
figure.big{max-width:100%}
@media print{body{font-size:10pt;padding:0!important}nav,.toc,.skip,.tools,.grow,.tip
{display:none!important}header,main,footer{max-width:none;padding:0}
.scroll,pre{overflow:visible}pre{white-space:pre-wrap}table{font-size:8pt}
.tall{max-height:none}.sort::after{content:""!important}
details::details-content{content-visibility:visible;display:block}
summary{color:var(--ink);list-style:none}.switch>[hidden]{display:block!important}
tr[hidden]{display:table-row!important}
th,td{padding:.2rem .35rem}thead th,.num,.interval{white-space:normal}
table th,table td{min-width:0!important;position:static!important}
table{max-width:100%}td,th{overflow-wrap:break-word}.findings td,.columns td:last-child
{overflow-wrap:anywhere}.columns{font-size:7pt}
thead{display:table-header-group;break-after:avoid}tbody tr:first-child{break-before:avoid}
.board,.matrix{font-size:6.5pt}.board th,.board td,.matrix th,.matrix td{padding:.15rem .2rem}
.board th,.board td,.matrix th,.matrix td{overflow-wrap:normal}
.board .badge{border:0;padding:0}.scroll.wide{position:static;width:auto;transform:none}
.forest{max-width:100%}figure{max-width:26rem}figure.big{max-width:26rem}
h2,h3,summary{break-after:avoid}figure,svg,tr,.warnings li,.tiles{break-inside:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
_PAPER = "@media print{:root{color-scheme:light;" + _palette.css(_palette.PAPER) + "}}"
STYLE = (_COLORS + PICTURES + _SHEET + _PAPER).replace("\n", "")
