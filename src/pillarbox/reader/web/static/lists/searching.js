/* Searching as one types: the list is replaced, the page and what is open in it stay. Enter goes to what was found, Escape (in an
   empty field) back to the list: there keys are for messages again. */

import { pageAt } from "./asking.js";
import { isWide, listIn, opened } from "./opening.js";
import { say, trouble } from "./saying.js";

const REST = 120; // milliseconds after a key before it is searched for
const HEARD = 800; // and before it is said how much was found: not for each letter

/** The URL for what the form says; that of the folder when nothing is searched for. */
export function searchUrl(form) {
  const fields = new FormData(form);
  const query = fields.get("q").trim();
  if (!query) return form.dataset.folderUrl;
  const asked = new URLSearchParams({ q: query });
  if (fields.get("in")) asked.set("in", fields.get("in"));
  return `/search?${asked}`;
}

/** What is open beside the list stays so, whatever list it is. */
function withOpened(url) {
  const open = isWide() && opened();
  return open ? `${url}${url.includes("?") ? "&" : "?"}${new URLSearchParams({ m: open.key })}` : url;
}

export class Searching {
  /** `found(page)` puts the list of a page where the other one was; `toFirst()` and `toList()` go there: to its first row in view, and to
      where one was. */
  constructor({ found, toFirst, toList }) {
    this.found = found;
    this.toFirst = toFirst;
    this.toList = toList;
    this.resting = 0;
    this.heard = 0;
    this.asking = null;
    document.addEventListener("input", (event) => { if (event.target.form?.id === "search") this.later(event.target.form); });
    document.addEventListener("submit", (event) => this.submitted(event));
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  later(form) {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.search(form), REST);
  }

  async submitted(event) {
    const form = event.target;
    if (form.id !== "search") return;
    event.preventDefault();
    clearTimeout(this.resting);
    const { q } = form.elements;
    const asked = q.value;
    // Who goes on typing, or has gone elsewhere, stays there.
    if (await this.search(form) && q.value === asked && document.activeElement === q) this.toFirst();
  }

  onKey(event) {
    const { target, key } = event;
    if (event.isComposing || !target.closest?.("#search")) return;
    if (target.id === "q" && key === "ArrowDown") this.toFirst();
    else if (target.id === "q" && key === "Escape" && target.value) { target.value = ""; this.later(target.form); }
    else if (key === "Escape") this.toList();
    else return;
    event.preventDefault();
  }

  /** Whether the list is what the form says now. */
  async search(form) {
    const url = searchUrl(form);
    this.asking?.abort();
    if (listIn(url) === listIn(location.href)) return true;
    this.asking = new AbortController();
    try {
      const page = await pageAt(url, this.asking.signal);
      // One entry of the history for a search, however long it was typed.
      if (location.pathname === "/search") history.replaceState({}, "", withOpened(url));
      else history.pushState({}, "", withOpened(url));
      document.title = page.title;
      this.found(page);
      clearTimeout(this.heard);
      this.heard = setTimeout(() => say(document.getElementById("about")?.textContent ?? ""), HEARD);
      return true;
    } catch (error) {
      trouble(error);
      return false;
    }
  }
}
