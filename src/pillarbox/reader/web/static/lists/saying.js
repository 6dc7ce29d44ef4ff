/* What is said: to everybody as a passing notice, or only to who listens. */

import { STAYS, toast, toastTrouble } from "../toasts.js";

const KEPT = "pillarbox-changed"; // what was done, while it can be undone, also on the next page: {id, say, since, until}, the last one last

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

function kept() {
  const now = Date.now();
  return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]").filter(({ since, until }) => since <= now && now < until);
}

function setKept(changes) {
  sessionStorage.setItem(KEPT, JSON.stringify(changes));
}

/* What cannot be undone was done last then. */
document.addEventListener("submit", ({ target }) => { if (target.hasAttribute("data-final")) setKept([]); }, { capture: true });

function made({ id, say: text }) {
  const since = Date.now();
  return { id, say: text, since, until: since + STAYS };
}

/** Something was done; it can be undone if the change has an id, also from the next page, and what was done before it after that. */
export function changed(change) {
  const done = made(change);
  setKept(done.id ? [...kept(), done] : []);
  notice(done);
}

/** The change `id` was undone, as `text` says: the one before it is the next that can be. */
export function undone(id, text) {
  const before = without(id);
  const last = before.at(-1);
  if (last) last.until = Date.now() + STAYS;
  setKept(before);
  notice(last ? { ...last, say: `${text}. Before that: ${last.say}` } : made({ say: text }));
}

/** The change `id` cannot be undone any more. */
export function forget(id) {
  const before = without(id);
  setKept(before);
  document.getElementById("changed")?.remove();
  if (before.length) notice(before.at(-1));
}

const without = (id) => kept().filter((change) => change.id !== id);

/** Which change can be undone next; undefined: none. */
export const last = () => kept().at(-1)?.id;

/** Have the next page say it. What can be undone it says anyway. */
export function keep(change) {
  if (!change.id) setKept([...kept(), made(change)]);
}

/** What was done on the page before, for as long as it would have been said there. */
export function sayWhatWasChanged() {
  const change = kept().at(-1);
  if (change?.id) notice(change);
  else if (change) undone(change.id, change.say);
}

function notice({ id, say: text, since, until }) {
  toast(text, { id: "changed", action: id ? undoButton(id) : null, stays: until - Date.now(), since });
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
