/* What an action will do to the rows of a list: known before the server has answered. Pure functions. */

const INBOX = "Inbox";

/** Whether messages leave the list that shows `folder` (null: a search, in `within` or everywhere). */
export function leaves(action, { to, folder, within }) {
  if (action === "erase" || action === "empty-trash") return true;
  const target = { archive: "Archive", delete: "Trash", move: to }[action];
  if (!target) return false;
  if (folder === null) return within ? within !== target : target === "Trash";
  if (folder === INBOX) return !target.startsWith(`${INBOX}/`);
  return folder !== target;
}

/** Which class a mark gives to a row, and whether it has it then; null: none. */
export function markOf(flag, on) {
  if (flag === "seen" || flag === "S") return { name: "unread", on: !on };
  if (flag === "flagged" || flag === "F") return { name: "flagged", on };
  return null;
}

export const isOff = (on) => ["0", "off", "false", "no"].includes(on);

/** A flag is set, or taken off when all of them have it. */
export const flagOn = (flagged) => !(flagged.length && flagged.every(Boolean));

export function counted(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
