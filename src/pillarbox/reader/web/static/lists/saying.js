/* What is said: to everybody as a passing notice, or only to who listens. */

import { toast } from "../toasts.js";

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

/** Something was done; it can be undone if the change has an id. */
export function changed({ id, say: text }) {
  toast(text, { id: "changed", action: id ? undoButton(id) : null });
}

export function trouble(error) {
  if (error.name !== "AbortError") toast(error.message, { id: "trouble" });
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
