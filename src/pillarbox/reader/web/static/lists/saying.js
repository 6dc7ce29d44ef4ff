/* What is said: to everybody as a passing notice, or only to who listens. */

import { STAYS, toast, toastTrouble } from "../toasts.js";

const KEPT = "pillarbox-changed"; // what was done last, for the next page, while it can be undone

let quietly = null;

/** For screen readers, politely. */
export function say(text) {
  if (!quietly) {
    quietly = document.createElement("p");
    quietly.className = "hidden";
    quietly.setAttribute("role", "status");
    document.body.append(quietly);
  }
  quietly.textContent = text;
}

/** Something was done; it can be undone if the change has an id, also from the next page. */
export function changed(change) {
  const since = Date.now();
  if (change.id) keep(change);
  else sessionStorage.removeItem(KEPT);
  notice(change, since);
}

/** Have the next page say it. */
export function keep({ id, say: text }) {
  sessionStorage.setItem(KEPT, JSON.stringify({ id, say: text, since: Date.now() }));
}

/** What was done on the page before, for as long as it would have been said there. */
export function sayWhatWasChanged() {
  const { since, ...change } = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  const age = Date.now() - since;
  if (age >= 0 && age < STAYS) notice(change, since);
  else sessionStorage.removeItem(KEPT);
}

function notice({ id, say: text }, since) {
  toast(text, { id: "changed", action: id ? undoButton(id) : null, stays: since + STAYS - Date.now(), since });
}

export function trouble(error) {
  if (error.name !== "AbortError") toastTrouble({ say: error.message, door: error.door }, "trouble");
}

function undoButton(id) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = `/undo/${encodeURIComponent(id)}`;
  const button = document.createElement("button");
  button.className = "button";
  button.dataset.key = "z";
  button.textContent = "Undo";
  form.append(button);
  return form;
}
