/* Where rows are: pure functions of numbers. A place is a row's number in the whole list, from 0. */

/** Rows that one list can be as tall as: browsers end an element at some 17 million pixels. Beyond, the list goes on on
    another page. */
export const AT_MOST = 150_000;

/** The first row of the part of the list that `place` is in. */
export const baseOf = (place) => Math.floor(place / AT_MOST) * AT_MOST;

/** How many rows that part has. */
export const rowsFrom = (base, total) => Math.max(0, Math.min(AT_MOST, total - base));

/** Places from `first` up to, but without, `end` that are seen, with `margin` pixels around. */
export function inView({ top, height, row, base, total, margin }) {
  const last = base + rowsFrom(base, total);
  const first = base + Math.floor((top - margin) / row);
  const end = base + Math.ceil((top + height + margin) / row);
  return { first: clamp(first, base, last), end: clamp(end, base, last) };
}

/** First places of the pages that hold places from `first` up to `end`. */
export function pagesOf({ first, end }, step) {
  const pages = [];
  for (let page = Math.floor(first / step) * step; page < end; page += step) pages.push(page);
  return pages;
}

/** Where the row at `place` is when rows at `gone` (sorted) have left; null: it has left. */
export function afterRemoval(place, gone) {
  let before = 0;
  for (const each of gone) {
    if (each === place) return null;
    if (each < place) before += 1;
  }
  return place - before;
}

/** How far to scroll so that a row is in view; 0: it is. */
export function toReveal({ at, row, top, height }) {
  if (at < top) return at - top;
  if (at + row > top + height) return at + row - top - height;
  return 0;
}

export const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
