/* Links to what is newer and older: where the list is longer than an element can be, they lead on. */

import { rowsFrom } from "./geometry.js";

/** Have the page's links lead out of what `rows` can show; hide them when that is everything. */
export function showPager(rows) {
  const pager = document.getElementById("pager");
  if (!pager) return;
  const end = rows.base + rowsFrom(rows.base, rows.total);
  const more = rows.uncounted || rows.total > end;
  pager.hidden = !rows.base && !more;
  pager.querySelector(".meta").hidden = true;
  lead(pager.querySelector("[rel=prev]"), rows.url, rows.base ? rows.base - rows.step : null);
  lead(pager.querySelector("[rel=next]"), rows.url, more ? end : null);
}

function lead(link, to, place) {
  if (!link) return;
  const url = new URL(to, location.origin);
  if (place) url.searchParams.set("first", place);
  link.href = url.pathname + url.search;
  link.hidden = place === null;
}
