/* Searching as one types: the list is replaced, the page and what is open in it stay. */

import { pageAt } from "./asking.js";
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

export class Searching {
  /** `found(page)` puts the list of a page where the other one was. */
  constructor(found) {
    this.found = found;
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

  submitted(event) {
    if (event.target.id !== "search") return;
    event.preventDefault();
    clearTimeout(this.resting);
    this.search(event.target);
  }

  onKey(event) {
    if (event.target.id !== "q" || event.isComposing) return;
    if (event.key === "ArrowDown") document.querySelector("#rows a")?.focus();
    else if (event.key === "Escape" && event.target.value) { event.target.value = ""; this.later(event.target.form); }
    else return;
    event.preventDefault();
  }

  async search(form) {
    const url = searchUrl(form);
    if (url === location.pathname + location.search) return;
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      const page = await pageAt(url, this.asking.signal);
      // One entry of the history for a search, however long it was typed.
      if (location.pathname === "/search") history.replaceState({}, "", url);
      else history.pushState({}, "", url);
      document.title = page.title;
      this.found(page);
      clearTimeout(this.heard);
      this.heard = setTimeout(() => say(document.getElementById("about")?.textContent ?? ""), HEARD);
    } catch (error) {
      trouble(error);
    }
  }
}
