/* What was done on the page before, said on the next one, with a way back. */

import { toast } from "./toasts.js";

const NAME = "writing-done";

/** Go to `url`, and say there `say`; `undo`: the URL of a POST that takes it back, and `seconds` for how long that can be done. */
export function leaveFor(url, say, undo = "", seconds = 0) {
  sessionStorage.setItem(NAME, JSON.stringify({ say, undo, stays: seconds * 1000 || undefined, since: Date.now() }));
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

export function sayWhatWasDone() {
  const done = sessionStorage.getItem(NAME);
  sessionStorage.removeItem(NAME);
  if (!done) return;
  const { say, undo, stays, since } = JSON.parse(done);
  toast(say, { action: undo ? undoForm(undo) : null, id: "writing-done", stays, since });
}
