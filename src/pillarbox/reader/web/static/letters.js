/* The frame of an HTML mail: as high as what is in it, and keys pressed in it reach the page, as does a click. Nothing in the frame can run; the
   page may look into it because it comes from here. */

import { listen } from "./keys.js";
import { closeMenusFrom } from "./menus.js";

const LOWEST = 48; // pixels: an empty message is still seen
const HIGHEST = 30000; // pixels: what is longer scrolls within
const SMALLEST = 0.75; // of its size: a text that were smaller could not be read; what is wider even so scrolls within

const watching = new WeakMap();

function fit(frame) {
  const inside = frame.contentDocument;
  if (!inside?.body) return;
  const size = shrink(inside);
  const border = frame.offsetHeight - frame.clientHeight;
  const bar = inside.defaultView.innerHeight - inside.documentElement.clientHeight; // for what is too wide
  const high = Math.ceil(size * Math.max(inside.body.scrollHeight, inside.body.offsetHeight));
  const wanted = `${Math.min(Math.max(high, LOWEST), HIGHEST) + border + bar}px`;
  if (frame.style.height !== wanted) frame.style.height = wanted;
}

/* An image that is wider than all there is becomes as wide as its place, and keeps no cell of a table wider; nor does it grow. */
function yieldTo({ style, width }, room) {
  if (width <= room || style.width === "100%") return;
  style.setProperty("width", "100%", "important");
  style.setProperty("max-width", `${width}px`, "important");
  style.height = "auto";
}

/* What is somewhat too wide is made smaller; of its size. */
function shrink({ body, documentElement: root, images }) {
  body.style.zoom = "";
  if (!root.clientWidth) return 1; // it is not shown
  for (const image of images) yieldTo(image, root.clientWidth);
  const size = Math.floor((1000 * root.clientWidth) / root.scrollWidth) / 1000;
  if (size >= 1 || size < SMALLEST) return 1;
  body.style.zoom = size;
  return size;
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
  // Images come later, and the window is made narrower. Not at once: fitting changes the size that is observed.
  const observer = new ResizeObserver(() => requestAnimationFrame(() => {
    if (frame.isConnected && frame.contentDocument === inside) fit(frame);
    else observer.disconnect();
  }));
  observer.observe(inside.body);
}

document.addEventListener("load", (event) => {
  if (event.target.matches?.("iframe.letter-frame")) attend(event.target);
}, true);

for (const frame of document.querySelectorAll("iframe.letter-frame")) {
  if (frame.contentDocument?.readyState === "complete") attend(frame);
}
