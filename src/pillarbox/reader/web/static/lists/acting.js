/* What is done to messages: every form that goes to /do/, or undoes something, wherever it stands in the page. Rows leave at once; when
   the server refuses, they come back. */

import { post } from "../shell.js";
import { UNDOES, changed, forget, keep, undone } from "../undoing.js";
import { told } from "./asking.js";
import { sure, where } from "./dialogs.js";
import { flagOn, isOff, leaves, markOf } from "./effects.js";
import { isWide, keepUnread, messageIn, opened } from "./opening.js";
import { isNew, keyOf, placeOf } from "./row.js";
import { trouble } from "./saying.js";

const DOES = /^\/do\/([a-z-]+)$/;
const ERASING = new Set(["erase", "empty-trash"]);

/** A change as the server tells it. */
const asChange = ({ id, say }) => ({ undo: id && `/undo/${encodeURIComponent(id)}`, say });

export class Acting {
  /** `lists`: what is in the page now (rows, selection, cursor), and what is to happen next. */
  constructor(lists) {
    this.lists = lists;
    this.asking = false; // a question is on its way
    document.addEventListener("submit", (event) => this.submitted(event), true);
    this.pending = []; // what is on its way to the server: { back: how much is to be undone at once, from it on }
    document.addEventListener("changed", (event) => changed(asChange(event.detail)));
    document.addEventListener("key", (event) => this.pressed(event));
  }

  /** Undo, while there is no answer yet that says what: it is meant for what was done last, once more for what was done before that. */
  pressed(event) {
    if (event.detail.key !== "z" || !this.pending.length) return;
    event.preventDefault();
    const next = this.pending.findLast(({ back }) => !back) ?? this.pending[0];
    next.back += 1;
  }

