/* While servers are asked, which can take long, it is said so, and nobody asks twice. Without this script the browser shows what it shows. */

let over = null; // puts the page back, while it asks

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-asks]")) return;
  if (over) event.preventDefault();
  else over = ask(form, event.submitter ?? form.querySelector("button"));
});

function ask(form, button) {
  const says = form.closest(".accounts").querySelector("[data-says]");
  const words = button.textContent;
  button.textContent = "Asking…";
  button.setAttribute("aria-disabled", "true"); // not `disabled`: the focus stays
  says.textContent = form.dataset.asks;
  return () => {
    over = null;
    button.textContent = words;
    button.removeAttribute("aria-disabled");
    says.textContent = "";
  };
}

/* It is another question as soon as something else is entered, and none after Escape, or when one has come back to the page. */
document.addEventListener("input", () => over?.());
document.addEventListener("keydown", (event) => { if (event.key === "Escape") over?.(); });
addEventListener("pageshow", () => over?.());
