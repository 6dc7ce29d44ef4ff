/* A message of the outbox that goes no further by itself is said once, wherever one is; the status line goes on saying it. */

import { toast } from "../toasts.js";

const KEPT = "pillarbox-stuck"; // those that this tab knows of, by their ids

function link(url, words) {
  const made = document.createElement("a");
  made.className = "button";
  made.href = url;
  made.textContent = words;
  return made;
}

/** Say what has happened since the last time, by the status line as it is now. */
export function sayWhatIsStuck() {
  const now = Object.assign({}, ...[...document.querySelectorAll("#status [data-stuck]")].map((line) => JSON.parse(line.dataset.stuck)));
  const known = sessionStorage.getItem(KEPT)?.split(" ");
  sessionStorage.setItem(KEPT, Object.keys(now).join(" "));
  if (!known || /^\/outbox(\/|$)/.test(location.pathname)) return; // this tab is new; or one sees it
  const fresh = Object.keys(now).filter((id) => !known.includes(id));
  if (fresh.length === 1) toast(now[fresh[0]], { action: link(`/outbox/${fresh[0]}`, "Look at it"), id: "stuck" });
  if (fresh.length > 1) toast(`${fresh.length} messages in the outbox need a look.`, { action: link("/outbox", "Look at them"), id: "stuck" });
}
