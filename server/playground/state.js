// What is chosen, the URL that it makes, and the way back.

export const state = {
  site: null, // as the server describes itself
  handler: null, // of site.handlers
  name: "", // of the picture
  values: new Map(), // of options, by name
  folder: "",
  size: null, // of the original, upright: {width, height, format, bytes}
  result: null, // what is on the stage: {url, blob, source, width, height, format, accept}
  pinned: null, // {source, facts}
};

// accept is what browsers say that they take.
export const accept = "image/avif,image/webp,image/*,*/*;q=0.8";

// ---------------------------------------------------------------- URLs

const escapeName = (name) => name.split("/").map(encodeURIComponent).join("/");
const escapeValue = (v) => encodeURIComponent(v).replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%20/g, "+");

// queryOf writes options in the order of the table.
export function queryOf(values) {
  const query = [];
  for (const o of state.site.options) {
    const v = values.get(o.name);
    if (v) query.push(`${o.name}=${escapeValue(v)}`);
  }
  return query.join("&");
}

export function pictureURL(name = state.name, values = state.values) {
  const query = queryOf(values);
  return `${state.handler.prefix}/${escapeName(name)}${query ? "?" + query : ""}`;
}

// withParameter adds one to a URL that may have some.
export const withParameter = (url, pair) => url + (url.includes("?") ? "&" : "?") + pair;

// valuesOf returns the options of a query.
export const valuesOf = (query) => new Map(new URLSearchParams(query));

// but returns the options with others, of which an empty one is left out.
export function but(changes, values = state.values) {
  const all = new Map(values);
  for (const [k, v] of Object.entries(changes)) {
    if (v === "") all.delete(k);
    else all.set(k, String(v));
  }
  return all;
}

// offered returns the options that count for this handler.
export const offered = () => state.site.options.filter((o) => !state.handler.ignored.includes(o.name));
export const counts = (name) => offered().some((o) => o.name === name);

// publicURL is where everybody gets a path: not at the listener of operators.
export function publicURL(path) {
  const base = state.site.operator ? publicAddress() + "/" : new URL("./", location.href).href;
  return base + path.replace(/^\//, "");
}

// publicAddress is what the operator says, else what the configuration tells.
export function publicAddress() {
  let said = "";
  try {
    said = localStorage.getItem("address") || "";
  } catch {
    // the browser keeps nothing
  }
  return said || state.site.address;
}

// ---------------------------------------------------------------- the way back

// Every change is an entry of the browser's history, so that Back undoes it, a
// reload keeps it and a link tells it. What is typed into one field, and one drag, are one.
let at = 0; // place of what is shown
let last = 0; // of the newest
let written = ""; // the option that was changed last, and may go on changing
let begun = false;

export function remember(key) {
  const address = "#" + pictureURL();
  if (!begun) { // what the page begins with is no change
    begun = true;
    return history.replaceState({ at }, "", address);
  }
  if (address === location.hash) return;
  const same = key && key === written;
  written = key;
  if (same) return history.replaceState({ at }, "", address);
  at++;
  last = at;
  history.pushState({ at }, "", address);
}

// settle ends a row of changes: what comes next is undone by itself.
export function settle() {
  written = "";
}

export const canUndo = () => at > 0;
export const canRedo = () => at < last;
export const undo = () => canUndo() && history.back();
export const redo = () => canRedo() && history.forward();

// arrive notes which entry the browser went to; an address that was typed is a new one.
export function arrive(entry) {
  settle();
  if (entry && Number.isInteger(entry.at)) at = entry.at;
  else {
    at++;
    last = at;
    history.replaceState({ at }, "", location.href);
  }
  last = Math.max(last, at);
}

export function beginHistory() {
  at = Number.isInteger(history.state?.at) ? history.state.at : 0;
  last = at;
  history.replaceState({ at }, "", location.href);
}

// ---------------------------------------------------------------- reading URLs

// read takes a path of ours apart: {handler, name, values, unknown}, or null if no
// handler of the page has it.
export function read(path, query) {
  const handler = state.site.handlers.filter((h) => path.startsWith(h.prefix + "/")).sort((a, b) => b.prefix.length - a.prefix.length)[0];
  if (!handler) return null;
  let name;
  try {
    name = decodeURIComponent(path.slice(handler.prefix.length + 1));
  } catch {
    return null;
  }
  const values = new Map();
  const unknown = [];
  const own = new Set(state.site.options.map((o) => o.name));
  const names = new Map(state.site.options.map((o) => [o.long, o.name]));
  for (const [k, v] of new URLSearchParams(query)) {
    const short = names.get(k) || k;
    if (!v || ["sig", "exp", "t"].includes(k)) continue; // they are of one URL, not of a picture
    if (own.has(short)) {
      if (short === k || !values.has(short)) values.set(short, v);
    } else unknown.push(k);
  }
  return { handler, name, values, unknown };
}

// take makes what was read what is chosen.
export function take({ handler, name, values }) {
  Object.assign(state, { handler, name, values, folder: name.includes("/") ? name.replace(/[^/]*$/, "") : "" });
}

// recall takes what the address of the page says, and reports whether it says something.
export function recall() {
  const [path, ...query] = location.hash.slice(1).split("?");
  const said = read(path, query.join("?"));
  if (said) take(said);
  return said;
}
