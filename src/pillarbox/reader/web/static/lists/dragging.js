/* Rows can be dragged onto folders. The key m and the button do the same. */

const TYPE = "text/x-pillarbox-messages";

export function dragging(lists) {
  document.addEventListener("dragstart", (event) => {
    const row = event.target.closest?.("#rows > li");
    if (!row || !lists.rows) return;
    if (!lists.selection.has(row)) lists.selectOnly(row);
    event.dataTransfer.setData(TYPE, "1");
    event.dataTransfer.effectAllowed = "copyLink move";
  });

  const target = (event) => (event.dataTransfer?.types.includes(TYPE) ? event.target.closest?.("#folders [data-folder]") : null);

  document.addEventListener("dragover", (event) => {
    const folder = target(event);
    if (!folder) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    folder.classList.add("drop");
  });
  document.addEventListener("dragleave", (event) => event.target.closest?.(".drop")?.classList.remove("drop"));
  document.addEventListener("drop", (event) => {
    const folder = target(event);
    if (!folder) return;
    event.preventDefault();
    folder.classList.remove("drop");
    lists.move(folder.dataset.folder);
  });
}
