// A connection is tried before it is saved. What was typed stays in the form meanwhile and where it is refused:
// the page that answers has no secrets in it, so they are carried over here. Without scripts they are pasted anew.

import { prepare, say } from "./app.js";

const isSecret = (one) => one.type === "password" || one.autocomplete === "new-password";

async function send(form, submitter) {
  const fields = new FormData(form, submitter);
  form.dataset.busy = "";
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  if (submitter) submitter.textContent = "Trying it…";
  say("Trying it.");
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "text/html" } });
  if (answer.redirected || answer.ok) {
    location.assign(answer.url);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("form[data-tries]");
  if (!fresh) {
    document.documentElement.replaceWith(document.adoptNode(page.documentElement));
    return;
  }
  for (const one of [...form.elements].filter(isSecret)) {
    const other = fresh.elements.namedItem(one.name);
    if (other) other.value = one.value;
  }
  fresh.querySelector(".retyped")?.remove();
  const opened = form.querySelector("details.seldom")?.open;
  if (opened) fresh.querySelector("details.seldom").open = true;
  form.replaceWith(document.adoptNode(fresh));
  prepare(fresh);
  (fresh.querySelector("[aria-invalid=true]") ?? fresh.querySelector("button[name=anyway]"))?.focus();
  say(fresh.querySelector(".wrong")?.textContent.trim().replace(/\s+/g, " ") ?? "");
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-tries]");
  if (!form) return;
  event.preventDefault();
  send(form, event.submitter).catch(() => {
    for (const button of form.querySelectorAll("button")) button.disabled = false;
    form.querySelector(".buttons").before(Object.assign(document.createElement("p"), {
      className: "wrong", role: "alert", textContent: "We could not reach the server just now. What you typed is still here: try again.",
    }));
  });
});
