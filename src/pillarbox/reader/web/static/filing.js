/* An upload shows how far it is. Without this script the browser shows what it shows. */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-uploads]") || !form.elements.file.files.length) return;
  event.preventDefault();
  send(form);
});

function send(form) {
  const bar = form.querySelector("progress");
  const says = form.querySelector("[data-says]");
  const button = form.querySelector("button");
  const request = new XMLHttpRequest();
  const over = (text) => {
    bar.hidden = true;
    button.disabled = false;
    says.textContent = text;
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = total ? (100 * loaded) / total : 0;
  });
  request.addEventListener("load", () => {
    // After a success this is the page of the import; else it is the form, with what is wrong.
    if (request.status < 400) {
      location.assign(request.responseURL);
      return;
    }
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const wrong = page.querySelector(".field .error") ?? page.querySelector("main p");
    over(wrong?.textContent.trim() || "This did not work. Try again.");
  });
  request.addEventListener("error", () => over("Pillarbox did not answer. Is it still running?"));
  request.open("POST", form.action);
  bar.value = 0;
  bar.hidden = false;
  button.disabled = true;
  says.textContent = "Sending…";
  request.send(new FormData(form));
}
