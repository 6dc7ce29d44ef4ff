/* Files: chosen, dropped or pasted; each with its progress; removed by a button. */

import { post } from "./shell.js";
import { toast, toastTrouble } from "./toasts.js";

const csrf = () => document.querySelector('meta[name="csrf"]').content;

/** The list of files, as the server has it. */
async function refresh(form) {
  const reply = await fetch(`/compose/${form.dataset.draft}`);
  if (!reply.ok) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const fresh = page.getElementById("attached");
  if (fresh) form.querySelector("#attached").replaceWith(document.adoptNode(fresh));
}

/** A file that is to come, as it is shown. */
function row(file) {
  const line = document.createElement("div");
  line.className = "upload";
  const words = document.createElement("span");
  words.textContent = file.name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Attaching ${file.name}`);
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "button quiet";
  stop.textContent = "Cancel";
  stop.setAttribute("aria-label", `Do not attach ${file.name}`);
  line.append(words, bar, stop);
  return { file, line, bar, cancelled: new AbortController(), stop };
}

/** fetch() tells nothing of how far an upload is. Resolves to the trouble that it had; null: none. */
function upload(url, { file, bar, cancelled: { signal } }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("X-CSRF", csrf());
    request.setRequestHeader("HX-Request", "true");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
    request.addEventListener("abort", () => resolve(null));
    request.addEventListener("error", () => resolve({ say: `${file.name} was not attached: Pillarbox does not answer, or the file cannot be read.` }));
    request.addEventListener("load", () => {
      if (request.status < 400) { resolve(null); return; }
      try {
        const { say, door } = JSON.parse(request.getResponseHeader("HX-Trigger")).trouble;
        resolve({ say: `${file.name} was not attached. ${say}`, door });
      } catch {
        resolve({ say: `${file.name} was not attached.` });
      }
    });
    signal.addEventListener("abort", () => request.abort());
    const data = new FormData();
    data.append("files", file, file.name);
    request.send(data);
  });
}

/** Files on their way, one after the other. */
class Uploads {
  constructor(form, keeper) {
    this.form = form;
    this.keeper = keeper;
    this.coming = new Set(); // rows of those that are not there yet
    this.missing = 0; // those that were not attached: it failed, or was cancelled
    this.queue = Promise.resolve();
  }

  get busy() { return this.coming.size > 0; }

  take(files) {
    for (const one of files.map(row)) {
      this.coming.add(one);
      one.stop.addEventListener("click", () => this.cancel(one));
      this.form.querySelector("#uploads").append(one.line);
      this.queue = this.queue.then(() => this.attach(one));
    }
  }

  async attach(one) {
    let wrong = null;
    if (!one.cancelled.signal.aborted) await this.keeper.save({ always: true });
    if (!one.cancelled.signal.aborted) wrong = await upload(`/compose/${this.form.dataset.draft}/attach`, one);
    if (wrong) toastTrouble(wrong);
    if (wrong || one.cancelled.signal.aborted) this.missing += 1;
    await refresh(this.form).catch(() => {}); // it does not answer, which is said elsewhere
    one.line.remove();
    this.coming.delete(one);
  }

  cancel(one) {
    if (one.line.contains(document.activeElement)) this.form.querySelector("#files").focus();
    one.line.remove();
    one.cancelled.abort();
  }

  cancelAll() {
    for (const one of this.coming) this.cancel(one);
  }

  /** When none is on its way any more: whether all of those came that were. */
  async done() {
    const { missing } = this;
    while (this.busy) await this.queue;
    return this.missing === missing;
  }
}

export function attachFiles(form, keeper) {
  const url = `/compose/${form.dataset.draft}`;
  const uploads = new Uploads(form, keeper);
  keeper.uploads = uploads;
  const take = (files) => uploads.take(files);

  form.querySelector("#files").addEventListener("change", (event) => {
    take([...event.target.files]);
    event.target.value = "";
  });
  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button?.hasAttribute("data-detach")) return;
    event.preventDefault();
    await post(`${url}/detach/${button.dataset.detach}`).catch(() => toast("Not removed: Pillarbox does not answer."));
    await refresh(form);
    form.querySelector("#files").focus();
  });
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  form.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    form.classList.add("dropping");
  });
  form.addEventListener("dragleave", (event) => { if (!form.contains(event.relatedTarget)) form.classList.remove("dropping"); });
  form.addEventListener("drop", (event) => {
    form.classList.remove("dropping");
    if (!hasFiles(event)) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
  form.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    take([...event.clipboardData.files]);
  });
}
