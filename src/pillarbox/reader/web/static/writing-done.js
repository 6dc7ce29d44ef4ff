/* What was done on the page before, said on the next one, with a way back. */

import { STAYS, toast } from "./toasts.js";

const NAME = "writing-done";

/** Go to `url`, and say there `say`, in which `{left}` are the seconds that are left; `undo`: the URL of a POST that takes it back,
 * and `seconds` for how long that can be done, also on the pages after that one. */
export function leaveFor(url, say, undo = "", seconds = 0) {
  sessionStorage.setItem(NAME, JSON.stringify({ say, undo, stays: seconds * 1000 || STAYS, since: Date.now() }));
  location.assign(url);
}

function undoForm(url) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = url;
  const token = document.createElement("input");
  token.type = "hidden";
  token.name = "csrf";
  token.value = document.querySelector('meta[name="csrf"]').content;
  const button = document.createElement("button");
  button.className = "button quiet";
  button.dataset.key = "z";
  button.textContent = "Undo";
  form.append(token, button);
  return form;
}

/** Once it is taken back, by whatever form, it cannot be again. What cannot be undone was done last then: Undo must not take back
 * what was done before it. */
function forget(event) {
  const { undo } = JSON.parse(sessionStorage.getItem(NAME) ?? "{}");
  const url = event.submitter?.getAttribute("formaction") ?? event.target.getAttribute("action") ?? "";
  if (event.target.hasAttribute("data-final")) sessionStorage.removeItem(NAME);
  else if (undo && new URL(url, location).pathname === undo) sessionStorage.removeItem(NAME);
}

export function sayWhatWasDone() {
  const { say, undo, stays, since } = JSON.parse(sessionStorage.getItem(NAME) ?? "{}");
  const left = since + stays - Date.now();
  const said = left > 0 && left <= stays;
  if (!undo || !said) sessionStorage.removeItem(NAME);
  if (!said) return;
  const words = say.replace("{left}", Math.ceil(left / 1000));
  toast(words, { action: undo ? undoForm(undo) : null, id: "writing-done", stays: left, since });
}

document.addEventListener("submit", forget, { capture: true });
