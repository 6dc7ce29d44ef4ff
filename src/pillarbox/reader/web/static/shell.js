/* What every page does: the token for changes, which pane is shown, where the focus is, and troubles said. */

import { toast, toastTrouble } from "./toasts.js";

const csrf = () => document.querySelector('meta[name="csrf"]').content;

/** A POST as forms send it, with the token. `fields`: an object, URLSearchParams or FormData; `options`: of fetch(). */
export function post(url, fields = {}, options = {}) {
  const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
  return fetch(url, { method: "POST", body, headers: { "X-CSRF": csrf(), "HX-Request": "true" }, ...options });
}

/** List or message, where there is room for one of them: the URL says which (as the server does). */
function chooseView() {
  document.body.dataset.view = new URLSearchParams(location.search).get("m") ? "message" : "list";
}

/* Focus is never lost: when its element leaves with a swap, it goes to what has come for it (same id), else to the
   part of the page in which it was. */
let before = null;

function rememberFocus() {
  const focused = document.activeElement;
  if (!focused || focused === document.body) return;
  const part = focused.closest("#list, #pane, #folders, #main, #side");
  before = { focused, id: focused.id, part: part?.id ?? "main" };
}

function restoreFocus() {
  if (!before) return;
  const { focused, id, part } = before;
  before = null;
  if (focused.isConnected || (document.activeElement && document.activeElement !== document.body)) return;
  const successor = (id && document.getElementById(id)) || document.getElementById(part) || document.getElementById("main");
  if (successor) focusOn(successor);
}

/** Put `fresh` in the place of `old`, as a swap of htmx does. */
export function replace(old, fresh) {
  rememberFocus();
  old.replaceWith(fresh);
  htmx.process(fresh);
  restoreFocus();
}

/** The focus goes to `element`, also if that is a part of the page only. */
export function focusOn(element) {
  if (!element.matches("a[href], button, input, select, textarea, [tabindex]")) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

/* The list of folders, where it is shown over the page, goes away by Escape and by a click beside it; the focus is where it was opened. */
function closeFolders(event) {
  const side = document.querySelector("#side:target");
  const close = side?.querySelector(".side-close");
  const wanted = event.type === "keydown" ? event.key === "Escape" : !side?.contains(event.target);
  if (!close?.checkVisibility() || event.target === close || !wanted || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  addEventListener("hashchange", () => {
    [...document.querySelectorAll("a[href='#side']")].find((link) => link.checkVisibility())?.focus();
  }, { once: true });
  close.click();
}

function say(event) {
  toastTrouble(event.detail);
}

function notAnswered() {
  toast("Pillarbox does not answer. If it was ended, start it again with: pillarbox read", { id: "no-answer" });
}

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF"] = csrf();
});
document.addEventListener("htmx:beforeSwap", rememberFocus);
document.addEventListener("htmx:afterSettle", restoreFocus);
document.addEventListener("htmx:pushedIntoHistory", chooseView);
document.addEventListener("htmx:replacedInHistory", chooseView);
document.addEventListener("htmx:historyRestore", chooseView);
document.addEventListener("htmx:sendError", notAnswered);
document.addEventListener("trouble", say);
document.addEventListener("said", say);
addEventListener("popstate", chooseView);
for (const kind of ["click", "keydown"]) document.addEventListener(kind, closeFolders, true);
