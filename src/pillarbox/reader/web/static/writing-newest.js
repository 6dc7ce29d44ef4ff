/* A draft may be newer than the page that shows it: who loads it again at once is quicker than the save of what was typed last. */

/** The form in a page of a draft; null: there is none. */
export function formIn(html) {
  return new DOMParser().parseFromString(html, "text/html").getElementById("compose");
}

/** What is newer takes the place of `form`, as long as nothing was typed there. Else it stays as it is: its next save says that the
 * draft has changed elsewhere. */
export function followNewest(form, keeper) {
  const isOlder = (than) => keeper.fresh && Number(form.elements.version.value) < than;

  async function look(version = Infinity) {
    if (!isOlder(version)) return;
    const reply = await fetch(keeper.url + location.search).catch(() => null); // it does not answer, which is said elsewhere
    if (!reply?.ok) return;
    const html = await reply.text();
    if (!isOlder(Number(formIn(html)?.elements.version.value ?? 0))) return;
    const { id } = form.contains(document.activeElement) ? document.activeElement : {}; // who is elsewhere stays there
    keeper.show(html, { focus: false });
    if (id) document.getElementById(id)?.focus({ preventScroll: true });
  }

  document.addEventListener("news:draft", ({ detail }) => { if (detail.draft === form.dataset.draft) look(detail.version); });
  document.addEventListener("news:lagging", () => look());
}
