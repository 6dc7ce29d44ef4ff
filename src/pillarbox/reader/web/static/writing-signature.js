/* The signature below a text: with another account the server puts another one there, while one may be typing on. */

const SIGNATURE = "-- "; // on a line of its own, as in compose/signatures.py

/** What is above the signature, without the line end and the empty line that go before it; and the signature. */
function split(text) {
  const lines = text.split("\n");
  const at = lines.lastIndexOf(SIGNATURE);
  if (at < 0) return [text, ""];
  return [lines.slice(0, at).join("\n").replace(/\n$/, ""), lines.slice(at).join("\n").replace(/\n+$/, "")];
}

/** The server has made `text` of what was `sent`. Of `field` only the ending is changed: what was typed meanwhile stays, and so
 * does the caret; a signature that was changed meanwhile stays, too. */
export function takeSignature(field, sent, text) {
  const [above, before] = split(sent);
  const { value, selectionStart, selectionEnd, selectionDirection } = field;
  const [words, below] = split(value);
  if (text === sent || !text.startsWith(above) || below !== before) return;
  const whole = words + text.slice(above.length);
  let start = words.length;
  while (start < value.length && value[start] === whole[start]) start += 1;
  field.setRangeText(whole.slice(start), start, value.length, "preserve");
  if (selectionEnd <= start) return;
  const place = (at) => (at === value.length ? whole.length : Math.min(at, whole.length));
  field.setSelectionRange(place(selectionStart), place(selectionEnd), selectionDirection);
}
