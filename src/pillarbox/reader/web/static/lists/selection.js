/* Which rows are chosen: some, or all of the list but some, as the page knew it then: what comes later is not chosen, unless by hand.
   By message, as rows come and go; where a row is a thread, by its thread, whose latest message may be another one tomorrow. */

import { isNew, keyOf, placeOf } from "./row.js";

const AT_MOST = 10_000; // rows between two that are chosen together: as many as go at once

export class Selection {
  constructor() {
    this.chosen = new Map(); // what a row is known by: the message that stands for it
    this.all = false; // then `chosen` are those that are not,
    this.also = new Map(); // these are some that have come since,
    this.since = 0; // this moment,
    this.total = 0; // and so many rows there were
    this.begin(false);
  }

  /** With another list; in one of `threads` a row is one. */
  begin(threads) {
    this.threads = threads;
    this.last = null; // the row that was clicked last: {id, place}
    this.everything();
  }

  idOf(row) { return this.threads ? row.dataset.thread : keyOf(row); }

  get empty() { return !this.all && !this.chosen.size; }

  /** Whether it is none of all. */
  late(row) { return this.all && isNew(row); }

  has(row) {
    const id = this.idOf(row);
    return this.late(row) ? this.also.has(id) : this.all !== this.chosen.has(id);
  }

  set(row, on) {
    const late = this.late(row);
    const apart = late ? this.also : this.chosen;
    if (on === (this.all && !late)) apart.delete(this.idOf(row));
    else apart.set(this.idOf(row), keyOf(row));
  }

  /** All of `rows`, or (null) none. */
  everything(rows = null) {
    this.all = Boolean(rows);
    this.since = rows?.moment ?? 0;
    this.total = rows?.total ?? 0;
    for (const row of rows?.all ?? []) delete row.dataset.came;
    this.chosen.clear();
    this.also.clear();
    this.turn = {}; // what was begun before is for another choice
  }

  /** How many of `rows` are chosen. */
  count(rows) {
    if (!this.all) return this.chosen.size;
    const total = rows.uncounted ? rows.total : Math.min(rows.total, this.total);
    return Math.max(0, total - this.chosen.size) + this.also.size;
  }

  /** Whether all of `rows` are. */
  whole(rows) { return this.all && !this.chosen.size && rows.all.every((row) => this.has(row)); }

  /** A row was clicked or chosen by key. With Shift, all between it and the last one are as it is, also those that are not in the
      page: then a promise, which is broken when these cannot be had. */
  choose(row, on, rows, wide) {
    const one = { id: this.idOf(row), place: placeOf(row) };
    const other = wide ? this.last : null;
    this.last = one;
    this.set(row, on);
    return other && this.range(one, other, on, rows);
  }

  async range(one, other, on, rows) {
    const { turn } = this;
    const there = rows.all.find((row) => this.idOf(row) === other.id);
    const places = [one.place, there ? placeOf(there) : other.place];
    const [first, last] = [Math.min(...places), Math.max(...places)];
    if (last - first >= AT_MOST) throw new Error(`At most ${AT_MOST.toLocaleString("en")} go at once, and there are more between these two.`);
    const near = await rows.between(first, last + 1);
    if (this.turn !== turn) return; // another list, or another choice
    // Where they are now, as mail may have come meanwhile; where they were, if they have left.
    const ends = [one, other].map(({ id }) => near.findIndex((row) => this.idOf(row) === id));
    const chosen = ends.includes(-1)
      ? near.filter((row) => placeOf(row) >= first && placeOf(row) <= last)
      : near.slice(Math.min(...ends), Math.max(...ends) + 1);
    for (const row of chosen) this.set(row, on);
  }

  show(row) {
    for (const apart of [this.chosen, this.also]) if (apart.has(this.idOf(row))) apart.set(this.idOf(row), keyOf(row));
    const on = this.has(row);
    row.querySelector("input[name=m]").checked = on;
    row.classList.toggle("chosen", on);
  }

  /** Form fields that say it. */
  fields(form, rows) {
    const said = new URLSearchParams();
    for (const name of ["list", "q", "in"]) if (form.elements[name]) said.set(name, form.elements[name].value);
    said.set("seen", rows.moment);
    if (this.all) said.set("all", this.since);
    for (const key of this.chosen.values()) said.append(this.all ? "but" : "m", key);
    for (const key of this.also.values()) said.append("m", key);
    return said;
  }
}
