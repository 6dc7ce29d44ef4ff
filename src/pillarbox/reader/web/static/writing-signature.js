/* The signature below a text: with another account the server puts another one there, while one may be typing on. */

const SIGNATURE = "-- "; // on a line of its own, as in compose/signatures.py

/** What is above the signature, without the line end and the empty line that go before it; and the signature. */
function split(text) {
  const lines = text.split("\n");
  const at = lines.lastIndexOf(SIGNATURE);
  if (at < 0) return [text, ""];
  return [lines.slice(0, at).join("\n").replace(/\n$/, ""), lines.slice(at).join("\n").replace(/\n+$/, "")];
}

/** What stands in `field` from `start` on becomes `ending`, as if it had been typed, in one step: one Ctrl+Z brings back what was
 * there, and the next one goes on to what was before. There is no other way to it than to be in the field for a moment. A
 * last line end that stays is let alone: Chromium, at a Ctrl+Y, forgets lines of what has replaced the end of a field. */
function retype(field, start, ending) {
  const was = document.activeElement;
  const hush = (event) => event.stopImmediatePropagation(); // nobody has typed
  const scrolled = [];
  for (let each = field; each; each = each.parentElement) scrolled.push([each, each.scrollTop]);
  for (const kind of ["input", "change"]) field.addEventListener(kind, hush, { capture: true });
  const whole = field.value.slice(0, start) + ending;
  if (was !== field) field.focus({ preventScroll: true });
  const stays = Number(field.value.length > start && field.value.endsWith("\n") && ending.endsWith("\n"));
  const fresh = ending.slice(0, ending.length - stays);
  field.setSelectionRange(start, field.value.length - stays);
  if (fresh) document.execCommand("insertText", false, fresh);
  else if (field.selectionEnd > field.selectionStart) document.execCommand("delete");
  if (field.value !== whole) field.value = whole; // a browser that does not do that
  if (was !== field) {
    field.blur();
    was?.focus({ preventScroll: true });
  }
  for (const kind of ["input", "change"]) field.removeEventListener(kind, hush, { capture: true });
  for (const [each, top] of scrolled) each.scrollTop = top;
}

/** Who is typing elsewhere must not be taken away from there, and where nothing was typed there is nothing to be undone. */
function mayRetype(field, typed) {
  const { activeElement } = document;
  return typed && (activeElement === field || !activeElement?.matches("input, textarea, iframe"));
}

/** The server has made `text` of what was `sent`. Of `field` only the ending is changed: what was typed meanwhile stays, and so
 * does the caret; a signature that was changed meanwhile stays, too. `typed`: there is something that Ctrl+Z can undo; it still
 * can then, unless one has gone on to type in another field by now. */
export function takeSignature(field, sent, text, typed) {
  const [above, before] = split(sent);
  const { value, selectionStart, selectionEnd, selectionDirection } = field;
  const [words, below] = split(value);
  if (text === sent || !text.startsWith(above) || below !== before) return;
  const whole = words + text.slice(above.length);
  let start = words.length;
  while (start < value.length && value[start] === whole[start]) start += 1;
  const again = mayRetype(field, typed);
  if (again) retype(field, start, whole.slice(start));
  else field.setRangeText(whole.slice(start), start, value.length, "preserve");
  if (!again && selectionEnd <= start) return;
  const place = (at) => (at <= start ? at : at === value.length ? whole.length : Math.min(at, whole.length));
  field.setSelectionRange(place(selectionStart), place(selectionEnd), selectionDirection);
}
