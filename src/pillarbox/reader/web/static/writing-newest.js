/* A draft may be newer than the page that shows it: who loads it again at once is quicker than the save of what was typed last. */

let form = null; // the one on the page
let keeper = null;
let newest = 0; // the highest version that was told of and not looked for; Infinity: there may be any
let looking = false;

/** The form in a page of a draft; null: there is none. */
export function formIn(html) {
  return new DOMParser().parseFromString(html, "text/html").getElementById("compose");
}

/** What is newer takes the place of `shown`, as long as nothing was typed there. Else it stays as it is: its next save says that the
 * draft has changed elsewhere. */
export function followNewest(shown, its) {
  form = shown;
  keeper = its;
}

const isOlder = (than) => Boolean(keeper?.fresh) && Number(form.elements.version.value) < than;

async function showNewest() {
  const asked = fetch(keeper.url + location.search).then((reply) => (reply.ok ? reply.text() : ""));
  const html = await asked.catch(() => ""); // it does not answer, which is said elsewhere
  if (!isOlder(Number(formIn(html)?.elements.version.value ?? 0))) return;
  const { id } = form.contains(document.activeElement) ? document.activeElement : {}; // who is elsewhere stays there
  keeper.show(html, { focus: false });
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
}

/** One look at a time: what is told while it is on its way, its reply may not know. */
async function look(version) {
  newest = Math.max(newest, version);
  if (looking) return;
  looking = true;
  while (isOlder(newest)) {
    newest = 0;
    await showNewest();
  }
  looking = false;
}

document.addEventListener("news:draft", ({ detail }) => { if (detail.draft === form?.dataset.draft) look(detail.version); });
document.addEventListener("news:lagging", () => look(Infinity));
