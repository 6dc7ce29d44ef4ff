/* Files: chosen, dropped or pasted; each with its progress; removed by a button. */

import { post } from "./shell.js";
import { toast } from "./toasts.js";

const csrf = () => document.querySelector('meta[name="csrf"]').content;

/** The list of files, as the server has it. */
async function refresh(form) {
  const reply = await fetch(`/compose/${form.dataset.draft}`);
  if (!reply.ok) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const fresh = page.getElementById("attached");
  if (fresh) form.querySelector("#attached").replaceWith(document.adoptNode(fresh));
}

function row(name) {
  const line = document.createElement("div");
  line.className = "upload";
  const words = document.createElement("span");
  words.textContent = name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Attaching ${name}`);
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "button quiet";
  stop.textContent = "Cancel";
  stop.setAttribute("aria-label", `Do not attach ${name}`);
  line.append(words, bar, stop);
  return { line, bar, stop };
}

/** fetch() tells nothing of how far an upload is. Resolves to what went wrong; empty: nothing did. */
function upload(url, file, { bar, stop }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("X-CSRF", csrf());
    request.setRequestHeader("HX-Request", "true");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
    request.addEventListener("abort", () => resolve(""));
    request.addEventListener("error", () => resolve(`${file.name} was not attached: Pillarbox does not answer, or the file cannot be read.`));
    request.addEventListener("load", () => {
      if (request.status < 400) { resolve(""); return; }
      try {
        resolve(`${file.name} was not attached. ${JSON.parse(request.getResponseHeader("HX-Trigger")).trouble.say}`);
      } catch {
        resolve(`${file.name} was not attached.`);
      }
    });
    stop.addEventListener("click", () => request.abort());
    const data = new FormData();
    data.append("files", file, file.name);
    request.send(data);
  });
}

export function attachFiles(form, keeper) {
  const url = `/compose/${form.dataset.draft}`;
  const place = form.querySelector("#uploads");
  let queue = Promise.resolve();

  async function attach(file) {
    const shown = row(file.name);
    place.append(shown.line);
    await keeper.save({ always: true });
    const wrong = await upload(`${url}/attach`, file, shown);
    shown.line.remove();
    if (wrong) toast(wrong);
    await refresh(form);
  }

  const take = (files) => { for (const file of files) queue = queue.then(() => attach(file)); };

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
