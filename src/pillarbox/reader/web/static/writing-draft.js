/* A draft is kept while one types; nothing typed is lost, whatever fails. */

import { post } from "./shell.js";
import { toast, toastTrouble, wayIn } from "./toasts.js";
import { keep } from "./undoing.js";
import { leaveFor } from "./writing-done.js";
import { followNewest, formIn } from "./writing-newest.js";
import { takeSignature } from "./writing-signature.js";

const PAUSE = 1500; // milliseconds without a key, then it is saved
const MOST = 10_000; // milliseconds from the first key on, then it is saved although there was no pause
const AGAIN = 5000; // milliseconds, then a save that failed is tried again
const KEPT_ALIVE = 60_000; // octets: browsers send 64 KiB of a page that is being left, and no more

const NAME = 40; // characters of a subject that are said of a message

const NOT_SAVED = "Not saved: Pillarbox does not answer. What you typed is here, and saving is tried again.";

const NOT_DONE = "This did not work. What you typed is still here.";
const SENT_LATER = "Sends when the files are attached. Cancel one to stop it.";
const INCOMPLETE = "Not sent: a file was not attached.";

const now = () => new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** What a reply that is no success says: `say`, and `door` if one has to sign in. */
function trouble(reply) {
  try {
    const { say, door } = JSON.parse(reply.headers.get("HX-Trigger")).trouble;
    return { say, door };
  } catch {
    return { say: NOT_DONE };
  }
}

class Keeper {
  constructor(form, begin) {
    this.form = form;
    this.begin = begin; // has another form, which has come in place of this one, work
    this.url = `/compose/${form.dataset.draft}`;
    this.note = form.querySelector("#saved");
    this.dirty = false;
    this.typed = false; // in the text, on this page
    this.fresh = true; // all is as the page came: it may show what is newer
    this.stopped = false; // another tab has the draft: saving would replace what was typed there
    this.gone = false; // it was sent or discarded from here
    this.timer = 0;
    this.since = null; // when the first key came that no save knows
    this.queue = Promise.resolve(true);
    this.queued = 0; // saves that have not ended
    this.fragile = false; // one is on its way that would not outlive the page
    this.unsure = null; // what a save has sent that may have arrived: its reply was lost
    this.composed = null; // resolves when a character that is being composed is there
    this.uploads = null; // files on their way
    this.waits = false; // it is to be sent when they are there
    this.replaced = new AbortController(); // what listens for the form no longer does when another one is in its place
  }

  fields() {
    const data = new FormData(this.form);
    data.delete("files");
    data.delete("csrf");
    return new URLSearchParams([...data]);
  }

