/* Who may be meant, offered while one types (WAI-ARIA: a combobox with a list box). */

const PAUSE = 120; // milliseconds without a key, then it is asked for
const FEW = 3; // people whose names one can see at once
const SEPARATORS = ",;\u060c\u061b\u3001\uff0c\uff1b"; // of the server, without line ends
let count = 0;

/** Where the last name begins that the caret is in: behind a comma or semicolon that is not in quotes. */
function beginning(text, caret) {
  let start = 0;
  let quoted = false;
  for (let at = 0; at < caret; at += 1) {
    if (text[at] === '"') quoted = !quoted;
    else if (!quoted && SEPARATORS.includes(text[at])) start = at + 1;
  }
  while (start < caret && text[start] === " ") start += 1;
  return start;
}

const ITEMS = new RegExp(`(?:"[^"]*"?|[^"${SEPARATORS}])+`, "g");

/** How many people a field names: what stands between commas and semicolons that are not in quotes. */
const peopleIn = (text) => (text.match(ITEMS) ?? []).filter((each) => each.trim()).length;

const REST = new RegExp(`^[^${SEPARATORS}]*[${SEPARATORS}]?\\s*`);

const ends = (text) => SEPARATORS.includes(text.at(-1));

/** `lines` as one, with a comma for the end of a line; the browser would put a space for it. */
const listed = (lines) => lines.map((line, at) => {
  const next = lines[at + 1];
  const goesOn = next === undefined || ends(line) || (next.startsWith("<") && !line.includes("@")); // a folded field
  return goesOn ? line : `${line},`;
}).join(" ");

/** A list that is pasted, each on a line, becomes people with commas between; Ctrl+Z takes it away again. */
function pasteLines(field, event) {
  const lines = (event.clipboardData?.getData("text/plain") ?? "")
    .split(/[\r\n]+/).map((line) => line.replace(/\s+/g, " ").trim()).filter(Boolean);
  if (lines.length < 2) return;
  event.preventDefault();
  const before = field.value.slice(0, field.selectionStart);
  const after = field.value.slice(field.selectionEnd).trimStart();
  const list = listed(lines);
  const first = before.includes("@") && !ends(before.trimEnd()) ? ", " : "";
  const last = ends(list) ? " " : after && SEPARATORS.includes(after[0]) ? "" : ", ";
  const text = `${first || (ends(before) ? " " : "")}${list}${last}`;
  if (document.execCommand("insertText", false, text)) return; // unlike setRangeText it can be undone
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Say beside `field` how many people are in it, when they are more than one sees. */
function countPeople(field) {
  const said = document.createElement("span");
  said.className = "meta";
  said.id = `${field.id}-count`;
  field.parentElement.append(said);
  field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), said.id].filter(Boolean).join(" "));
  const show = () => {
    const number = peopleIn(field.value);
    said.textContent = number > FEW ? `${number} people` : "";
  };
  for (const event of ["input", "change"]) field.addEventListener(event, show);
  show();
}

export function completePeople(field) {
  count += 1;
  const list = document.createElement("ul");
  list.className = "choices";
  list.id = `choices-${count}`;
  list.role = "listbox";
  list.hidden = true;
  list.setAttribute("aria-label", "Who may be meant");
  field.after(list);
  const found = document.createElement("span");
  found.className = "hidden";
  found.role = "status";
  list.after(found);
  field.role = "combobox";
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "false");
  countPeople(field);

  let offered = [];
  let offeredFor = "";
  let chosen = -1;
  let timer = 0;
  let asked = 0;

  function close() {
    clearTimeout(timer);
    asked += 1;
    offered = [];
    chosen = -1;
    list.hidden = true;
    list.replaceChildren();
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  /** What is typed of the last name. */
  function typedNow() {
    const caret = field.selectionStart;
    return field.value.slice(beginning(field.value, caret), caret).replaceAll('"', "").trim();
  }

  function choose(index) {
    chosen = index;
    [...list.children].forEach((each, at) => each.setAttribute("aria-selected", String(at === index)));
    const one = list.children[index];
    if (one) {
      field.setAttribute("aria-activedescendant", one.id);
      one.scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  }

  function take(index) {
    const caret = field.selectionStart;
    const start = beginning(field.value, caret);
    const rest = field.value.slice(caret).replace(REST, "");
    const before = `${field.value.slice(0, start)}${offered[index].text}, `;
    close();
    field.value = before + rest;
    field.setSelectionRange(before.length, before.length);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function option(one, index) {
    const item = document.createElement("li");
    item.id = `${list.id}-${index}`;
    item.role = "option";
    item.setAttribute("aria-selected", "false");
    const name = document.createElement("span");
    name.textContent = one.name || one.address;
    item.append(name);
    if (one.name) {
      const address = document.createElement("span");
      address.className = "meta";
      address.textContent = one.address;
      item.append(" ", address);
    }
    item.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    item.addEventListener("click", () => take(index));
    return item;
  }

  async function ask() {
    const typed = typedNow();
    if (!typed) { close(); return; }
    asked += 1;
    const mine = asked;
    let answer;
    try {
      const reply = await fetch(`/contacts/complete?${new URLSearchParams({ q: typed })}`);
      answer = reply.ok ? await reply.json() : [];
    } catch {
      answer = [];
    }
    if (mine !== asked || document.activeElement !== field) return;
    if (!answer.length) { close(); return; }
    offered = answer;
    offeredFor = typed;
    list.replaceChildren(...answer.map(option));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    found.textContent = answer.length === 1 ? "1 person found" : `${answer.length} people found`;
    choose(-1);
  }

  /** Enter: who is marked; else the first, but not in place of a whole address, nor of what was typed since. */
  function enter() {
    if (chosen >= 0) take(chosen);
    else if (typedNow() === offeredFor && !offeredFor.includes("@")) take(0);
    else close();
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  field.addEventListener("paste", (event) => pasteLines(field, event));
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" && list.hidden) { ask(); event.preventDefault(); return; }
    if (list.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = offered.length - 1;
    const steps = {
      ArrowDown: () => choose(chosen >= last ? 0 : chosen + 1),
      ArrowUp: () => choose(chosen <= 0 ? last : chosen - 1),
      Escape: close,
      Enter: enter,
      Tab: () => chosen >= 0 && take(chosen),
    };
    const step = steps[event.key];
    if (!step) return;
    if (event.key !== "Tab") event.preventDefault();
    step();
    event.stopPropagation();
  });
}
