"""The script and the style of the page to walk about in."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1a2027;--soft:#55606c;--page:#fff;--line:#d5dbe1;
--accent:#1d5fbf}
@media (prefers-color-scheme:dark){:root{--ink:#e7ebef;--soft:#a9b4bf;--page:#13171c;
--line:#36404a;--accent:#78aef8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem 1.25rem;background:var(--page);color:var(--ink);
font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;line-height:1.5}
h1{font-size:1.4rem;margin:0}
header p,body>p{color:var(--soft);font-size:.9rem;margin:.25rem 0 .75rem;overflow-wrap:anywhere}
.bar{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;margin:.5rem 0}
select,button{font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);
border-radius:.35rem;padding:.25rem .5rem;max-width:16rem}
button{min-width:2.2rem}
canvas{width:100%;height:min(72vh,46rem);border:1px solid var(--line);display:block;
touch-action:none;cursor:crosshair}
canvas:focus-visible,select:focus-visible,button:focus-visible{outline:2px solid var(--accent);
outline-offset:2px}
#said{min-height:3em;margin:.4rem 0;overflow-wrap:anywhere}
#legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem .6rem;margin:.25rem 0}
#legend button{display:flex;gap:.4rem;align-items:center;font-size:.9rem}
#legend button[aria-pressed=false]{opacity:.45;text-decoration:line-through}
#legend span{width:.8rem;height:.8rem;border-radius:50%;flex:none}
""".replace("\n", "")

