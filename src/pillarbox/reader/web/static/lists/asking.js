/* Pages and answers of the server, for the parts of a list. */

const NO_ANSWER = "Pillarbox does not answer. If it was ended, start it again with: pillarbox read";
const NOT_UNDERSTOOD = "This did not work. Reload the page, and try again.";

const FOR_GOOD = 409; // what cannot be done; all else may be better the next time

/** The server said no, in `message`, or did not answer. `door`: where one signs in, if that is missing. */
export class Refused extends Error {
  constructor(message, { door = "", status = 0 } = {}) {
    super(message);
    this.door = door;
    this.forGood = status === FOR_GOOD;
  }
}

/** The page at `url`. Raises Refused; an AbortError when `signal` says so. */
export async function pageAt(url, signal) {
  const reply = await answered(fetch(url, { signal, headers: { "HX-Request": "true" } }));
  const html = await reply.text();
  return new DOMParser().parseFromString(html, "text/html");
}

/** The part of the list at `url` that begins with row `first`, null: there are no rows; those that have come `since` that moment (if
    there is one) say so. `told(page)` is what else the page says. */
export async function rowsAt(url, { first, since, signal, told }) {
  const asked = new URL(url, location.origin);
  if (first) asked.searchParams.set("first", first);
  if (since) asked.searchParams.set("since", since);
  const page = await pageAt(asked, signal);
  told(page);
  return page.getElementById("rows");
}

/** What a reply tells the page: the events of its header HX-Trigger. Raises Refused. */
export async function told(asked) {
  return eventsOf(await answered(asked));
}

async function answered(asked) {
  let reply;
  try {
    reply = await asked;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(NO_ANSWER);
  }
  if (!reply.ok) {
    const { trouble } = eventsOf(reply);
    throw new Refused(trouble?.say ?? NOT_UNDERSTOOD, { door: trouble?.door, status: reply.status });
  }
  return reply;
}

function eventsOf(reply) {
  try {
    return JSON.parse(reply.headers.get("HX-Trigger") ?? "{}");
  } catch {
    return {};
  }
}
