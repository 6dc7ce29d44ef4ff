/* News from the reader, as DOM events of the document: news:mail {folders, arrived}, news:account {account, state},
   news:outbox, news:drafts, news:draft {draft, version}, news:lagging (anything may have happened: look again at everything); and of itself
   news:time ("2 minutes ago" has to be said anew).

   Only a page that is seen listens: a browser gives a site six connections, and a hidden tab needs none. What it
   missed meanwhile it does not know, so it is told "lagging" when it is seen again. What happened while the page was on
   its way the server knows, by how much had been told when it made the page. */

import { SIGNED_OUT, toast, toastTrouble } from "./toasts.js";

const KINDS = ["mail", "account", "outbox", "drafts", "draft", "lagging"];
const EVERY = 30_000; // milliseconds
const GONE = "Pillarbox was ended, or does not answer. Start it again with: pillarbox read";
const ENDED = "This page is not signed in any more. Open it again with: pillarbox read";
const DOOR = document.querySelector('meta[name="door"]'); // where the password is asked for, and what to say then; null: there is none

let source = null;
let missed = false;
let noted = null;

function tell(kind, detail = {}) {
  document.dispatchEvent(new CustomEvent(`news:${kind}`, { detail }));
}

function open() {
  const told = document.querySelector('meta[name="told"]')?.content ?? "";
  source = new EventSource(`/events?after=${encodeURIComponent(told)}`);
  for (const kind of KINDS) source.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data)));
  source.addEventListener("open", () => {
    noted?.remove();
    noted = null;
    document.getElementById(SIGNED_OUT)?.remove();
    if (missed) tell("lagging");
    missed = false;
  });
  source.addEventListener("error", () => {
    missed = true;
    const final = source?.readyState === EventSource.CLOSED;
    if (final) noted?.remove(); // it answers
    if (!noted?.isConnected) noted = final ? toastTrouble({ say: DOOR?.dataset.say ?? ENDED, door: DOOR?.content }, "no-answer") : toast(GONE, { id: "no-answer" });
    if (final) close();
  });
}

function close() {
  source?.close();
  source = null;
}

function follow() {
  if (document.visibilityState === "visible") {
    if (!source) open();
  } else if (source) {
    close();
    missed = true;
  }
}

setInterval(() => { if (document.visibilityState === "visible") tell("time"); }, EVERY);
document.addEventListener("visibilitychange", follow);
addEventListener("pagehide", close);
addEventListener("pageshow", follow);
addEventListener("focus", follow); // one has signed in in the window beside it
// Not before all scripts listen: modules run one after the other, and this is not the last.
if (document.readyState === "complete") follow();
else document.addEventListener("DOMContentLoaded", follow);