  submitted(event) {
    const form = event.target;
    const button = event.submitter;
    const action = button?.hasAttribute("formaction") ? button.formAction : form.action;
    const url = new URL(action, location.origin);
    const undoes = UNDOES.test(url.pathname);
    if (form.method === "dialog" || !undoes && !DOES.test(url.pathname)) return;
    // Where there are no dialogs the server asks what has to be asked.
    if (!undoes && !document.getElementById("sure")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    button?.closest("details:is(.more-tools, .letter-more)")?.removeAttribute("open");
    this.begin(form, button, url).catch(trouble);
  }

  async begin(form, button, url) {
    if (this.lists.choosing && !await this.lists.choosing) return;
    const instead = form.id === "choose" && button?.dataset.key && this.lists.cursor.inPane(button.dataset.key);
    if (instead) {
      instead.click();
      return;
    }
    const fields = form.id === "choose" ? this.lists.chosen() : new URLSearchParams(new FormData(form, button));
    const back = fields.get("back");
    fields.delete("back");
    for (const [name, value] of url.searchParams) fields.set(name, value);
    const done = await this.act(url.pathname, fields, Boolean(form.closest("#pane")));
    if (!done || !back || document.getElementById("found")) return;
    if (!done.undo) keep(done); // a page without a list shows what was undone when it is fetched anew
    location.assign(back);
  }

  /** Ask what has to be asked, do it, and have the server do it; then undo `back` changes, from this on. What was done, at last; null:
      nothing was. */
  async act(path, fields, inPane = false, back = 0) {
    const name = path.match(DOES)?.[1] ?? "undo";
    if (name !== "undo" && name !== "empty-trash" && !fields.has("m") && !fields.has("all")) {
      throw new Error("Choose a message first: open one, or select some.");
    }
    if (!await this.asked(name, path, fields)) return null;
    const keys = this.affected(fields);
    if (name === "mark") this.decide(fields, keys);
    const { rows } = this.lists;
    if (rows) rows.held += 1;
    const next = this.expect(name, fields, keys);
    const mine = { back };
    this.pending.push(mine);
    let again = null;
    let done = null;
    let more = null;
    try {
      const events = await told(post(path, fields));
      this.ended(mine);
      done = events.changed ? asChange(events.changed) : null;
      again = events.asked; // these are other messages than one has said yes to, or they lie in Trash already
      if (again) await next.undo();
      let last = done?.undo;
      if (done && name === "undo") last = undone(path, done.say);
      else if (done) changed(done);
      if (last && mine.back) more = this.takeBack(last, mine.back);
      if (!inPane && !again && name !== "mark" && name !== "undo") this.lists.selection.everything();
      if (next.stays && (inPane || keys.includes(opened()?.key))) await this.lists.refreshTools();
    } catch (error) {
      trouble(error);
      if (name === "undo" && error.forGood) forget(path);
      await next.undo();
    } finally {
      this.ended(mine);
      if (rows) rows.held -= 1;
    }
    await this.lists.refresh();
    return again ? this.act(`/do/${again.action}`, fields, inPane) : await more ?? done;
  }

  ended(mine) {
    this.pending = this.pending.filter((one) => one !== mine);
  }

  /** Undo `times` changes, the first by `path`. */
  takeBack(path, times) {
    if (!UNDOES.test(path)) {
      document.querySelector("#changed form").requestSubmit();
      return new Promise(() => {}); // it opens another page: nothing comes after it
    }
    return this.act(path, new URLSearchParams(), false, times - 1).catch(trouble);
  }

  async asked(name, path, fields) {
    if (name === "move" && !fields.get("to") && !fields.get("new")) {
      const choice = await where();
      for (const [field, value] of Object.entries(choice ?? {})) fields.set(field, value);
      return Boolean(choice);
    }
    if (!ERASING.has(name)) return true;
    const asked = await this.question(path, fields);
    if (!asked) return false;
    fields.set("sure", asked.sure);
    return sure("Remove for good?", `${asked.what[0].toUpperCase()}${asked.what.slice(1)} will be removed.`);
  }

  /** What the server asks before it does this: it knows for how many messages a row stands. Nothing: it has said why not, or is
      being asked already. */
  async question(path, fields) {
    if (this.asking) return null;
    this.asking = true;
    fields.delete("sure");
    try {
      const events = await told(post(path, fields));
      if (events.changed) changed(asChange(events.changed));
      return events.asked;
    } finally {
      this.asking = false;
    }
  }

  /** Messages that it is about, as far as they are in the page. */
  affected(fields) {
    const { rows } = this.lists;
    if (!fields.has("all")) return fields.getAll("m");
    const [but, also] = ["but", "m"].map((name) => new Set(fields.getAll(name)));
    return rows ? rows.all.filter((row) => (isNew(row) ? also.has(keyOf(row)) : !but.has(keyOf(row)))).map(keyOf) : [];
  }

  /** A key flags, and takes the flag off again. */
  decide(fields, keys) {
    const flag = fields.get("flag");
    if (flag === "flagged" && fields.get("on") === "1" && fields.has("list")) {
      const flagged = keys.map((key) => this.lists.rows?.of(key)?.classList.contains("flagged") ?? false);
      fields.set("on", flagOn(flagged) ? "1" : "0");
    }
    if (flag === "seen" && isOff(fields.get("on"))) keepUnread(keys);
  }

  /** Show what will be. `undo` shows again what is; `stays`: the message that is open does. */
  expect(name, fields, keys) {
    const { lists } = this;
    const nothing = { stays: true, undo() {} };
    if (name === "mark") this.mark(fields, keys);
    if (name === "undo" || !lists.rows) return nothing;
    // What is in Trash stays, or is asked about.
    if (name === "delete") keys = keys.filter((key) => lists.rows.of(key)?.dataset.folder !== "Trash");
    if (!keys.length) return nothing;
    const at = { to: fields.get("to") ?? fields.get("new"), folder: lists.rows.folder, within: lists.within };
    if (!leaves(name, at)) return nothing;
    const open = opened();
    const row = open && lists.rows.ofOpened(open.key, open.thread);
    const { gap, isAhead, wanted: url } = lists.cursor; // what is on its way into the pane is not to come when it leaves
    const wasOpen = isAhead ? keys.includes(messageIn(url)) : Boolean(open) && (keys.includes(open.key) || Boolean(row && keys.includes(keyOf(row))));
    if (wasOpen) lists.cursor.rest();
    const inList = lists.rows.list.contains(document.activeElement) || document.activeElement === document.body;
    const { rows } = lists;
    const { gone: [first], putBack } = rows.remove(keys);
    const rest = wasOpen && !isAhead && rows.ofOpened(open.key, open.thread); // of its conversation
    const place = first ?? (rest ? placeOf(rest) : gap);
    const going = lists.after({ place, wasOpen, hadFocus: inList || wasOpen });
    const undo = async () => {
      await going;
      if (lists.rows === rows) putBack();
      lists.cursor.key = keys[0];
      if (wasOpen) await lists.open(url, "replace", false);
      if (inList) lists.focusRow();
    };
    return { stays: !wasOpen, undo };
  }

  mark(fields, keys) {
    const mark = markOf(fields.get("flag"), !isOff(fields.get("on")));
    for (const key of mark ? keys : []) {
      const row = this.lists.rows?.of(key);
      if (!row) continue;
      row.classList.toggle(mark.name, mark.on);
      row.dataset.guess = "";
    }
  }
}
