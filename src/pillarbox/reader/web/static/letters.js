/* The frame of an HTML mail: as high as what is in it, and keys pressed in it reach the page, as does a click. Nothing in the frame can run; the
   page may look into it because it comes from here. */

import { listen } from "./keys.js";
import { closeMenusFrom } from "./menus.js";

const LOWEST = 48; // pixels: an empty message is still seen
const HIGHEST = 30000; // pixels: what is longer scrolls within

const watching = new WeakMap();

function fit(frame) {
  const inside = frame.contentDocument;
  if (!inside?.body) return;
  const border = frame.offsetHeight - frame.clientHeight;
  const bar = inside.defaultView.innerHeight - inside.documentElement.clientHeight; // for what is too wide
  const high = Math.max(inside.body.scrollHeight, inside.body.offsetHeight);
  const wanted = `${Math.min(Math.max(high, LOWEST), HIGHEST) + border + bar}px`;
  if (frame.style.height !== wanted) frame.style.height = wanted;
}

function attend(frame) {
  const inside = frame.contentDocument;
  if (!inside?.body || inside.URL === "about:blank" || watching.get(frame) === inside) return;
  watching.set(frame, inside);
  closeMenusFrom(inside);
  listen(inside);
  inside.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) frame.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  });
  fit(frame);
  // Images come later, and the window is made narrower.
  const observer = new ResizeObserver(() => {
    if (frame.isConnected && frame.contentDocument === inside) fit(frame);
    else observer.disconnect();
  });
  observer.observe(inside.body);
}

document.addEventListener("load", (event) => {
  if (event.target.matches?.("iframe.letter-frame")) attend(event.target);
}, true);

for (const frame of document.querySelectorAll("iframe.letter-frame")) {
  if (frame.contentDocument?.readyState === "complete") attend(frame);
}
