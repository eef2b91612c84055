// What every page does with scripts on: times in the reader's zone, copying, dialogs, menus, the palette and
// the keys. Nothing here is needed to read a page or to press a button.

const SAID_MS = 5000; // at most one sentence to screen readers in this time
const TYPED_MS = 120;
const PAIR_MS = 1500; // between g and the letter after it
const GOES = { h: "/", r: "/runs", e: "/events", f: "/failures", c: "/connections", d: "/docs" };
const KEYS = [
  ["Ctrl K", "Find anything, or do something"], ["/", "Filter this list"], ["?", "Show these keys"],
  ["g then h r e f c d", "Go to Home, Runs, Events, Failures, Connections, Reference"],
  ["j k, or ↓ ↑", "Next and previous row"], ["Enter", "Open the row"], ["x, Shift x", "Choose the row, or all rows up to it"],
  ["r", "Replay"], ["Esc", "Close what is on top"],
];
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "long" });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

/** An element with properties and children. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Seconds from now as a person says them, in the words of web/display.py. */
export function ago(seconds) {
  const size = Math.abs(seconds);
  if (size < 1) return "now";
  const [unit, length] = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]].find(([, one]) => size >= one);
  const words = `${Math.floor(size / length)} ${unit}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

/** Write the times within `root` as the reader's clock has them. */
export function localise(root = document) {
  for (const time of $$("time[datetime]", root)) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = exact.format(moment);
    time.textContent = "exact" in time.dataset ? short.format(moment) : ago((Date.now() - moment) / 1000);
  }
}

let saidAt = -SAID_MS;
let toSay = null;

/** Tell screen readers a sentence; of several within five seconds the last. */
export function say(sentence) {
  const isWaiting = toSay !== null;
  toSay = sentence;
  if (isWaiting) return;
  setTimeout(() => {
    $("#said").textContent = toSay;
    [toSay, saidAt] = [null, performance.now()];
  }, Math.max(0, saidAt + SAID_MS - performance.now()));
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch { // not by TLS: the old way
    const area = element("textarea", { value: button.dataset.copy, className: "unseen" });
    button.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const word = button.textContent;
  if (word === "Copied") return;
  button.textContent = "Copied";
  say("Copied.");
  setTimeout(() => { button.textContent = word; }, 1500);
}

/** Prepare what came onto the page after it was loaded. */
export function prepare(root = document) {
  localise(root);
  for (const button of $$("[data-copy][hidden]", root)) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  const opener = event.target.closest("[commandfor]");
  if (opener && !("command" in HTMLButtonElement.prototype)) $(`#${opener.getAttribute("commandfor")}`)?.showModal();
  const asked = event.target.closest("[data-palette]");
  if (asked && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    openPalette();
  }
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

/** The dialog that an address names after #, such as the palette's "Pause Order alerts" does. */
function openNamed() {
  const named = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDialogElement && !named.open) named.showModal();
}

// The palette

let palette = null;
let options = [];
let at = 0;
let asking = 0;

function openPalette() {
  palette ??= makePalette();
  if (palette.dialog.open) return;
  palette.input.value = "";
  palette.dialog.showModal();
  look("");
}

function makePalette() {
  const input = element("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "found", "aria-label": "Find",
    placeholder: "Find a workflow, an order number, a run…", autocomplete: "off", spellcheck: false,
  });
  const list = element("ul", { id: "found", role: "listbox", "aria-label": "Found" });
  const note = element("p", { hidden: true });
  const dialog = element("dialog", { className: "palette", "aria-label": "Find" }, input, list, note);
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, TYPED_MS, input.value.trim());
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) choose((at + step + options.length) % options.length);
    else if (event.key === "Enter" && options[at]) location.assign(options[at].url);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const index = [...list.children].indexOf(event.target.closest("li"));
    if (index >= 0) location.assign(options[index].url);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  return { dialog, input, list, note };
}

