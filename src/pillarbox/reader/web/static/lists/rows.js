/* The list as a window: as tall as all rows, with those near the view in it. Pages are fetched as they come into view,
   given up when they are scrolled past, and dropped when they are far away. A row keeps its state (chosen, open, focus)
   by its message, wherever it goes. */

import { focusOn } from "../shell.js";
import { anchorOf, hold } from "./anchor.js";
import { afterRemoval, baseOf, inView, pagesOf, rowsFrom, toReveal } from "./geometry.js";
import { rowsAt } from "./asking.js";
import { showPager } from "./pager.js";
import { following, keyOf, placeOf, same } from "./row.js";

const KEEP = 200; // rows on either side that stay: scrolling back a little fetches nothing
const TOGETHER = 4; // pages that are fetched at once when many are wanted
const PAUSE = 60; // milliseconds between looks while scrolling: what only flies past is not fetched

export class Rows {
  /** `show(row)` is called for each row that comes, before it is seen; `told(page)` for each page that was fetched; `since()` is the
      moment of which rows are to say whether they have come later; `trouble(error)` is for when one cannot be had. `meant()` is the row
      that keys are for; `left(near)` is called when the list has it no more: see `near`. */
  constructor(list, { show, told, since, trouble, meant, left }) {
    this.list = list;
    this.scroller = list.parentElement;
    this.show = show;
    this.trouble = trouble;
    this.meant = meant;
    this.left = left;
    this.url = list.dataset.url;
    this.fetched = (first, signal) => rowsAt(this.url, { first, since: since(), signal, told });
    this.folder = list.dataset.list ?? null;
    this.step = Number(list.dataset.step);
    this.total = Number(list.dataset.total);
    this.uncounted = "more" in list.dataset;
    this.moment = Number(list.dataset.moment); // what has come later may not be in the page
    this.base = baseOf(Number(list.dataset.first));
    this.rows = new Map();
    this.loading = new Map();
    this.top = 0;
    this.timer = 0;
    this.held = 0; // changes that the server does not know yet: what it says now is not what will be
    this.begin();
  }

  begin() {
    const { list, scroller } = this;
    list.classList.add("windowed");
    for (const row of list.children) this.rows.set(placeOf(row), row);
    this.measure();
    scroller.scrollTop = (Number(list.dataset.first) - this.base) * this.height;
    this.top = scroller.scrollTop;
    for (const row of list.children) this.show(row);
    showPager(this);
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.watcher = new ResizeObserver(() => this.resized());
    this.watcher.observe(scroller);
  }

  /** It is replaced by another. */
  end() {
    this.watcher.disconnect();
    clearTimeout(this.timer);
    for (const controller of this.loading.values()) controller.abort();
  }

  // Where rows are.

  measure() {
    const row = this.list.firstElementChild;
    if (row?.offsetHeight) this.height = row.offsetHeight;
    this.height ||= 76;
    this.list.style.height = `${rowsFrom(this.base, this.total) * this.height}px`;
    for (const [place, each] of this.rows) this.put(place, each);
  }

  put(place, row) {
    row.dataset.place = place;
    row.style.top = `${(place - this.base) * this.height}px`;
    row.setAttribute("aria-posinset", place + 1);
    row.setAttribute("aria-setsize", this.uncounted ? -1 : this.total);
  }

  resized() {
    const { scroller } = this;
    if (!scroller.clientHeight) return;
    const before = this.height;
    this.measure();
    // A list that was hidden comes back where it was; one whose rows have another height shows the same ones.
    scroller.scrollTop = this.top * (this.height / before);
    this.look();
  }

  scrolled() {
    if (!this.scroller.clientHeight) return;
    this.top = this.scroller.scrollTop;
    this.timer ||= setTimeout(() => { this.timer = 0; this.look(); }, PAUSE);
  }

  view(margin = this.scroller.clientHeight) {
    return inView({ top: this.top, height: this.scroller.clientHeight, row: this.height, base: this.base, total: this.total, margin });
  }

  // What is there.

  at(place) { return this.rows.get(place); }

  get all() { return [...this.rows.values()]; }

  of(key) { return this.all.find((row) => keyOf(row) === key); }

  place(key) {
    const row = this.of(key);
    return row ? placeOf(row) : -1;
  }

  /** The row of an open message: its own, or that of its thread. */
  ofOpened(key, thread) {
    return this.of(key) ?? (this.folder ? this.all.find((row) => row.dataset.thread === thread) : undefined);
  }

  /** Which rows are around `row`: their keys, nearest first. */
  near(row) {
    const keys = [...this.list.children].map(keyOf);
    const at = keys.indexOf(keyOf(row));
    return { before: keys.slice(0, at).reverse(), after: keys.slice(at + 1) };
  }

  /** The place of a row that has left from between those of `near`: that of the first after it. -1: none of them is in the page. */
  gapIn({ before, after }) {
    const places = new Map(this.all.map((row) => [keyOf(row), placeOf(row)]));
    const [next, last] = [after, before].map((keys) => keys.find((key) => places.has(key)));
    return places.get(next) ?? (places.get(last) ?? -2) + 1;
  }

  // Fetching.

  look() {
    if (this.held) return;
    const view = this.view();
    const pages = pagesOf(view, this.step);
    for (const [page, controller] of this.loading) {
      if (!pages.includes(page)) { controller.abort(); this.loading.delete(page); }
    }
    for (const page of pages) if (!this.whole(page)) this.load(page);
    this.drop(view);
  }

