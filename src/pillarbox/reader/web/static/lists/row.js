/* One row: whose it is, and where. */

export const keyOf = (row) => row.dataset.message;
export const placeOf = (row) => Number(row.dataset.place);
/** Whether it has come since all of the list was chosen. */
export const isNew = (row) => "came" in row.dataset;
export const linkOf = (row) => row.querySelector("a");

/** What both show is the same (and not something that was only expected). */
export function same(old, row) {
  return keyOf(old) === keyOf(row) && isNew(old) === isNew(row) && !("guess" in old.dataset) && linkOf(old).innerHTML === linkOf(row).innerHTML;
}

/** In the page, rows stand in the order in which they are read out: the one before which `place` comes. */
export function following(list, place) {
  let next = list.lastElementChild;
  if (!next || placeOf(next) < place) return null;
  while (next.previousElementSibling && placeOf(next.previousElementSibling) > place) next = next.previousElementSibling;
  return next;
}
