/* Two questions: where to, and are you sure. They answer when their dialog is closed. */

/* A button answers at once. "close" comes later, when the next question may be open already: then it is not for that one. */
const answered = (dialog) => new Promise((resolve) => {
  const done = (value) => {
    dialog.removeEventListener("submit", chose);
    dialog.removeEventListener("close", closed);
    resolve(value);
  };
  const chose = (event) => done(event.submitter?.value ?? "");
  const closed = () => { if (!dialog.open) done(dialog.returnValue); };
  dialog.returnValue = "";
  dialog.addEventListener("submit", chose);
  dialog.addEventListener("close", closed);
  dialog.showModal();
});

/** Whether what `what` says is to be done. */
export async function sure(title, what) {
  const dialog = document.getElementById("sure");
  document.getElementById("sure-title").textContent = title;
  document.getElementById("sure-what").textContent = what;
  return await answered(dialog) === "sure";
}

/** Folders that mail can be moved to, as the sidebar shows them. */
export function targets() {
  return [...document.querySelectorAll("#folders [data-folder]")].map(({ dataset }) => {
    const path = dataset.folder;
    return { path, words: path.replace(/^Inbox\//, "Inbox of ").replaceAll("/", " / ") };
  });
}

/** Those whose name has all words of `typed`; the ones that begin so first. */
export function fitting(folders, typed) {
  const words = typed.toLocaleLowerCase().split(/[\s/]+/).filter(Boolean);
  const hits = folders.filter(({ words: name }) => words.every((word) => name.toLocaleLowerCase().includes(word)));
  const begins = ({ words: name }) => Number(Boolean(words.length) && name.toLocaleLowerCase().startsWith(words[0]));
  return hits.sort((one, other) => begins(other) - begins(one));
}

/** A name typed that no folder has: a new one can be made. */
export function newName(folders, typed) {
  const name = typed.trim().replace(/\s*\/\s*/g, "/");
  const taken = folders.some(({ path }) => path.toLocaleLowerCase() === name.toLocaleLowerCase());
  return name && !taken ? name : null;
}

/** A folder: {to} or {new}; null: none was chosen. */
export async function where() {
  const dialog = document.getElementById("move-to");
  const input = document.getElementById("move-filter");
  const list = document.getElementById("move-choices");
  const folders = targets();
  let at = 0;
  let choice = null;

  const mark = () => {
    for (const [number, option] of [...list.children].entries()) option.setAttribute("aria-selected", String(number === at));
    const option = list.children[at];
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };
  const fill = () => {
    const choices = fitting(folders, input.value).map(({ path, words }) => ({ said: { to: path }, words }));
    const made = newName(folders, input.value);
    if (made) choices.push({ said: { new: made }, words: `New folder “${made}”` });
    list.replaceChildren(...choices.map(({ said, words }, number) => {
      const option = document.createElement("li");
      option.id = `move-choice-${number}`;
      option.setAttribute("role", "option");
      option.textContent = words;
      option.addEventListener("click", () => take(said));
      option.said = said;
      return option;
    }));
    at = 0;
    mark();
  };
  const take = (said) => { choice = said; dialog.close("taken"); };
  const step = (by) => { at = (at + by + list.children.length) % Math.max(1, list.children.length); mark(); };
  const onKey = (event) => {
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Enter" && !event.isComposing) { if (list.children[at]) take(list.children[at].said); }
    else return;
    event.preventDefault();
  };

  input.value = "";
  input.addEventListener("input", fill);
  input.addEventListener("keydown", onKey);
  fill();
  await answered(dialog);
  input.removeEventListener("input", fill);
  input.removeEventListener("keydown", onKey);
  return choice;
}