  whole(page) {
    const end = Math.min(page + this.step, this.base + rowsFrom(this.base, this.total));
    for (let place = page; place < end; place += 1) if (!this.rows.has(place)) return false;
    return true;
  }

  drop({ first, end }) {
    for (const [place, row] of this.rows) {
      const near = place >= first - KEEP && place < end + KEEP;
      if (near || row.contains(document.activeElement)) continue;
      row.remove();
      this.rows.delete(place);
    }
  }

  async load(page) {
    if (this.loading.has(page)) return this.loading.get(page).done;
    const controller = new AbortController();
    this.loading.set(page, controller);
    controller.done = this.fetched(page, controller.signal)
      .then((list) => { if (list && !controller.signal.aborted) this.take(list); })
      .catch((error) => { if (error.name !== "AbortError") this.trouble(error); })
      .finally(() => { if (this.loading.get(page) === controller) this.loading.delete(page); });
    return controller.done;
  }

  /** Rows from place `first` up to `end` in their order, and those of the same pages around them; they do not come into the page. */
  async between(first, end) {
    const pages = pagesOf({ first, end }, this.step);
    let lists;
    let tries = 0;
    do { // until nothing has come or left between the first and the last of them
      lists = [];
      for (let at = 0; at < pages.length; at += TOGETHER) {
        lists.push(...await Promise.all(pages.slice(at, at + TOGETHER).map((page) => this.fetched(page))));
      }
      tries += 1;
    } while (tries < 3 && new Set(lists.map((list) => list?.dataset.total)).size > 1);
    return lists.flatMap((list) => (list ? [...list.children] : []));
  }

  /** Rows that keys are for may be replaced: then the new one has the focus. One that has left has no successor, as the next key
      would be for what nobody has chosen: the focus is on the list then. */
  take(...lists) {
    const old = this.meant();
    const near = old && this.near(old);
    const part = old?.contains(document.activeElement) && (document.activeElement.matches("input") ? "input" : "a");
    for (const list of lists) {
      this.count(list);
      for (const row of [...list.children]) this.accept(placeOf(row), row);
    }
    const row = old && this.ofOpened(keyOf(old), old.dataset.thread);
    if (old && !row) this.left(near);
    if (part && !this.list.contains(document.activeElement)) focusOn(row?.querySelector(part) ?? document.getElementById("list"));
  }

  count(list) {
    const total = Number(list.dataset.total);
    const uncounted = "more" in list.dataset;
    if (total === this.total && uncounted === this.uncounted) return;
    this.total = total;
    this.uncounted = uncounted;
    for (const [place, row] of [...this.rows]) if (place >= total) this.forget(row);
    this.measure();
    showPager(this);
  }

  accept(place, row) {
    const old = this.at(place);
    if (old && same(old, row)) return;
    const elsewhere = this.of(keyOf(row));
    if (elsewhere) this.forget(elsewhere);
    if (old) this.forget(old);
    const adopted = document.adoptNode(row);
    this.rows.set(place, adopted);
    this.put(place, adopted);
    this.list.insertBefore(adopted, following(this.list, place));
    this.show(adopted);
  }

  forget(row) {
    if (this.rows.get(placeOf(row)) === row) this.rows.delete(placeOf(row));
    row.remove();
  }

  /** Look at the server's list again: what one sees stays where it is, unless one is at the top. False: it is empty. */
  async refresh() {
    const anchor = anchorOf(this);
    const pages = pagesOf(this.view(0), this.step);
    const lists = await Promise.all((pages.length ? pages : [this.base]).map((page) => this.fetched(page)));
    if (lists.some((list) => !list)) return false;
    const listed = (place) => pages.includes(Math.floor(place / this.step) * this.step);
    for (const [place, row] of [...this.rows]) {
      if (!listed(place) && !row.contains(document.activeElement)) this.forget(row);
    }
    this.take(...lists);
    this.moment = Math.min(...lists.map(({ dataset }) => Number(dataset.moment)));
    hold(this, anchor);
    this.look();
    return true;
  }

  // Changes that do not wait for the server.

  /** Take rows out; the others close up. Returns the places that have become free, and what puts all back. */
  remove(keys) {
    const before = { rows: new Map(this.rows), total: this.total };
    const leaving = new Set(keys.map((key) => this.of(key)).filter(Boolean));
    const gone = [...leaving].map(placeOf).sort((one, other) => one - other);
    this.rows = new Map();
    for (const [place, row] of before.rows) {
      if (leaving.has(row)) row.remove();
      else this.rows.set(afterRemoval(place, gone), row);
    }
    this.total -= gone.length;
    this.measure();
    return { gone, putBack: () => this.putBack(before) };
  }

  putBack({ rows, total }) {
    this.rows = rows;
    this.total = total;
    this.list.replaceChildren(...[...rows].sort(([one], [other]) => one - other).map(([, row]) => row));
    this.measure();
    for (const row of rows.values()) this.show(row);
  }

  /** The row at `place`, in view; undefined: there is none. */
  async reveal(place) {
    if (place < this.base || place >= this.base + rowsFrom(this.base, this.total)) return undefined;
    const at = (place - this.base) * this.height;
    const by = toReveal({ at, row: this.height, top: this.top, height: this.scroller.clientHeight });
    if (by && this.scroller.clientHeight) { this.scroller.scrollTop += by; this.top = this.scroller.scrollTop; }
    if (!this.at(place)) await this.load(Math.floor(place / this.step) * this.step);
    return this.at(place);
  }
}
