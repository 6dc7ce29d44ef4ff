/* The sidebar and the status line follow the news. Folders stay folded as they were. */

import { pageAt } from "./asking.js";
import { sayWhatIsStuck } from "./stuck.js";

const FOLDED = "pillarbox-folded";
const REST = 200; // milliseconds: news come in bursts

let resting = 0;

function folded() {
  try {
    return new Set(JSON.parse(localStorage.getItem(FOLDED) ?? "[]"));
  } catch {
    return new Set();
  }
}

function remember(event) {
  const path = event.target.dataset?.tree;
  if (!path) return;
  const now = folded();
  if (event.target.open) now.delete(path);
  else now.add(path);
  localStorage.setItem(FOLDED, JSON.stringify([...now]));
}

function fold(root) {
  const now = folded();
  for (const tree of root.querySelectorAll("details[data-tree]")) if (now.has(tree.dataset.tree)) tree.open = false;
}

/** Put what `page` says there, where it differs; the focus stays on the same link. */
function take(page) {
  for (const id of ["folders", "status"]) {
    const old = document.getElementById(id);
    const fresh = page.getElementById(id);
    if (!old || !fresh) continue;
    fold(fresh);
    if (old.innerHTML === fresh.innerHTML) continue;
    const href = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const at = old.scrollTop;
    old.replaceChildren(...fresh.childNodes);
    old.scrollTop = at;
    if (href) old.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  }
  sayWhatIsStuck();
}

async function refresh() {
  try {
    take(await pageAt(`/status?${new URLSearchParams({ here: decodeURIComponent(location.pathname) })}`));
  } catch {
    // It says so itself when it does not answer; what is shown stays.
  }
}

/** Soon: once for all that happens meanwhile. */
export function refreshSidebar() {
  clearTimeout(resting);
  resting = setTimeout(refresh, REST);
}

export function followSidebar() {
  fold(document);
  sayWhatIsStuck();
  document.addEventListener("toggle", remember, true);
  for (const kind of ["mail", "account", "outbox", "drafts", "time", "lagging"]) document.addEventListener(`news:${kind}`, refreshSidebar);
}
