/* Which rows are chosen: some, or all of the list but some. By message, as rows come and go. */

import { keyOf } from "./row.js";

export class Selection {
  constructor() {
    this.keys = new Set();
    this.all = false; // then `keys` are those that are not chosen
    this.last = null;
  }

  get empty() { return !this.all && !this.keys.size; }

  has(key) { return this.all !== this.keys.has(key); }

  set(key, on) {
    if (on === this.all) this.keys.delete(key);
    else this.keys.add(key);
  }

  everything(on) {
    this.all = on;
    this.keys.clear();
  }

  /** How many of `total` are chosen. */
  count(total) { return this.all ? Math.max(0, total - this.keys.size) : this.keys.size; }

  /** A row was clicked or chosen by key; with Shift, all between it and the last one are as it is. */
  choose(row, on, rows, wide) {
    const place = rows.place(keyOf(row));
    const from = wide && this.last !== null ? rows.place(this.last) : -1;
    const those = from >= 0 ? rows.between(from, place) : [row];
    for (const each of those) this.set(keyOf(each), on);
    this.last = keyOf(row);
  }

  show(row) {
    const on = this.has(keyOf(row));
    row.querySelector("input[name=m]").checked = on;
    row.classList.toggle("chosen", on);
  }

  /** Form fields that say it. */
  fields(form) {
    const said = new URLSearchParams();
    for (const name of ["list", "q", "in"]) if (form.elements[name]) said.set(name, form.elements[name].value);
    if (this.all) said.set("all", "1");
    for (const key of this.keys) said.append(this.all ? "but" : "m", key);
    return said;
  }
}
