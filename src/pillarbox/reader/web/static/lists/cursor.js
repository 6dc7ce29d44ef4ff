/* Moving in the list by keys: the focus is the cursor. */

import { isWide, opened } from "./opening.js";
import { keyOf, linkOf, placeOf } from "./row.js";

const REST = 150; // milliseconds on a row before it is opened: who holds j down opens only where they stop

export class Cursor {
  constructor(lists) {
    this.lists = lists;
    this.key = null; // where the cursor was last: the row may have been fetched anew,
    this.near = null; // or have left from between these
    this.resting = 0;
    document.addEventListener("key", (event) => this.onKey(event));
  }

  /** The row that keys are for: that with the focus, else that of what is open, else where the cursor was. What is open may have left
      the list: then it is none. */
  get row() {
    const { rows } = this.lists;
    if (!rows) return null;
    const focused = document.activeElement?.closest?.("#rows > li");
    const open = opened();
    return focused ?? (open ? rows.ofOpened(open.key, open.thread) : this.key && rows.of(this.key)) ?? null;
  }

  /** Where the next row is, when the one that keys were for has left; -1: nobody knows. */
  get gap() { return this.near && this.lists.rows ? this.lists.rows.gapIn(this.near) : -1; }

  onKey(event) {
    const { key } = event.detail;
    const does = { j: () => this.step(1), k: () => this.step(-1), o: () => this.open(), x: () => this.choose(), u: () => this.back() }[key];
    if (does && this.lists.rows && does() !== false) event.preventDefault();
  }

  /** To the next row (1) or the one before (-1). */
  step(by) {
    this.to(this.away(by), { open: isWide() || document.body.dataset.view === "message" });
  }

  /** The place that is so far away. */
  away(by) {
    const { rows } = this.lists;
    const row = this.row ?? (this.key && rows.of(this.key));
    if (row) return placeOf(row) + by;
    const { gap } = this;
    if (gap < 0) return rows.view(0).first;
    return by > 0 ? gap : gap - 1;
  }

  /** To the row at `place`; `open` it after a short rest. */
  async to(place, { open = false, focus = true } = {}) {
    const row = await this.lists.rows?.reveal(place);
    if (!row) return;
    this.key = keyOf(row);
    if (focus) linkOf(row).focus({ preventScroll: true });
    clearTimeout(this.resting);
    if (open) this.resting = setTimeout(() => this.lists.open(linkOf(row).href, opened() ? "replace" : "push"), REST);
  }

  open() {
    const row = this.row;
    if (!row || document.activeElement?.closest("#pane, #side")) return false;
    clearTimeout(this.resting);
    this.lists.open(linkOf(row).href, opened() && isWide() ? "replace" : "push");
    return true;
  }

  choose() {
    const row = this.row;
    if (!row) return false;
    const box = row.querySelector("input[name=m]");
    box.click();
    this.key = keyOf(row);
    return true;
  }

  back() {
    if (!isWide()) return false; // the link "back" is clicked
    const row = this.row;
    if (row) this.to(Number(row.dataset.place));
    return Boolean(row);
  }
}
