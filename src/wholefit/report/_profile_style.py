"""What a profile's page adds to the sheet of styles, and the few lines of script it can do
without: a filter and an order for the list of columns.
"""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root{--p0:#1d5fbf;--p1:#c4570a;--p2:#0b7a6b;--p3:#8a3ea8;--p4:#7a6200;--p5:#b3245a;--p6:#4d5b6b;
--p7:#2b8a3e;--pos:29 95 191;--neg:196 87 10}
@media (prefers-color-scheme:dark){:root{--p0:#78aef8;--p1:#f0985a;--p2:#4fc7b3;--p3:#cf9be6;
--p4:#d9c25a;--p5:#f087ad;--p6:#a9b4bf;--p7:#7fd18f;--pos:120 174 248;--neg:240 152 90}}
.found{list-style:none;padding:0;max-width:60rem}
.found>li{border-left:4px solid var(--line);padding:.45rem .8rem;margin:.5rem 0;
background:var(--panel);border-radius:.2rem}
.found>.critical{border-color:var(--p5)}.found>.warning{border-color:var(--loud)}
.found .mark{font-weight:600;font-size:.8rem;text-transform:uppercase;letter-spacing:.03em;
margin-right:.4rem}
.critical .mark{color:var(--p5)}.warning .mark{color:var(--loud)}.info .mark{color:var(--soft)}
.found p{margin:.2rem 0;max-width:none}
.found code{font-size:.85rem;overflow-wrap:anywhere}
summary{cursor:pointer;padding:.2rem 0}
summary:focus-visible,input:focus-visible,select:focus-visible{outline:2px solid var(--accent);
outline-offset:2px}
.advice{max-width:60rem}.advice dt{font-weight:600;text-transform:capitalize;margin-top:.6rem}
.advice dd{margin:.15rem 0 0}
.finder{display:none;flex-wrap:wrap;gap:.5rem 1rem;align-items:end;margin:.5rem 0 1rem;
position:sticky;top:0;background:var(--page);padding:.5rem 0;z-index:2}
.finder.on{display:flex}.finder label{font-size:.8rem;color:var(--soft)}
.finder input,.finder select{display:block;font:inherit;padding:.35rem .5rem;color:var(--ink);
background:var(--page);border:1px solid var(--other);border-radius:.3rem;max-width:100%}
.finder output{font-size:.85rem;color:var(--soft)}
.col{border-top:1px solid var(--line);padding:.9rem 0 .8rem;content-visibility:auto;
contain-intrinsic-size:auto 13rem;scroll-margin-top:4.5rem}
.col[hidden]{display:none}
.col h3{margin:0;font-size:1.02rem}.col .small{margin:.1rem 0 .5rem;max-width:none}
.duo{display:grid;grid-template-columns:minmax(0,22rem) minmax(0,1fr);gap:.6rem 2rem;
align-items:start}
.duo figure{margin:0;max-width:22rem}
@media (max-width:46rem){.duo{grid-template-columns:minmax(0,1fr)}}
.nums{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.6rem,1fr));gap:.3rem .9rem;
margin:0;font-size:.85rem}
.nums dt{color:var(--soft);font-size:.75rem}.nums dd{margin:0;font-variant-numeric:tabular-nums;
overflow-wrap:anywhere}
.nums .odd dd{color:var(--loud);font-weight:600}
.bars{list-style:none;margin:0;padding:0;font-size:.82rem;max-width:34rem}
.bars li{display:grid;grid-template-columns:minmax(0,9.5rem) minmax(0,1fr) auto;gap:.6rem;
align-items:center;margin:.12rem 0}
.bars .lab{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bars .track{height:.75rem;background:var(--panel);display:flex}
.bars .track i{background:var(--accent);height:100%;width:var(--s)}
.bars .n{min-width:3.6rem;text-align:right;font-variant-numeric:tabular-nums;color:var(--soft);
white-space:nowrap}
.bars.two li{margin:.35rem 0}.bars.two .track{height:.55rem}
.grid-of{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));
gap:1rem 2rem}
.grid-of figure{margin:0}.grid-of figcaption,.duo figcaption{font-size:.85rem;color:var(--soft);
margin:.2rem 0}
.grid-of h3{margin:.4rem 0 .3rem}
.grid-of .legend{margin:.35rem 0}.grid-of .legend li{margin:0}.duo dl+.small{margin-top:.45rem}
#advice pre{white-space:pre-wrap}
svg .fill{fill:var(--accent);fill-opacity:.75}svg .curve{fill:none;stroke:var(--p1);
stroke-width:2}svg .over{fill:none;stroke:var(--p1);stroke-width:2}
svg .dots{stroke:var(--accent);stroke-width:5;stroke-linecap:round;stroke-opacity:.4}
svg .fit{stroke:var(--p1);stroke-width:2.5}svg .whisker{stroke:var(--accent);stroke-width:1.5}
svg.strip{width:100%;height:1.1rem}
svg.strip .hole{fill:var(--p1)}
.map{list-style:none;margin:.5rem 0;padding:0;max-width:60rem;font-size:.85rem}
.map li{display:grid;grid-template-columns:minmax(0,11rem) minmax(0,1fr) 4rem;gap:.7rem;
align-items:center;margin:.1rem 0}
.map .lab{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.map .n{text-align:right;font-variant-numeric:tabular-nums;color:var(--soft)}
.assoc{font-size:.72rem}.assoc td,.assoc th{padding:.15rem .2rem;border:0}
.assoc td{text-align:center;min-width:2rem;font-variant-numeric:tabular-nums}
.assoc tbody th{position:sticky;left:0;background:var(--page);font-weight:400;
max-width:11rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;padding-right:.5rem}
.assoc thead th{text-align:center}
.assoc td.pos{background:rgb(var(--pos)/calc(var(--s)*.6))}
.assoc td.neg{background:rgb(var(--neg)/calc(var(--s)*.6))}
.assoc td.self{color:var(--other)}
.key.p{border:0;border-radius:0}
@media print{:root{--p0:#1d5fbf;--p1:#c4570a;--p2:#0b7a6b;--p3:#8a3ea8;--p4:#7a6200;--p5:#b3245a;
--p6:#4d5b6b;--p7:#2b8a3e;--pos:29 95 191;--neg:196 87 10}
.finder{display:none!important}.col{content-visibility:visible;break-inside:avoid}
.advice dt{break-after:avoid}.found code{font-size:.9em}
.assoc{font-size:5.5pt}.assoc td{min-width:0}}
""".replace("\n", "")

SCRIPT = """
(function(){var f=document.querySelector('.finder');if(!f)return;f.classList.add('on');
var list=document.getElementById('column-list'),cols=[].slice.call(list.children);
var q=f.querySelector('input'),r=f.querySelectorAll('select')[0],o=f.querySelectorAll('select')[1];
var out=f.querySelector('output');
function show(){var w=q.value.toLowerCase(),n=0;cols.forEach(function(c){
var ok=(!w||c.dataset.name.indexOf(w)>=0)&&(!r.value||c.dataset.role===r.value);
c.hidden=!ok;if(ok)n++;});out.textContent=n+' of '+cols.length+' columns';}
function sort(){var k=o.value;cols.slice().sort(function(a,b){
if(k==='name')return a.dataset.name<b.dataset.name?-1:1;
if(k==='order')return cols.indexOf(a)-cols.indexOf(b);
return parseFloat(b.dataset[k])-parseFloat(a.dataset[k]);
}).forEach(function(c){list.appendChild(c);});}
q.addEventListener('input',show);r.addEventListener('change',show);
o.addEventListener('change',sort);show();})();
""".replace("\n", "")

# The page may run this script and nothing else.
POLICY = ("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
          "script-src 'sha256-"
          + base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode() + "'")
