/* Moving in the list by keys: the focus is the cursor. */

import { act, controlFor } from "../keys.js";
import { focusOn } from "../shell.js";
import { isWide, messageIn, opened } from "./opening.js";
import { keyOf, linkOf, placeOf } from "./row.js";

const REST = 150; // milliseconds on a row before it is opened: who holds j down opens only where they stop

const MARKS = new Set(["s", "Shift+u"]); // keys for one message, whatever its row stands for
const SCREEN = 0.9; // of what is seen is scrolled at once: one sees where one was

const ON_LETTER = new Set(["r", "a", "f"]); // keys for what is open
const ON_ROW = new Set(["e", "#", "m", "s", "Shift+u"]); // and those for the row with the focus, or for what is open if there is none

export class Cursor {
  constructor(lists) {
    this.lists = lists;
    this.key = null; // where the cursor was last: the row may have been fetched anew,
    this.near = null; // or have left from between these
    this.resting = 0;
    this.next = null; // URL of the row that is opened after the rest
    this.moving = null; // the way to a row that may have to be fetched
    this.turn = null; // the key that waits
    document.addEventListener("key", (event) => this.onKey(event));
  }

  /** The row that keys are for: that with the focus, else that of what is open, else where the cursor was. What is open may have left
      the list: then it is none. */
  get row() {
    const { rows } = this.lists;
    if (!rows) return null;
    const open = this.isAhead ? null : opened();
    return this.focused ?? (open ? rows.ofOpened(open.key, open.thread) : this.key && rows.of(this.key)) ?? null;
  }

  get focused() { return document.activeElement?.closest?.("#rows > li") ?? null; }

  /** URL of what is to be open. */
  get wanted() { return this.next ?? location.href; }

  /** Whether that is on its way yet, or did not come: then something else is open. */
  get isAhead() {
    const wanted = messageIn(this.wanted);
    return Boolean(wanted) && opened()?.key !== wanted && Boolean(this.next || this.lists.opening || opened());
  }

  /** Where the next row is, when the one that keys were for has left; -1: nobody knows. */
  get gap() { return this.near && this.lists.rows && !this.row ? this.lists.rows.gapIn(this.near) : -1; }

  onKey(event) {
    const { key } = event.detail;
    this.turn = null;
    if (this.isEarly(key)) {
      event.preventDefault();
      this.wait(key);
      return;
    }
    const does = { j: () => this.step(1), k: () => this.step(-1), o: () => this.open(), x: () => this.choose(), u: () => this.back(), Space: () => this.scroll(1), "Shift+Space": () => this.scroll(-1) }[key];
    if (does && this.lists.rows && does() !== false) event.preventDefault();
  }

  /** Whether `key` is for what is open, and that is another one yet than what one has come to. */
  isEarly(key) {
    if (!this.lists.rows || !(ON_LETTER.has(key) || ON_ROW.has(key) && !this.focused)) return false;
    return Boolean(this.moving) || this.isAhead;
  }

  /** Open at once what one has come to, and then do what `key` stands for; unless another key comes first. */
  async wait(key) {
    const turn = {};
    this.turn = turn;
    await this.moving;
    const wanted = messageIn(this.wanted);
    if (this.next) await this.arrive();
    else if (opened()?.key !== wanted) await (this.lists.opening ?? this.lists.open(location.href, ""));
    if (this.turn === turn && opened()?.key === wanted && messageIn(this.wanted) === wanted) act(key);
  }

  /** Open what one has come to. */
  arrive() {
    const url = this.next;
    this.rest();
    return this.lists.open(url, opened() ? "replace" : "push");
  }

  /** Open `url` after a short rest; without one: nothing. */
  rest(url = null) {
    clearTimeout(this.resting);
    this.next = url;
    if (url) this.resting = setTimeout(() => this.arrive(), REST);
  }

  /** What does in the pane what `key` stands for, when that is for the open message alone: its row is of a conversation, and stands for
      another one of it; or it has none. null: it is for the row, or for what is selected. */
  inPane(key) {
    const { rows, selection } = this.lists;
    const open = opened();
    const { row } = this;
    if (!open || this.isAhead || !selection.empty) return null;
    const pane = document.getElementById("pane");
    const other = Boolean(row) && row === rows.ofOpened(open.key, open.thread) && keyOf(row) !== open.key;
    const alone = !row || other && (MARKS.has(key) || pane.contains(document.activeElement));
    return alone ? controlFor(key, pane) ?? null : null;
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
    const moving = this.lists.rows?.reveal(place);
    this.moving = moving;
    const row = await moving;
    if (this.moving === moving) this.moving = null;
    if (!row) return;
    this.key = keyOf(row);
    if (focus) linkOf(row).focus({ preventScroll: true });
    this.rest(open ? linkOf(row).href : null);
  }

  open() {
    const row = this.row;
    if (!row || document.activeElement?.closest("#pane, #side")) return false;
    if (this.enter(row)) return true;
    this.rest();
    this.lists.open(linkOf(row).href, opened() && isWide() ? "replace" : "push");
    return true;
  }

  /** Into the message beside the list, if it is the one of `row`: keys that scroll are for it then. */
  enter(row) {
    if (!isWide() || this.isAhead || opened()?.key !== keyOf(row)) return false;
    focusOn(document.getElementById("pane"));
    return true;
  }

  /** Show more of what is open, or (-1) what was before. Where the focus is in it, the browser does that. */
  scroll(by) {
    const pane = document.getElementById("pane");
    if (!opened() || pane.contains(document.activeElement)) return false;
    pane.scrollBy({ top: by * pane.clientHeight * SCREEN });
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
