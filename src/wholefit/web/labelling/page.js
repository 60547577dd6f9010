"use strict";
// All text from the data goes in through textContent: nothing of it is ever read as HTML.

const at = (id) => document.getElementById(id);
let state = null;
let since = 0;
let busy = false;

function made(tag, text, into) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (into) into.append(element);
  return element;
}

function say(text) { at("said").textContent = text; }

function complain(text) {
  at("wrong").textContent = text;
  at("wrong").hidden = !text;
}

async function ask(path, words) {
  const options = words === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(words),
  };
  let reply, body;
  try {
    reply = await fetch(path, { ...options, cache: "no-store" });
    body = await reply.json();
  } catch {
    throw new Error("The server does not answer: was it stopped? What was confirmed is kept.");
  }
  if (!reply.ok) throw new Error(body.error);
  return body;
}

// One thing at a time: a key that is held down must not answer the next item unseen.
async function act(deed) {
  if (busy) return;
  busy = true;
  complain("");
  try { await deed(); } catch (error) { complain(error.message); } finally { busy = false; }
}

function seconds() { return (performance.now() - since) / 1000; }

function showCells(item, into) {
  into.replaceChildren();
  if (item.kind === "image") {
    const picture = made("img", undefined, into);
    picture.alt = item.shown[0].text;
    picture.src = "picture/" + encodeURIComponent(item.key);
    picture.onerror = () => { into.textContent = "This picture cannot be shown: " + item.shown[0].text; };
  } else if (item.kind === "text") {
    into.textContent = item.shown[0].text;
  } else {
    const list = made("dl", undefined, into);
    for (const cell of item.shown) {
      made("dt", cell.name, list);
      made("dd", cell.text || "(empty)", list);
    }
  }
}

function draw(fresh) {
  const first = state === null;
  state = fresh;
  const far = state.progress, done = far.labelled + far.skipped;
  at("source").textContent = state.source;
  at("who").textContent = state.who;
  at("bar").max = done + far.left || 1;
  at("bar").value = done;
  at("far").textContent = `${far.labelled} labelled, ${far.skipped} skipped, ${far.left} left`;
  at("split").textContent = state.disagreements;
  at("guide-box").hidden = !state.guide;
  at("guide").textContent = state.guide;
  if (first) at("guide-box").open = done === 0;
  at("tally").textContent = Object.entries(far.classes).map(([name, n]) => `${name} ${n}`).join(" · ");
  complain(state.trouble || "");
  drawQuestion(state.question);
  document.title = `${done} of ${done + far.left} · ${state.source}`;
  since = performance.now();
}

function drawQuestion(question) {
  for (const id of ["skip", "note"]) at(id).disabled = !question;
  at("classes").replaceChildren();
  at("guess").hidden = !(question && question.guess);
  if (!question) {
    at("item").textContent = "Nothing is left to label. Every answer is kept; you may close this page.";
    return;
  }
  showCells(question, at("item"));
  at("item").scrollTop = 0;
  if (question.guess) {
    const share = Math.round(100 * question.guess.p);
    at("guess").textContent = `The model says ${question.guess.label} (${share} %); Enter agrees.`;
  }
  state.classes.forEach((name, number) => {
    const button = made("button", undefined, at("classes"));
    button.type = "button";
    if (number < 9) made("kbd", String(number + 1), button);
    button.append(name);
    button.onclick = () => label(name);
  });
}

function label(name) {
  if (!state || !state.question) return;
  const key = state.question.key;
  act(async () => {
    draw(await ask("answer", { key, label: name, seconds: seconds() }));
    say(`${name}. ${state.progress.left} left.`);
    at("item").focus({ preventScroll: true });
  });
}

function skip() {
  if (!state || !state.question) return;
  const key = state.question.key;
  act(async () => { draw(await ask("skip", { key, seconds: seconds() })); say("Skipped."); });
}

function undo() {
  act(async () => {
    const fresh = await ask("undo", {});
    draw(fresh);
    say(fresh.undone ? "Taken back: answer it again." : "There is nothing to take back.");
  });
}

function noting(open) {
  at("note-form").hidden = !open;
  if (open) { at("note-text").value = ""; at("note-text").focus(); } else at("item").focus();
}

function keepNote(event) {
  event.preventDefault();
  const text = at("note-text").value.trim();
  if (!text) { noting(false); return; }
  act(async () => {
    await ask("note", { key: state.question.key, text });
    noting(false);
    say("The note is kept.");
  });
}

function drawDisagreements(found) {
  at("split").textContent = found.count;
  at("judge-far").textContent = found.count
    ? `${found.count} ${found.count === 1 ? "item has" : "items have"} different labels and no last word yet.`
    : "There is no disagreement to settle.";
  const list = at("judge-list");
  list.replaceChildren();
  found.items.forEach((item) => {
    const box = made("section", undefined, list);
    box.className = "split";
    const title = made("h2", undefined, box);
    showCells(item, title);
    const said = made("ul", undefined, box);
    for (const one of item.said) made("li", `${one.who}: ${one.label}`, said);
    for (const one of item.notes) made("li", `note of ${one.who}: ${one.text}`, said);
    const deeds = made("div", undefined, box);
    deeds.className = "deeds";
    deeds.setAttribute("role", "group");
    deeds.setAttribute("aria-label", "The last word");
    for (const name of found.classes) {
      const button = made("button", name, deeds);
      button.type = "button";
      button.onclick = () => act(async () => {
        drawDisagreements(await ask("adjudicate", { key: item.key, label: name }));
        say(`Settled as ${name}.`);
      });
    }
  });
}

function view(judging) {
  at("label-view").hidden = judging;
  at("judge-view").hidden = !judging;
  at("to-label").setAttribute("aria-pressed", String(!judging));
  at("to-judge").setAttribute("aria-pressed", String(judging));
  act(async () => { if (judging) drawDisagreements(await ask("disagreements")); else draw(await ask("state")); });
}

function onKey(event) {
  const typing = event.target instanceof HTMLTextAreaElement;
  if (event.key === "Escape" && !at("note-form").hidden) { noting(false); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (at("label-view").hidden || !state) return;
  const number = Number.parseInt(event.key, 10);
  const onButton = event.target instanceof HTMLButtonElement || event.target.tagName === "SUMMARY";
  if (number >= 1 && number <= Math.min(9, state.classes.length)) label(state.classes[number - 1]);
  else if (event.key === "s") skip();
  else if (event.key === "u") undo();
  else if (event.key === "n" && state.question) { event.preventDefault(); noting(true); }
  else if (event.key === "Enter" && !onButton && state.question && state.question.guess) label(state.question.guess.label);
}

at("skip").onclick = skip;
at("undo").onclick = undo;
at("note").onclick = () => noting(true);
at("note-cancel").onclick = () => noting(false);
at("note-form").onsubmit = keepNote;
at("to-label").onclick = () => view(false);
at("to-judge").onclick = () => view(true);
document.addEventListener("keydown", onKey);
view(false);
