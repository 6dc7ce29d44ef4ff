/* What one looks at stays where it is while rows come and go above it; who is at the top sees what comes. */

/** The row on top of what is seen: {key, place}; null: the top of the list is. */
export function anchorOf(rows) {
  if (rows.top < rows.height / 2) return null;
  const place = rows.view(0).first;
  const row = rows.at(place);
  return row ? { key: row.dataset.message, place } : null;
}

/** Scroll so that the row of `anchor` is seen where it was. */
export function hold(rows, anchor) {
  const place = anchor ? rows.place(anchor.key) : -1;
  if (place < 0 || place === anchor.place) return;
  rows.top += (place - anchor.place) * rows.height;
  rows.scroller.scrollTop = rows.top;
}