async function look(text) {
  const mine = ++asking;
  let answer = null;
  try {
    const got = await fetch(`/api/v1/find?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
    if (got.ok) answer = (await got.json()).items;
  } catch { /* told below */ }
  if (mine !== asking) return;
  options = answer ?? [];
  palette.list.replaceChildren(...options.map((one, index) => element(
    "li", { id: `found-${index}`, role: "option" },
    element("bdi", { textContent: one.title }), element("small", { textContent: one.detail }),
  )));
  palette.note.hidden = options.length > 0;
  palette.note.textContent = answer ? `Nothing is called “${text}”.` : "We could not look just now. Try again.";
  choose(0);
}

function choose(index) {
  at = index;
  [...palette.list.children].forEach((row, number) => row.setAttribute("aria-selected", String(number === at)));
  palette.input.setAttribute("aria-activedescendant", options.length ? `found-${at}` : "");
  palette.list.children[at]?.scrollIntoView({ block: "nearest" });
}

// The keys

const rows = () => $$("main table.list tbody tr, main .rows > li").filter((row) => $("a", row));
const rowOf = (target) => target?.closest?.("main table.list tbody tr, main .rows > li");
let began = 0; // when g was pressed
let chosenLast = null;

function walk(step) {
  const all = rows();
  const here = all.indexOf(rowOf(document.activeElement));
  const next = all[here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + step))];
  if (next) $("a", next).focus();
}

function select(isRange) {
  const all = rows();
  const row = rowOf(document.activeElement);
  const box = row && $("input[type=checkbox]", row);
  if (!box) return;
  const from = isRange && chosenLast ? all.indexOf(chosenLast) : all.indexOf(row);
  const [first, last] = [from, all.indexOf(row)].sort((a, b) => a - b);
  const is = isRange ? true : !box.checked;
  for (const one of all.slice(Math.max(0, first), last + 1)) {
    const other = $("input[type=checkbox]", one);
    if (other && other.checked !== is) other.click();
  }
  chosenLast = row;
}

function showKeys() {
  let dialog = $("#keys");
  if (!dialog) {
    const list = element("dl", { className: "keys-list" });
    for (const [key, what] of KEYS) list.append(element("dt", {}, element("kbd", { textContent: key })), element("dd", { textContent: what }));
    const close = element("form", { method: "dialog", className: "buttons" }, element("button", { textContent: "Close" }));
    const head = element("h2", { textContent: "Keys", id: "keys-title" });
    dialog = element("dialog", { id: "keys", "aria-labelledby": "keys-title" }, head, list, close);
    document.body.append(dialog);
  }
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  const menu = event.key === "Escape" && $("details.menu[open]");
  if (menu) {
    menu.open = false;
    $("summary", menu).focus();
    return;
  }
  const isWriting = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog");
  if (isWriting || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = rowOf(event.target) && { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (arrow) {
    event.preventDefault();
    walk(arrow);
    return;
  }
  if (document.documentElement.dataset.keys === "off") return;
  if (performance.now() - began < PAIR_MS && began) {
    began = 0;
    if (event.key in GOES) location.assign(GOES[event.key]);
    return;
  }
  const done = {
    g: () => { began = performance.now(); }, j: () => walk(1), k: () => walk(-1), x: () => select(false), X: () => select(true),
    "/": () => $$("main input[type=search]").find((one) => one.checkVisibility())?.focus(), "?": showKeys,
  }[event.key] ?? (/^[a-z]$/.test(event.key) && (() => ($(`[data-key=${event.key}]`, rowOf(event.target) ?? document) ?? null)?.click()));
  if (!done) return;
  if ("/?".includes(event.key)) event.preventDefault();
  done();
});

addEventListener("hashchange", openNamed);
prepare();
openNamed();
setInterval(localise, 10_000);
if (/Mac|iPhone|iPad/.test(navigator.platform)) for (const key of $$(".find kbd")) key.textContent = "⌘ K";
