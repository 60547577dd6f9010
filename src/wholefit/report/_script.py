"""The one script of all pages, which can do without it: order, filter, switch, hover, print.

It is let in by its hash, so that nothing that a column is called or holds can run. It makes no
HTML from text (`textContent` alone), stores nothing and asks for nothing elsewhere.
"""

from __future__ import annotations

import base64
import hashlib

_SOURCE = """
"use strict";(function(){
var d=document,main=d.querySelector("main");if(!main)return;
function all(q,at){return [].slice.call((at||d).querySelectorAll(q));}
function make(tag,cls,text){var e=d.createElement(tag);if(cls)e.className=cls;
if(text)e.textContent=text;return e;}

function first(cell){var w=d.createTreeWalker(cell,4),n=w.nextNode();
return n?n.nodeValue:"";}
function amount(cell){var t=(cell.dataset.v||first(cell)).replace(/,/g,"").replace("\\u2212","-");
var f=t.match(/-?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[-+]?\\d+)?/i);return f?parseFloat(f[0]):null;}
function word(cell){return cell.textContent.trim().toLowerCase();}
function orderable(table){var head=table.tHead&&table.tHead.rows[0],body=table.tBodies[0];
if(!head||!body||body.rows.length<4||/(^| )(matrix|facts|assoc|plain)( |$)/.test(table.className))
return;
var rows=[].slice.call(body.rows);
[].slice.call(head.cells).forEach(function(th,at){if(!th.textContent.trim())return;
var b=make("button","sort");b.type="button";
while(th.firstChild)b.appendChild(th.firstChild);th.appendChild(b);
b.addEventListener("click",function(){var was=th.getAttribute("aria-sort");
var number=th.classList.contains("num");
var next=number?(was==="descending"?"ascending":was?"":"descending"):
(was==="ascending"?"descending":was?"":"ascending");
[].slice.call(head.cells).forEach(function(c){c.removeAttribute("aria-sort");});
if(next)th.setAttribute("aria-sort",next);
var key=number?amount:word,sign=next==="descending"?-1:1;
var put=rows.slice();if(next)put.sort(function(x,y){var a=key(x.cells[at]),b=key(y.cells[at]);
if(a===b)return 0;if(a===null||a==="")return 1;if(b===null||b==="")return -1;
return (a<b?-1:1)*sign;});
put.forEach(function(r){body.appendChild(r);});});});
if(rows.length>=12)filter(table,rows);}

function filter(table,rows){var box=make("div","tools"),label=make("label","","Show rows with ");
var input=make("input"),out=make("output");input.type="search";label.appendChild(input);
out.setAttribute("aria-live","polite");box.appendChild(label);box.appendChild(out);
var place=table.closest(".scroll")||table;place.parentNode.insertBefore(box,place);
input.addEventListener("input",function(){var q=input.value.toLowerCase(),n=0;
rows.forEach(function(r){var ok=r.textContent.toLowerCase().indexOf(q)>=0;r.hidden=!ok;if(ok)n++;});
out.textContent=n+" of "+rows.length+" rows";});}

function switching(box){var parts=all(":scope>[data-choice]",box);if(parts.length<2)return;
var bar=make("div","tools"),label=make("label","",(box.dataset.of||"Show")+" "),pick=make("select");
parts.forEach(function(p,i){var o=make("option","",p.dataset.choice);o.value=i;
pick.appendChild(o);});
function show(){parts.forEach(function(p,i){p.hidden=i!==Number(pick.value);});}
pick.addEventListener("change",show);label.appendChild(pick);bar.appendChild(label);
box.insertBefore(bar,parts[0]);show();}

function growing(figure){if(!figure.querySelector("svg[viewBox]"))return;
var b=make("button","grow","Larger");b.type="button";b.setAttribute("aria-pressed","false");
b.addEventListener("click",function(){var on=figure.classList.toggle("big");
b.textContent=on?"Smaller":"Larger";b.setAttribute("aria-pressed",String(on));});
figure.appendChild(b);}

var tip=null,over=null;
function said(e){var t=e.target;if(!t||!t.closest||!t.closest("svg"))return null;
while(t&&t.tagName!=="svg"){var f=t.firstElementChild;
if(f&&f.tagName==="title")return t;t=t.parentNode;}return null;}
function hide(){if(tip)tip.hidden=true;over=null;}
d.addEventListener("pointermove",function(e){var t=said(e);if(!t){if(over)hide();return;}
if(t!==over){over=t;if(!tip){tip=make("div","tip");tip.setAttribute("aria-hidden","true");
d.body.appendChild(tip);}tip.hidden=false;tip.textContent=t.firstElementChild.textContent;}
var w=tip.offsetWidth,x=Math.min(e.clientX+12,innerWidth-w-8);tip.style.left=Math.max(4,x)+"px";
tip.style.top=Math.max(4,e.clientY-tip.offsetHeight-10)+"px";});
d.addEventListener("scroll",hide,true);

function open(to){for(var e=to;e;e=e.parentElement)if(e.tagName==="DETAILS")e.open=true;}
function arrive(){var to=location.hash&&d.getElementById(location.hash.slice(1));if(to)open(to);}
window.addEventListener("hashchange",arrive);
var shut=[];
window.addEventListener("beforeprint",function(){shut=all("details:not([open])");
shut.forEach(function(e){e.open=true;});});
window.addEventListener("afterprint",function(){shut.forEach(function(e){e.open=false;});shut=[];});

var links={};all(".toc a").forEach(function(a){links[a.getAttribute("href").slice(1)]=a;});
if("IntersectionObserver" in window){var seen={};
var watch=new IntersectionObserver(function(es){es.forEach(function(e){
seen[e.target.id]=e.isIntersecting;});var done=false;
all("main>section").forEach(function(s){var a=links[s.id];if(!a)return;
if(seen[s.id]&&!done){a.setAttribute("aria-current","true");done=true;
var box=a.closest(".toc");box.scrollLeft=a.offsetLeft-box.offsetLeft-16;}
else a.removeAttribute("aria-current");});},{rootMargin:"-8% 0px -70% 0px"});
all("main>section").forEach(function(s){watch.observe(s);});}

all("main table").forEach(orderable);all(".switch",main).forEach(switching);
all("main figure").forEach(growing);arrive();
})();
"""
SCRIPT = _SOURCE.replace("\n", "")
_DIGEST = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()

# The page may run this script and nothing else, and may load nothing.
POLICY = (f"default-src 'none'; script-src 'sha256-{_DIGEST}'; style-src 'unsafe-inline'; "
          "img-src data:; base-uri 'none'; form-action 'none'")
