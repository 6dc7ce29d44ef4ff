/* Writing: what the page of a draft does by itself. Without it, its buttons do the same. */

import { attachFiles } from "./writing-files.js";
import { keepDraft } from "./writing-draft.js";
import { completePeople } from "./writing-people.js";
import { sayWhatWasDone } from "./writing-done.js";

document.documentElement.classList.add("scripted");
sayWhatWasDone();

function begin({ focus = true } = {}) {
  const form = document.getElementById("compose");
  if (!form || form.dataset.begun) return;
  form.dataset.begun = "yes";
  const keeper = keepDraft(form, begin);
  attachFiles(form, keeper);
  for (const field of form.querySelectorAll("[data-complete]")) completePeople(field);
  if (!focus) return;
  const empty = [...form.querySelectorAll("#to, #subject")].find((field) => !field.value);
  const wrong = form.querySelector("[aria-invalid=true], [role=alert] button");
  (wrong ?? empty ?? form.querySelector("#text")).focus({ preventScroll: !wrong });
}

begin();
/* A link within our own pages was meant: it need not be confirmed again. Who comes from the door may have followed anybody's. */
const link = document.querySelector("form[data-mailto]");
const ours = document.referrer.startsWith(`${location.origin}/`) && new URL(document.referrer).pathname !== "/login";
if (link && ours) link.requestSubmit();
