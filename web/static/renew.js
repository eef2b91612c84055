// Parts of a page that are looked at anew as long as it is seen: [data-renew] with an id, its value the milliseconds
// between two looks; a part that comes without the attribute is over. And a form of choices, [data-recount], that says
// at once what they come to: of the page for these choices it takes over what is marked [data-counted].
import { prepare } from "./app.js";

const read = async (address) => {
  try {
    const got = await fetch(address);
    return got.ok && !got.redirected ? new DOMParser().parseFromString(await got.text(), "text/html") : null;
  } catch { return null; }
};
const isInUse = (part) => {
  const selection = getSelection();
  return part.querySelector("details[open], input:focus, textarea:focus") !== null
    || (!selection.isCollapsed && part.contains(selection.anchorNode));
};

function later(part) {
  setTimeout(() => renew(part), Number(part.dataset.renew));
}

async function renew(part) {
  if (document.hidden || isInUse(part)) return later(part);
  const made = (await read(location.href))?.getElementById(part.id);
  if (made && !isInUse(part)) {
    const button = part.contains(document.activeElement) ? document.activeElement.textContent : null;
    part.replaceChildren(...made.childNodes);
    prepare(part);
    if (button) [...part.querySelectorAll("a, button")].find((one) => one.textContent === button)?.focus();
    if (!made.dataset.renew) return delete part.dataset.renew;
  }
  later(part);
}

async function recount(form) {
  const address = new URL(form.action);
  address.search = new URLSearchParams(new FormData(form));
  const asked = (form.dataset.asked = String(address));
  const page = await read(address);
  if (!page || form.dataset.asked !== asked) return;
  const made = page.querySelectorAll("[data-recount] [data-counted]");
  form.querySelectorAll("[data-counted]").forEach((part, place) => {
    part.replaceChildren(...made[place].childNodes);
    if ("disabled" in part) part.disabled = made[place].disabled;
  });
  history.replaceState(null, "", address);
}

for (const part of document.querySelectorAll("[data-renew]")) later(part);
for (const form of document.querySelectorAll("[data-recount]")) {
  form.classList.add("js");
  form.addEventListener("change", () => form.checkValidity() && recount(form));
}
