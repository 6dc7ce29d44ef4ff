/* What is said: of a trouble as a passing notice, or only to who listens. */

import { toastTrouble } from "../toasts.js";

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

export function trouble(error) {
  if (error.name !== "AbortError") toastTrouble({ say: error.message, door: error.door }, "trouble");
}
