/*
Keeps a page up to date. What a page marks:

  <div data-live="kinds=run&workflow=orders" data-word="run">   what it listens for (the query of /api/v1/live),
                                                                and what its rows are called; data-pause: how many
                                                                milliseconds lie between two looks at least
  tr or li with data-id                                         rows of a list within: new ones slide in at the top,
                                                                or wait behind a pill while the person has scrolled
                                                                past it, selected or focused something
  data-part="name"                                              a part that is replaced whole when it changed,
                                                                unless the person is in it

The server alone makes HTML: when something changed, the page is fetched again and what differs is taken from it,
at most once a second, and only while the page can be seen. What the person is in waits until they leave it. A page
that is hidden does not listen: browsers have few connections for a server.
*/
import { prepare, say } from "./app.js";

const LEAST_MS = 1000; // between two looks, where the page does not say it
const AGAIN_MS = 30_000; // after the server had no room for a listener
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

let source = null;
let lookedAt = -Infinity;
let timer = 0;
let isLooking = false;
let told = []; // sentences on what changed, for those who do not see it
let isBehind = false; // something waits until the person has left it
const held = new Map(); // by the list's name, the rows as they shall be, while its new ones wait behind a pill

const listens = () => document.querySelector("[data-live]");

function open() {
  const marked = listens();
  if (source || !marked || document.hidden) return;
  source = new EventSource(`/api/v1/live?${marked.dataset.live}`);
  let isFirst = true;
  source.addEventListener("ready", () => {
    if (!isFirst) return;
    isFirst = false;
    soon(); // what changed between the page and now
  });
  for (const kind of ["run", "event", "workflow", "draft", "problem", "connection", "resync"]) source.addEventListener(kind, soon);
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return; // it connects anew by itself
    close();
    setTimeout(open, AGAIN_MS);
  };
}

function close() {
  source?.close();
  source = null;
}

function soon() {
  if (timer) return;
  const pause = Number(listens()?.dataset.pause ?? LEAST_MS);
  timer = setTimeout(look, Math.max(0, lookedAt + pause - performance.now()));
}

async function look() {
  timer = 0;
  if (isLooking) {
    soon();
    return;
  }
  isLooking = true;
  lookedAt = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected || !answer.ok) return; // signed out, or away: the next change tries again
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    isBehind = false;
    for (const part of $$("[data-part]")) take(part, page);
    tell();
  } catch {
    // the line is cut: whatever is missed is fetched when it is back
  } finally {
    isLooking = false;
  }
}

function tell() {
  if (told.length) say(told.join(" "));
  told = [];
}

/** What an element says, whatever the clock made of its times and the scripts of its buttons. */
function mark(element) {
  const copy = element.cloneNode(true);
  for (const time of $$("time", copy)) {
    time.textContent = time.getAttribute("datetime");
    time.removeAttribute("title");
  }
  for (const button of $$("[data-copy]", copy)) {
    button.hidden = true;
    button.textContent = "";
  }
  for (const one of [copy, ...$$(".fresh, .chosen, .waiting-rows, details", copy)]) {
    one.classList.remove("fresh", "chosen");
    one.removeAttribute("open");
    if (!one.classList.length) one.removeAttribute("class");
    if (one.classList.contains("waiting-rows")) one.remove();
  }
  return copy.innerHTML.replace(/\s+/g, " ");
}

function isBusy(element) {
  const selected = getSelection();
  return element.contains(document.activeElement)
    || (selected && !selected.isCollapsed && element.contains(selected.anchorNode))
    || Boolean(element.querySelector("details.menu[open], input:checked, dialog[open]"));
}

const isSeen = (part) => part.getBoundingClientRect().top >= 0; // where it begins

function take(part, page) {
  const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
  if (!fresh || mark(fresh) === mark(part)) return;
  const rows = part.querySelector("tbody");
  const newRows = fresh.querySelector("tbody");
  if (rows && newRows && rows.querySelector("[data-id]")) takeRows(part, rows, newRows);
  else if (isBusy(part)) isBehind = true;
  else replace(part, fresh);
}

function replace(part, fresh) {
  const isOpen = $$("details", part).map((one) => one.open);
  const made = document.importNode(fresh, true);
  const top = part.getBoundingClientRect().top;
  const before = part.offsetHeight;
  part.replaceWith(made);
  $$("details", made).forEach((one, index) => { if (isOpen[index]) one.open = true; });
  prepare(made);
  if (top + before < 0) scrollBy(0, made.offsetHeight - before); // what is read stays where it is
  if (!listens()) close(); // it has ended: nothing more is going to change
  if (made.dataset.word) told.push(`This ${made.dataset.word === "step" ? "run" : "page"} changed.`);
}

function takeRows(part, rows, newRows) {
  const known = new Map($$("[data-id]", rows).map((row) => [row.dataset.id, row]));
  let added = 0;
  for (const row of $$("[data-id]", newRows)) {
    const old = known.get(row.dataset.id);
    known.delete(row.dataset.id);
    if (!old) added += 1;
    else if (mark(old) !== mark(row)) {
      if (isBusy(old)) isBehind = true;
      else put(old, row);
    }
  }
  if (!added && !known.size) return;
  if (isSeen(part) && !isBusy(part)) settle(part, newRows);
  else {
    isBehind = true;
    if (added) wait(part, newRows, added);
  }
}

function put(old, row) {
  const made = document.importNode(row, true);
  old.replaceWith(made);
  prepare(made);
}

/** Let a list be as the server has it: what is new comes to the top, what is no longer in it goes. */
function settle(part, newRows) {
  held.delete(part.dataset.part);
  part.querySelector(".waiting-rows")?.remove();
  const rows = part.querySelector("tbody");
  const known = new Map($$("[data-id]", rows).map((row) => [row.dataset.id, row]));
  const added = [];
  for (const row of $$("[data-id]", newRows)) if (!known.delete(row.dataset.id)) added.push(row);
  for (const row of known.values()) row.remove();
  for (const row of added.toReversed()) {
    const made = document.importNode(row, true);
    made.classList.add("fresh");
    rows.prepend(made);
    prepare(made);
  }
  if (added.length) told.push(words(part, added.length));
}

function words(part, count) {
  const word = part.dataset.word ?? "row";
  return `${count} new ${word}${count === 1 ? "" : "s"}.`;
}

function wait(part, newRows, count) {
  held.set(part.dataset.part, newRows);
  let pill = part.querySelector(".waiting-rows");
  if (!pill) {
    pill = document.createElement("div");
    pill.className = "waiting-rows";
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => show(part));
    pill.append(button);
    part.prepend(pill);
  }
  const text = `${count} new`;
  if (pill.firstChild.textContent === text) return;
  pill.firstChild.textContent = text;
  told.push(words(part, count));
}

function show(part) {
  settle(part, held.get(part.dataset.part));
  tell();
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!isSeen(part)) part.scrollIntoView({ block: "start", behavior: isStill ? "auto" : "smooth" });
  part.querySelector("[data-id] a")?.focus({ preventScroll: true });
}

for (const left of ["focusout", "click"]) document.addEventListener(left, () => { if (isBehind) soon(); });
document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else open();
});
addEventListener("pagehide", close);
addEventListener("pageshow", open);
open();
