/* Lists: what is in the page now, and how its parts work together. Each part is a file in lists/. */

import { Acting } from "./lists/acting.js";
import { pageAt } from "./lists/asking.js";
import { Cursor } from "./lists/cursor.js";
import { dragging } from "./lists/dragging.js";
import { counted } from "./lists/effects.js";
import { isWide, listIn, markCurrent, messageIn, opened, show, shown, useTools } from "./lists/opening.js";
import { keyOf } from "./lists/row.js";
import { Rows } from "./lists/rows.js";
import { say, trouble } from "./lists/saying.js";
import { Searching } from "./lists/searching.js";
import { Selection } from "./lists/selection.js";
import { followSidebar, refreshSidebar } from "./lists/sidebar.js";
import { closeMenusFrom } from "./menus.js";
import { focusOn } from "./shell.js";
import { sayWhatWasChanged } from "./undoing.js";

const REST = 250; // milliseconds: news come in bursts

class Lists {
  constructor() {
    this.rows = null;
    this.selection = new Selection();
    this.opening = null; // a message is on its way into the pane: whether it came
    this.choosing = null; // rows are fetched that are chosen already: whether they came
    this.resting = 0;
    this.begin();
    this.cursor = new Cursor(this);
    this.acting = new Acting(this);
    this.searching = new Searching({ found: (page) => this.found(page), toFirst: () => this.toFirst(), toList: () => this.focusRow() });
    dragging(this);
    this.listen();
    shown(false);
    this.toOpened();
  }

  /** The list that is in the page now. */
  begin() {
    this.rows?.end();
    this.rows = null;
    this.list = listIn(location.href);
    this.within = new URLSearchParams(location.search).get("in") || null;
    const list = document.getElementById("rows");
    this.selection.begin(Boolean(list?.dataset.list));
    if (!list) return;
    this.rows = new Rows(list, {
      show: (row) => this.selection.show(row), told: (page) => this.recount(page), since: () => this.selection.since, trouble,
      meant: () => this.cursor.row, left: (near) => { this.cursor.near = near; },
    });
    markCurrent(this.rows);
  }