SCRIPT = """
"use strict";
(function(){
var D=JSON.parse(document.getElementById("cargo").textContent);
var C=document.getElementById("map"),G=C.getContext("2d"),S=document.getElementById("said");
var n=D.rows.length,ax=0,ay=1,col=D.columns.length?0:-1,hidden={},at=-1;
var view={x:0,y:0,k:1},W=0,H=0,P=[],drag=null;
var start=document.getElementById("color"),fx=document.getElementById("across");
var fy=document.getElementById("up"),L=document.getElementById("legend");
function option(box,text,value){var o=document.createElement("option");
o.textContent=text;o.value=value;box.appendChild(o);}
option(start,"none",-1);
D.columns.forEach(function(c,i){option(start,c.name,i);});start.value=col;
D.axes.forEach(function(a,i){option(fx,a,i);option(fy,a,i);});fx.value=0;fy.value=1;
function range(v){var a=Infinity,b=-Infinity;for(var i=0;i<n;i++){if(v[i]<a)a=v[i];
if(v[i]>b)b=v[i];}if(!(b>a)){a-=1;b+=1;}return [a,b];}
function place(){var X=D.places[ax],Y=D.places[ay],rx=range(X),ry=range(Y);
var m=46,w=W-2*m,h=H-2*m;P=new Float64Array(2*n);
for(var i=0;i<n;i++){P[2*i]=m+(X[i]-rx[0])/(rx[1]-rx[0])*w;
P[2*i+1]=H-m-(Y[i]-ry[0])/(ry[1]-ry[0])*h;}}
function sx(i){return P[2*i]*view.k+view.x;}
function sy(i){return P[2*i+1]*view.k+view.y;}
function group(i){return col<0?0:D.columns[col].group.charCodeAt(i)-97;}
function color(i){return col<0?"#3f78c4":D.columns[col].colors[group(i)];}
function draw(){var ink=getComputedStyle(document.body).color;G.clearRect(0,0,W,H);
var r=Math.min(6,(n>4000?1.6:n>1200?2.2:3.2)*Math.sqrt(view.k));G.globalAlpha=0.72;
for(var i=0;i<n;i++){if(hidden[group(i)])continue;var x=sx(i),y=sy(i);
if(x<-9||y<-9||x>W+9||y>H+9)continue;G.fillStyle=color(i);G.beginPath();
G.arc(x,y,r,0,7);G.fill();}
G.globalAlpha=1;G.fillStyle=ink;G.font="13px system-ui,sans-serif";G.textAlign="center";
G.fillText(D.axes[ax],W/2,H-10);G.save();G.translate(16,H/2);G.rotate(-Math.PI/2);
G.fillText(D.axes[ay],0,0);G.restore();
if(at>=0){G.strokeStyle=ink;G.lineWidth=2;G.beginPath();G.arc(sx(at),sy(at),r+4,0,7);
G.stroke();}}
function value(c,i){var v=c.said[i];if(v===null)return "(missing)";
return c.levels.length?c.levels[v]:String(v);}
function tell(i){at=i;if(i<0){S.textContent="";draw();return;}
var t=["row "+D.rows[i]];D.columns.slice(0,12).forEach(function(c,j){
t.push((j===col?"\\u25cf ":"")+c.name+": "+value(c,i));});S.textContent=t.join("  \\u00b7  ");
draw();}
function near(x,y){var b=-1,d=144;for(var i=0;i<n;i++){if(hidden[group(i)])continue;
var u=sx(i)-x,v=sy(i)-y,e=u*u+v*v;if(e<d){d=e;b=i;}}return b;}
function zoom(f,x,y){var k=Math.max(0.5,Math.min(400,view.k*f));f=k/view.k;
view.x=x-(x-view.x)*f;view.y=y-(y-view.y)*f;view.k=k;draw();}
function whole(){view={x:0,y:0,k:1};draw();}
function legend(){L.textContent="";hidden={};if(col<0)return;var c=D.columns[col];
c.names.forEach(function(name,g){var li=document.createElement("li");
var b=document.createElement("button"),dot=document.createElement("span");
b.type="button";b.setAttribute("aria-pressed","true");dot.style.background=c.colors[g];
b.appendChild(dot);b.appendChild(document.createTextNode(name));
b.addEventListener("click",function(){hidden[g]=!hidden[g];
b.setAttribute("aria-pressed",String(!hidden[g]));draw();});
li.appendChild(b);L.appendChild(li);});}
function size(){var r=C.getBoundingClientRect(),q=window.devicePixelRatio||1;
W=r.width;H=r.height;C.width=Math.round(W*q);C.height=Math.round(H*q);
G.setTransform(q,0,0,q,0,0);place();draw();}
function spot(e){var r=C.getBoundingClientRect();return [e.clientX-r.left,e.clientY-r.top];}
C.addEventListener("wheel",function(e){e.preventDefault();var p=spot(e);
zoom(Math.exp(-e.deltaY*0.0015),p[0],p[1]);},{passive:false});
C.addEventListener("pointerdown",function(e){drag=spot(e);C.setPointerCapture(e.pointerId);});
C.addEventListener("pointerup",function(){drag=null;});
C.addEventListener("pointermove",function(e){var p=spot(e);
if(drag){view.x+=p[0]-drag[0];view.y+=p[1]-drag[1];drag=p;draw();return;}
var i=near(p[0],p[1]);if(i!==at)tell(i);});
function step(d){if(!n)return;for(var t=0;t<n;t++){at=((at+d)%n+n)%n;
if(!hidden[group(at)])break;}tell(at);}
C.addEventListener("keydown",function(e){var m={ArrowLeft:[40,0],ArrowRight:[-40,0],
ArrowUp:[0,40],ArrowDown:[0,-40]}[e.key];if(e.ctrlKey||e.metaKey||e.altKey)return;
if(m){view.x+=m[0];view.y+=m[1];draw();}else if(e.key==="+"||e.key==="=")zoom(1.4,W/2,H/2);
else if(e.key==="-")zoom(1/1.4,W/2,H/2);else if(e.key==="0")whole();
else if(e.key==="n")step(1);else if(e.key==="p")step(-1);else return;e.preventDefault();});
document.getElementById("in").addEventListener("click",function(){zoom(1.4,W/2,H/2);});
document.getElementById("out").addEventListener("click",function(){zoom(1/1.4,W/2,H/2);});
document.getElementById("whole").addEventListener("click",whole);
start.addEventListener("change",function(){col=Number(start.value);legend();draw();});
function axes(){ax=Number(fx.value);ay=Number(fy.value);place();draw();}
fx.addEventListener("change",axes);fy.addEventListener("change",axes);
window.addEventListener("resize",size);legend();size();
})();
"""
