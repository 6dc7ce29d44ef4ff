/* Keys. A key clicks the button or link that says `data-key`, so that keys and buttons cannot differ; what has no button is
   told as a "key" event, which a feature takes by preventDefault(). The table is all there is, and what "?" shows. */

const KEYS = [
  ["Reading", [
    ["j", "Next message"],
    ["k", "Previous message"],
    ["o", "Open, then go into the message (also Enter)"],
    ["Space", "Scroll the message"],
    ["Shift+Space", "Scroll it back"],
    ["u", "Back to the list (also Escape)"],
    ["/", "Search"],
    [".", "Collect mail now"],
  ]],
  ["Filing", [
    ["x", "Select"],
    ["e", "Archive"],
    ["#", "Delete; in Trash: remove for good"],
    ["m", "Move to a folder"],
    ["s", "Flag"],
    ["Shift+u", "Mark unread"],
    ["z", "Undo"],
  ]],
  ["Writing", [
    ["c", "Write a message"],
    ["r", "Reply"],
    ["a", "Reply to all"],
    ["f", "Forward"],
    ["Ctrl+Enter", "Send"],
  ]],
  ["Going", [
    ["g i", "Inbox", "/mail/Inbox"],
    ["g d", "Drafts", "/drafts"],
    ["g o", "Outbox", "/outbox"],
    ["g s", "Sent", "/mail/Sent"],
    ["g a", "Archive", "/mail/Archive"],
    ["g t", "Trash", "/mail/Trash"],
    ["?", "All keys"],
  ]],
];

const ROWS = KEYS.flatMap(([, rows]) => rows);
const KNOWN = new Set(ROWS.map(([key]) => key));
const PLACES = new Map(ROWS.filter(([, , url]) => url).map(([key, , url]) => [key, url]));
const PREFIX = "g";
const SECOND_KEY = 1500; // milliseconds in which the second key of "g i" is waited for

let prefix = "";
let prefixTimer = 0;

const switchedOn = () => document.documentElement.dataset.keys !== "off";

function isTyping(element) {
  if (element?.isContentEditable || element?.matches?.("textarea, select")) return true;
  return Boolean(element?.matches?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=reset], [type=range])"));
}

/* "#" and "?" are Shift and something else on some keyboards, and AltGr on others: letters alone say Shift. */
function nameOf(event) {
  if (event.key === " ") return event.shiftKey ? "Shift+Space" : "Space";
  const letter = /^\p{Lu}$/u.test(event.key);
  return letter ? (event.shiftKey ? `Shift+${event.key.toLowerCase()}` : event.key.toLowerCase()) : event.key;
}

/* What the space bar works by itself. */
const isPressed = (element) => Boolean(element.closest?.("input, button, summary, [role=button], video, audio"));

/* What is in a menu can be used by its key when the menu can be seen. */
function isUsable(element) {
  const shown = element.closest("details:not([open])") ?? element;
  return !element.disabled && element.getAttribute("aria-disabled") !== "true" && shown.checkVisibility({ visibilityProperty: true });
}

/* What a notice is about was done when it says so; what the page itself has, when the page was made. */
const since = (element) => Number(element.closest("[data-since]")?.dataset.since ?? performance.timeOrigin);

/* The first; but what was done last is undone first. */
export function controlFor(key, root = document) {
  const usable = [...root.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].filter(isUsable);
  return usable.reduce((one, other) => (since(other) > since(one) ? other : one), usable[0]);
}

/** Do what `key` stands for; whether there was anything to do. */
export function act(key) {
  const told = new CustomEvent("key", { detail: { key }, cancelable: true, bubbles: true });
  if (!document.dispatchEvent(told)) return true;
  if (key === "?") return showKeys();
  const control = controlFor(key);
  if (control) return use(control);
  if (!PLACES.has(key)) return false;
  const url = PLACES.get(key);
  const link = document.querySelector(`#folders a[href="${url}"]`);
  if (link) link.click();
  else location.assign(url);
  return true;
}

function use(control) {
  if (control.matches("input:not([type=checkbox], [type=radio], [type=submit], [type=button])")) {
    control.focus();
    control.select();
  } else control.click();
  return true;
}

function withPrefix(key) {
  const whole = prefix ? `${prefix} ${key}` : key;
  clearTimeout(prefixTimer);
  prefix = "";
  if (whole !== PREFIX) return whole;
  prefix = PREFIX;
  prefixTimer = setTimeout(() => { prefix = ""; }, SECOND_KEY);
  return "";
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing || event.repeat && !"jk ".includes(event.key)) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest?.("form");
    const send = form && controlFor("Ctrl+Enter", form) || controlFor("Ctrl+Enter");
    if (send) { event.preventDefault(); send.click(); }
    return;
  }
  const altGraph = event.getModifierState("AltGraph");
  if (!switchedOn() || isTyping(event.target) || event.metaKey || (event.ctrlKey || event.altKey) && !altGraph) return;
  if (document.querySelector("dialog[open]") || event.key.length !== 1 || event.key === " " && isPressed(event.target)) return;
  const key = withPrefix(nameOf(event));
  if (key && KNOWN.has(key) && act(key)) event.preventDefault();
}

/** Have keys work in `target`, too: the document of a frame. */
export function listen(target) {
  target.addEventListener("keydown", onKey);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function keyCaps(key) {
  const caps = key.split(/[ +]/).map((cap) => element("kbd", { textContent: cap }));
  return caps.flatMap((cap, at) => (at ? [" ", cap] : [cap]));
}

function section([title, rows]) {
  const list = element("dl");
  for (const [key, does] of rows) list.append(element("dt", {}, ...keyCaps(key)), element("dd", { textContent: does }));
  return element("section", {}, element("h3", { textContent: title }), list);
}

function showKeys() {
  const old = document.getElementById("keys");
  if (old) { old.showModal(); return true; }
  const close = element("button", { className: "button", type: "submit", textContent: "Close" });
  const head = element("div", { className: "dialog-head" }, element("h2", { id: "keys-title", textContent: "Keys" }), element("form", { method: "dialog" }, close));
  const table = element("div", { className: "keys-table" }, ...KEYS.map(section));
  const note = element("p", { className: "meta", textContent: "Single keys can be switched off in the settings." });
  const dialog = element("dialog", { id: "keys" }, head, table, note);
  dialog.setAttribute("aria-labelledby", "keys-title");
  document.body.append(dialog);
  dialog.showModal();
  return true;
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-shows=keys]")) showKeys();
});
listen(document);