  listen() {
    document.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target.matches("#choose input")) event.preventDefault(); });
    closeMenusFrom(document);
    document.addEventListener("keydown", (event) => this.left(event));
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("change", (event) => this.chose(event));
    document.addEventListener("lists:shown", () => { if (this.rows) markCurrent(this.rows); });
    document.addEventListener("lists:read", () => this.refreshSoon());
    document.addEventListener("news:mail", (event) => this.news(event.detail));
    document.addEventListener("news:lagging", () => this.refreshSoon());
    document.addEventListener("click", ({ target }) => { this.within = Boolean(target.closest?.("a[href^='#']")); }, true);
    addEventListener("popstate", () => this.went());
  }

  // Opening.

  clicked(event) {
    const link = event.target.closest?.("#rows a, #back-to-list, #pane a[href*='m=']");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.target || listIn(link.href) !== this.list) return;
    event.preventDefault();
    const row = link.closest("#rows > li");
    if (row) this.cursor.key = keyOf(row);
    const byKey = !event.detail || event.pointerType === ""; // Firefox counts Enter as one click
    if (row && byKey && this.cursor.enter(row)) return;
    this.open(link.href, opened() && messageIn(link.href) && isWide() ? "replace" : "push");
  }

  /** By Escape out of the message beside the list, to its row. */
  left(event) {
    const inPane = document.activeElement?.closest("#pane") && !event.target.matches("input, select, textarea");
    if (event.key === "Escape" && inPane && !event.defaultPrevented && !document.querySelector("dialog[open]")) this.cursor.back();
  }

  /** Have the pane show what `url` says; the focus goes along where the list is hidden by it, and comes back with it. */
  async open(url, history, byHand = true) {
    const opening = show(url, history, byHand).then(() => true, (error) => { trouble(error); return false; });
    this.opening = opening;
    const done = await opening;
    if (this.opening === opening) this.opening = null;
    if (!done || isWide()) return;
    if (messageIn(url)) document.getElementById("pane").focus({ preventScroll: true });
    else this.focusRow();
  }

  /** What can be done with the open message depends on what it is now; the message itself stays as it is, and where it was scrolled to. */
  async refreshTools() {
    useTools(await pageAt(location.href));
  }

  /** What is open may have been filed elsewhere, by another window or program: then it says so, and what can be done with it is another
      thing. The server knows, where the row is not in the page. */
  async followOpened() {
    const open = opened();
    const said = document.getElementById("elsewhere");
    if (!said || messageIn(location.href) !== open.key) return;
    if (this.rows?.ofOpened(open.key, open.thread) && !said.hasChildNodes()) return;
    const page = await pageAt(location.href);
    const fresh = page.getElementById("elsewhere") ?? page.getElementById("gone");
    if (!fresh || !said.isConnected || messageIn(location.href) !== open.key || said.innerHTML === fresh.innerHTML) return;
    said.replaceChildren(...fresh.childNodes);
    useTools(page);
  }

  /** Back or forward: in the same list only the pane changes. A link within the page, like that to all folders, changes nothing. */
  went() {
    const { within } = this;
    this.within = false;
    if (within) return;
    if (!this.rows || listIn(location.href) !== this.list) location.reload();
    else this.open(location.href, "");
  }

  /** To the row where the cursor is. */
  focusRow() {
    const row = (this.cursor.key && this.rows?.of(this.cursor.key)) || this.cursor.row || this.rows?.at(this.rows.view(0).first);
    focusOn(row?.querySelector("a") ?? document.getElementById("list"));
  }

  /** To the first row that is seen of the list, if there is one. */
  toFirst() {
    if (this.rows?.total) this.cursor.to(this.rows.view(0).first);
  }

  /** What is open is in view in the list, too. */
  toOpened() {
    const open = opened();
    const row = open && this.rows?.ofOpened(open.key, open.thread);
    if (row) this.rows.reveal(Number(row.dataset.place));
  }

  /** Rows have left: what was below them is next. The focus goes first, so that it is somewhere all the time. */
  async after({ place, wasOpen, hadFocus }) {
    const row = place < 0 ? null : await this.rows.reveal(Math.min(place, this.rows.total - 1));
    if (row) this.cursor.key = keyOf(row);
    if (hadFocus && isWide()) this.focusRow();
    if (wasOpen && isWide() && row) await this.open(row.querySelector("a").href, "replace");
    else if (wasOpen) await this.open(this.rows.url, "replace");
    else if (hadFocus) this.focusRow();
  }

  // Choosing.

  chose(event) {
    const { target } = event;
    if (target.id === "all") this.selection.everything(target.checked ? this.rows : null);
    else if (target.matches("#rows input[name=m]")) this.waitFor(this.selection.choose(target.closest("li"), target.checked, this.rows, this.shift));
    else return;
    this.showChoice();
  }

  /** What is done with the choice waits until it is whole. */
  waitFor(range) {
    if (!range) return;
    const whole = range.then(() => true, (error) => { trouble(error); return false; });
    this.choosing = Promise.all([this.choosing ?? true, whole]).then((all) => all.every(Boolean));
    const { choosing } = this;
    choosing.then(() => {
      if (this.choosing === choosing) this.choosing = null;
      this.showChoice();
    });
  }

  selectOnly(row) {
    this.selection.everything();
    this.selection.set(row, true);
    this.showChoice();
  }

  showChoice() {
    if (!this.rows) return;
    for (const row of this.rows.all) this.selection.show(row);
    const form = document.getElementById("choose");
    const count = this.selection.count(this.rows);
    form.classList.toggle("choosing", count > 0);
    document.getElementById("chosen-count").textContent = this.choosing ? "Selecting…" : count ? counted(count, "selected", "selected") : "";
    const all = document.getElementById("all");
    all.checked = this.selection.whole(this.rows);
    all.indeterminate = count > 0 && !all.checked;
  }

  /** Form fields for what is chosen; when nothing is: for the row where the cursor is, or what is open. */
  chosen() {
    const fields = this.selection.fields(document.getElementById("choose"), this.rows);
    if (!this.selection.empty) return fields;
    const row = this.cursor.row;
    if (row) fields.set("m", keyOf(row));
    else if (opened()) fields.set("m", opened().key);
    if (!row) fields.delete("list");
    return fields;
  }

  /** The line that says how much there is, and how far the first reading is. */
  recount(page) {
    for (const id of ["about", "reading-in"]) {
      const [old, fresh] = [document, page].map((each) => each.getElementById(id));
      if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    }
  }

  async move(to) {
    if (this.choosing && !await this.choosing) return;
    const fields = this.chosen();
    fields.set("to", to);
    this.acting.act("/do/move", fields).catch(trouble);
  }

  // Following.

  news({ arrived = 0 } = {}) {
    if (arrived) say(counted(arrived, "new message"));
    this.refreshSoon();
  }

  refreshSoon() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.refresh(), REST);
  }

  /** What the server has now: rows, and the line that counts them. */
  async refresh() {
    clearTimeout(this.resting);
    refreshSidebar();
    if (!document.getElementById("found")) return;
    try {
      if (!this.rows || !this.rows.total || !await this.rows.refresh()) this.found(await pageAt(location.href));
      this.showChoice();
      if (this.rows) markCurrent(this.rows);
      await this.followOpened();
    } catch (error) {
      trouble(error);
    }
  }

  /** Put the list of `page` where this one was. */
  found(page) {
    const fresh = page.getElementById("found");
    const old = document.getElementById("found");
    if (!fresh || !old) return;
    const focused = old.contains(document.activeElement);
    old.replaceWith(document.adoptNode(fresh));
    document.body.dataset.view = messageIn(location.href) ? "message" : "list";
    this.begin();
    refreshSidebar();
    if (focused) this.focusRow();
  }
}

followSidebar();
sayWhatWasChanged();
const lists = new Lists();

// Which rows a click with Shift is for is known only from the click: a checkbox's change does not say.
document.addEventListener("click", (event) => { lists.shift = event.shiftKey; }, true);
