/* Passing notices, at the bottom of the page; read out by screen readers. */

export const STAYS = 10_000; // milliseconds; as long as an undo can be asked for by this notice

export const SIGNED_OUT = "signed-out"; // of the notice that says so

/** What helps who is signed out: a link to the page for the password, in another tab, as this one goes on then. `door`: its URL; empty:
    there is no password, and no link. */
export function wayIn(door = "") {
  if (!door) return null;
  const link = document.createElement("a");
  link.className = "button";
  link.href = door;
  link.target = "_blank";
  link.textContent = "Sign in";
  return link;
}

/** A trouble as the server tells it: what to say, and the way in if that is what is missing. */
export function toastTrouble({ say, door = "" }, id = "") {
  return toast(say, { action: wayIn(door), id: door ? SIGNED_OUT : id });
}

/** Show `text`, and `action` (a button, link or form) beside it; it goes by itself, but not while the pointer or the focus is in it.
    `id`: a notice of the same id is replaced; `stays`: milliseconds; `since`: when what it says was done. Returns the element. */
export function toast(text, { action = null, id = "", stays = STAYS, since = Date.now() } = {}) {
  const place = document.getElementById("toasts");
  if (id) document.getElementById(id)?.remove();
  const notice = document.createElement("div");
  notice.className = "toast";
  if (id) notice.id = id;
  notice.dataset.since = since;
  const words = document.createElement("span");
  words.textContent = text;
  notice.append(words);
  if (action) notice.append(action);
  place.append(notice);
  const leave = () => {
    if (notice.matches(":hover, :focus-within")) setTimeout(leave, STAYS / 4);
    else notice.remove();
  };
  setTimeout(leave, stays);
  return notice;
}
