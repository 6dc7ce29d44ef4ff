/* Menus behind "More" (each a <details>) close by Escape, by a click elsewhere, also in the frame of a message, and by a link in them. */

function close(event) {
  if (event.type === "keydown" && event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details:is(.more-tools, .letter-more)[open]")) {
    const within = event.type === "click" && menu.contains(event.target);
    if (within && !event.target.closest("a")) continue;
    const focused = menu.contains(document.activeElement);
    menu.open = false;
    if (event.type === "keydown") event.preventDefault(); // it is for nothing else
    if (focused) menu.querySelector("summary").focus();
  }
}

/** Clicks and keys in `target`, a document, count. */
export function closeMenusFrom(target) {
  target.addEventListener("click", close);
  target.addEventListener("keydown", close);
}