  touched() {
    if (this.gone) return;
    this.dirty = true;
    this.fresh = false;
    const moment = performance.now();
    this.since ??= moment;
    this.later(Math.min(PAUSE, this.since + MOST - moment));
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  /** Saved as it is now? One save at a time: each has to know the version of the one before. */
  save({ always = false } = {}) {
    this.since = null;
    if (always) this.fresh = false;
    const work = () => this.saveNow(always).finally(() => { this.queued -= 1; });
    this.queue = this.queued ? this.queue.then(work) : work(); // at once if it can be: the page may be about to go
    this.queued += 1;
    return this.queue;
  }

  async saveNow(always) {
    clearTimeout(this.timer);
    if (this.gone || (!this.dirty && !always)) return true;
    if (this.stopped) return false;
    this.dirty = false;
    let sent, reply, kept;
    try {
      if (this.unsure) await this.settle(); // not else: what is sent now is sent though the page goes
      sent = this.form.elements.text.value;
      reply = await this.post();
      if (reply.status === 404 && (await post(`${this.url}/restore`)).ok) reply = await this.post();
      if (reply.ok) kept = await reply.json();
      this.unsure = null;
    } catch {
      this.failed(NOT_SAVED);
      this.later(AGAIN);
      return false;
    }
    if (!reply.ok) {
      this.stopped = reply.status === 409 || reply.status === 404;
      this.refused(trouble(reply));
      if (!this.stopped) this.later(AGAIN); // a full disk, say
      return false;
    }
    await this.take(kept, sent);
    this.saved();
    return true;
  }

  /** The server has kept what was `sent`, with another signature if it was from another account. */
  async take(kept, sent) {
    this.form.elements.version.value = kept.version;
    if (kept.text !== sent) await this.composed; // else the browser would lose it, or have it twice
    takeSignature(this.form.elements.text, sent, kept.text, this.typed);
  }

  /** A save that has arrived, though its reply has not, would look like another tab's to the next one. The very same again is known as
      such, and its version is told. */
  async settle() {
    const reply = await post(`${this.url}/save`, this.unsure);
    if (reply.ok) await this.take(await reply.json(), this.unsure.get("text").replaceAll("\r\n", "\n"));
  }

  /** The draft as it is now; it arrives although the page is left, if it is not too long for that. */
  async post() {
    const fields = this.fields();
    this.unsure = fields;
    const keepalive = fields.toString().length <= KEPT_ALIVE;
    this.fragile = !keepalive;
    try {
      return await post(`${this.url}/save`, fields, { keepalive });
    } finally {
      this.fragile = false;
    }
  }

  /** A character is being composed in the text until what is returned is called. */
  composing() {
    let ended;
    this.composed = new Promise((resolve) => { ended = resolve; });
    return ended;
  }

  saved() {
    this.say(this.waits ? SENT_LATER : `Saved ${now()}`);
  }

  failed(words, action = null) {
    this.dirty = true;
    this.warn(words, action);
  }

  refused({ say, door }) {
    this.failed(say, wayIn(door));
  }

  warn(words, action = null) {
    this.say(words, action);
    this.note.classList.add("failed");
  }

  say(words, action = null) {
    this.note.classList.remove("failed");
    if (this.said === words) return; // heard once, and who is at its link stays there
    this.said = words;
    this.note.replaceChildren(words, ...(action ? [" ", action] : []));
  }

  /** Whether all files that are on their way have come. */
  async complete() {
    if (!this.uploads.busy) return true;
    this.waits = true;
    this.say(SENT_LATER);
    const all = await this.uploads.done();
    this.waits = false;
    if (!all && !this.gone) this.warn(INCOMPLETE);
    return all && !this.gone;
  }

  async send(button) {
    if (!(await this.complete()) || !(await this.save())) return;
    const fields = this.fields();
    if (button.name) fields.set(button.name, button.value);
    let reply;
    try {
      reply = await post(`${this.url}/send`, fields);
    } catch {
      // It may have it: nobody knows. Sent twice it is not, as the second time finds no draft any more.
      this.failed("Pillarbox does not answer. If this is not in the outbox, it is a draft: send it again later.");
      return;
    }
    if (!reply.ok) {
      if (reply.headers.get("HX-Trigger")) this.refused(trouble(reply));
      else this.show(await reply.text());
      return;
    }
    const { id, back, hold } = await reply.json();
    this.gone = true;
    const seconds = Math.round(hold);
    const which = this.name();
    if (seconds) leaveFor(back, `Leaves in {left} s: ${which}`, `/outbox/${id}/edit`, seconds);
    else leaveFor(back, `On its way: ${which}`);
  }

  /** Which message this is among several, in a few words. */
  name() {
    const { subject, to, cc, bcc } = this.form.elements;
    const named = [...subject.value.trim()];
    const words = named.length ? named : [...[to, cc, bcc].map(({ value }) => value.trim()).find(Boolean)];
    return `“${words.slice(0, NAME).join("")}${words.length > NAME ? "…" : ""}”`;
  }

  async discard() {
    if (!(await this.save())) return; // what was typed last is to come back, too, if it does
    let reply;
    try {
      reply = await post(`${this.url}/discard`, { back: this.form.elements.back.value });
    } catch {
      toast("Not discarded: Pillarbox does not answer.");
      return;
    }
    if (!reply.ok) { toastTrouble(trouble(reply)); return; }
    this.gone = true;
    this.uploads.cancelAll();
    keep({ undo: `${this.url}/restore`, say: "Draft discarded" });
    location.assign((await reply.json()).back);
  }

  /** The page as the server sees it: what is wrong, or to be asked. */
  show(html, { focus = true } = {}) {
    const fresh = formIn(html);
    if (!fresh) { this.failed(NOT_DONE); return; }
    this.gone = true;
    this.fresh = false;
    this.replaced.abort();
    this.form.replaceWith(document.adoptNode(fresh));
    this.begin({ focus });
  }
}

/** Keep what is typed into `form`; its keeper. */
export function keepDraft(form, begin) {
  const keeper = new Keeper(form, begin);
  form.addEventListener("input", (event) => {
    if (event.target === form.elements.text) keeper.typed = true;
    if (event.target.type !== "file") keeper.touched();
  });
  form.addEventListener("change", (event) => {
    if (event.target.type !== "file") keeper.touched();
    if (event.target.name === "account") keeper.save(); // the signature changes with it: at once, not while one types on
  });
  form.elements.text.addEventListener("compositionstart", () => {
    const ended = keeper.composing();
    form.elements.text.addEventListener("compositionend", () => setTimeout(ended), { once: true });
  });
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    event.preventDefault();
    keeper.fresh = false;
    if (button?.hasAttribute("data-send")) once(button, () => keeper.send(button));
    else if (button?.hasAttribute("data-discard")) once(button, () => keeper.discard());
    else if (!button?.hasAttribute("data-detach")) keeper.save({ always: true });
  });
  followNewest(form, keeper);
  const { signal } = keeper.replaced;
  document.addEventListener("visibilitychange", () => { if (document.hidden) keeper.save(); }, { signal });
  addEventListener("pagehide", () => keeper.save(), { signal });
  addEventListener("pageshow", (event) => { if (event.persisted && form.isConnected) location.reload(); }, { signal });
  addEventListener("beforeunload", (event) => {
    if (keeper.gone || !form.isConnected) return;
    keeper.save();
    if (keeper.dirty || keeper.fragile || keeper.uploads.busy) event.preventDefault(); // the browser asks whether to leave
  }, { signal });
  return keeper;
}

async function once(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  await work();
  button.removeAttribute("aria-disabled");
}
