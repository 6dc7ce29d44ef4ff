/* A message is opened beside the list. On wide screens j and k open what they come to, as mail programs with a preview do,
   after a short rest; on narrow ones they only move, as opening would hide the list. What is opened is read after a moment,
   so that passing by marks nothing. */

import { post, replace } from "../shell.js";
import { pageAt } from "./asking.js";

const READ_AFTER = 900; // milliseconds that a message is shown before it counts as read
const KEPT = "pillarbox-unread"; // messages that were marked unread by hand, and stay so until opened again
const MOST_KEPT = 200; // of them: those of an afternoon

const wide = matchMedia("(min-width: 1100px)");
export const isWide = () => wide.matches;

let reading = 0;
let asking = null; // what was asked for last

/** The message that is open: {key, thread, folder, seen}; null: none. */
export function opened() {
  const element = document.getElementById("opened");
  if (!element) return null;
  const { message, thread, folder } = element.dataset;
  return { key: message, thread, folder, seen: "seen" in element.dataset };
}

export const messageIn = (url) => new URL(url, location.origin).searchParams.get("m");

/** Which list a URL shows, whatever part of it, and whatever is open. */
export function listIn(url) {
  const { pathname, searchParams } = new URL(url, location.origin);
  return pathname + "?" + new URLSearchParams([["q", searchParams.get("q") ?? ""], ["in", searchParams.get("in") ?? ""]]);
}

function showWhich(url) {
  document.body.dataset.view = messageIn(url) ? "message" : "list";
}

/** Have the pane show what `url` says. `history`: "push", "replace" or "" (it is there already). `byHand`: see `shown`. What was asked for
    before is not waited for any more: that raises an AbortError. */
export async function show(url, history, byHand) {
  clearTimeout(reading);
  if (history === "push") window.history.pushState({}, "", url);
  if (history === "replace") window.history.replaceState({}, "", url);
  showWhich(url);
  asking?.abort();
  asking = new AbortController();
  const page = await pageAt(url, asking.signal);
  if (messageIn(location.href) !== messageIn(url)) return; // a search has another URL, with what was open then
  const fresh = page.getElementById("pane");
  if (!fresh) {
    location.reload(); // it is another page, which says why
    return;
  }
  document.title = page.title;
  replace(document.getElementById("pane"), document.adoptNode(fresh));
  shown(byHand);
}

/** A message is shown: the list says which, and after a moment it is read. `byHand`: it was opened, not only loaded again. */
export function shown(byHand) {
  document.dispatchEvent(new CustomEvent("lists:shown"));
  clearTimeout(reading);
  const open = opened();
  if (!open) return;
  if (byHand) setKept(kept().filter((key) => key !== open.key));
  if (!open.seen) reading = setTimeout(() => markRead(open.key), READ_AFTER);
}

async function markRead(key) {
  if (opened()?.key !== key || kept().includes(key)) return;
  if (document.visibilityState === "hidden") {
    document.addEventListener("visibilitychange", () => markRead(key), { once: true });
    return;
  }
  try {
    const reply = await post("/do/mark", { m: key, flag: "seen", on: "1", quiet: "1" });
    if (!reply.ok) return;
    if (opened()?.key === key) document.getElementById("opened").setAttribute("data-seen", "");
    document.dispatchEvent(new CustomEvent("lists:read"));
  } catch {
    // It does not answer. Opening it once more marks it then.
  }
}

/** Messages were marked unread by hand, and are not to be read because they happen to be open. */
export function keepUnread(keys) {
  clearTimeout(reading);
  setKept([...new Set([...kept(), ...keys])]);
}

function setKept(keys) {
  sessionStorage.setItem(KEPT, JSON.stringify(keys.slice(-MOST_KEPT)));
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  } catch {
    return [];
  }
}

/** Mark the row of what is open. */
export function markCurrent(rows) {
  const open = opened();
  const current = open && rows.ofOpened(open.key, open.thread);
  for (const link of rows.list.querySelectorAll("a[aria-current]")) link.removeAttribute("aria-current");
  current?.querySelector("a").setAttribute("aria-current", "true");
}

/** What can be done with the open message, as `page` has it. */
export function useTools(page) {
  const [old, fresh] = [document, page].map((each) => each.querySelector("#pane .letter-tools"));
  if (!fresh || !old) return;
  const key = old.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  old.replaceWith(document.adoptNode(fresh));
  if (key) fresh.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}
