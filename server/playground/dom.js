// Small tools of the page: elements, words, the clipboard.

export const $ = (id) => document.getElementById(id);
export const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// element makes one: element("p", {id: "x"}, "text", child). Text is never read as HTML.
export function element(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v !== false && v !== null && v !== undefined) e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

export const bytes = (n) => (n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(n < 1e4 ? 1 : 0)} kB` : `${(n / 1e6).toFixed(1)} MB`);

export const milliseconds = (ms) => (ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`);

let spoken = 0;

// say tells something for some seconds.
export function say(text) {
  clearTimeout(spoken);
  $("status").textContent = text;
  if (text) spoken = setTimeout(() => { $("status").textContent = ""; }, 6000);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text); // there is none on a page that came over plain HTTP from another machine
  } catch {
    if (!copyBySelection(text)) return say(`The browser does not let this page copy: ${text}`);
  }
  say(`${what} copied`);
}

// copyBySelection copies without the clipboard's interface, and reports whether
// it could.
function copyBySelection(text) {
  const back = document.activeElement;
  const field = element("textarea", { class: "hidden", readonly: true }, text);
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  back?.focus();
  return done;
}

// ask returns the JSON of an answer, or throws what the server says.
export async function ask(path) {
  const r = await fetch(path);
  if (!r.ok) throw new Error((await r.text()).trim().slice(0, 300) || r.statusText);
  return r.json();
}
