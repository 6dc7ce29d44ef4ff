/* What was done lately, of whatever kind: a notice says the last of it, and how it is undone; then comes what was done before it. */

import { STAYS, toast } from "./toasts.js";

const KEPT = "pillarbox-changed"; // while it can be undone, also on the next page: {undo, say, since, until}, the last one last
const MOST = 100; // the server does not remember more
const NOTICE = "form[data-done]"; // how a page itself says that something was done, and offers to undo it

/** Paths whose POST undoes something without a page of its own. */
export const UNDOES = /^\/(?:undo\/.+|(?:rules|contacts)\/[^/]+\/restore)$/;

const last = () => kept().at(-1);

function kept() {
  const now = Date.now();
  return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]").filter(({ since, until }) => since <= now && now < until);
}

function setKept(changes) {
  sessionStorage.setItem(KEPT, JSON.stringify(changes.slice(-MOST)));
}

function made({ undo = "", say }) {
  const since = Date.now();
  return { undo, say, since, until: since + STAYS };
}

/** All of them, for as long as the last. */
const prolonged = (changes, until) => changes.map((change) => ({ ...change, until: Math.max(change.until, until) }));

const without = (path) => kept().filter(({ undo }) => undo !== path);

/** Something was done, which the next page is to say. `undo`: the path whose POST undoes it; none: it cannot be. */
export function keep(change) {
  const done = made(change);
  setKept([...prolonged(without(done.undo), done.until), done]);
  return done;
}

/** Something was done; if it can be undone, that is offered on the next page, too, and then for what was done before it. */
export function changed(change) {
  const done = keep(change);
  if (!done.undo) setKept([]);
  notice(done);
}

/** What `path` undoes was undone, as `text` says: what was done before it is the next that can be. Its path; undefined: nothing was. */
export function undone(path, text) {
  const before = prolonged(without(path), Date.now() + STAYS);
  setKept(before);
  const next = before.at(-1);
  notice(next ? { ...next, say: `${text}. Before that: ${next.say}` } : made({ say: text }));
  return next?.undo;
}

/** What `path` undoes cannot be undone any more. */
export function forget(path) {
  setKept(without(path));
  document.getElementById("changed")?.remove();
  if (last()) notice(last());
}

function notice({ undo, say, since, until }) {
  toast(say, { id: "changed", action: undo ? undoForm(undo) : null, stays: until - Date.now(), since });
}

function undoForm(path) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = path;
  const button = document.createElement("button");
  button.className = "button";
  button.dataset.key = "z";
  button.textContent = "Undo";
  form.append(field("csrf", document.querySelector('meta[name="csrf"]').content), button);
  const [list] = path.match(/^\/(?:rules|contacts)/) ?? [];
  if (list === location.pathname) form.append(field("back", list)); // it is to show what has come back
  return form;
}

function field(name, value) {
  return Object.assign(document.createElement("input"), { type: "hidden", name, value });
}

const pathOf = (form) => new URL(form.getAttribute("action"), location.origin).pathname;

/** What the page says itself was done when that was, not whenever the page has come: one may have gone back to it. */
function date() {
  for (const form of document.querySelectorAll(NOTICE)) {
    form.dataset.since = kept().find(({ undo }) => undo === pathOf(form))?.since ?? 0;
  }
}

/** An undo that opens a page: that page says what was done before. */
function leaving(event) {
  const path = pathOf(event.target);
  if (UNDOES.test(path) || !kept().some(({ undo }) => undo === path)) return;
  const before = prolonged(without(path), Date.now() + STAYS);
  if (before.length) before.at(-1).next = true;
  setKept(before);
}

/** What was done on the page before, for as long as it would have been said there. */
export function sayWhatWasChanged() {
  const [entry] = performance.getEntriesByType("navigation");
  const forms = [...document.querySelectorAll(NOTICE)];
  if (entry?.type === "navigate") for (const form of forms) keep({ undo: pathOf(form), say: form.dataset.done });
  date();
  const change = last();
  if (!change || forms.some((form) => pathOf(form) === change.undo)) return;
  if (!change.undo) undone("", change.say);
  else notice({ ...change, say: change.next ? `Before that: ${change.say}` : change.say });
  setKept(kept().map(({ next, ...rest }) => rest));
}

/* What cannot be undone was done last then. */
document.addEventListener("submit", ({ target }) => { if (target.hasAttribute("data-final")) setKept([]); }, { capture: true });
document.addEventListener("htmx:afterSettle", date);
document.addEventListener("submit", leaving, { capture: true });
