// The URL: shown, taken apart, and read when one is pasted.
import { $, ask, element, say } from "./dom.js";
import { labelOf, nearest } from "./labels.js";
import { goTo } from "./options.js";
import { pictureURL, publicURL, read, state, withParameter } from "./state.js";

let take = () => {}; // take(what was read)
let change = () => {}; // change(name, value)
let unknown = []; // names in the URL that was read which mean nothing here

export function setUpAddress(onTake, onChange) {
  take = onTake;
  change = onChange;
  const field = $("url");
  field.onfocus = () => field.select();
  field.onkeydown = (e) => {
    if (e.key === "Enter") open(field.value);
    if (e.key === "Escape") showURL();
  };
  field.onpaste = (e) => {
    const text = e.clipboardData?.getData("text") || "";
    if (!/^\s*(https?:\/\/|\/)/i.test(text)) return; // a part of one, which is typed in
    e.preventDefault();
    field.value = text.trim();
    open(text);
  };
  field.onblur = () => { if (document.activeElement !== field) showURL(); };
  // A URL that is pasted anywhere but in a field is meant to be opened.
  document.addEventListener("paste", (e) => {
    const text = e.clipboardData?.getData("text") || "";
    if (/input|textarea|select/i.test(e.target.tagName) || !/^\s*https?:\/\//i.test(text)) return;
    e.preventDefault();
    open(text);
  });
}

export const noteUnknown = (names) => { unknown = names; };

export function showURL() {
  if (!state.name) return;
  const own = publicURL(pictureURL());
  $("url").value = own;
  $("open").href = new URL(pictureURL(), new URL("./", location.href)).href; // of this listener: it lets in who looks at it
  showParts();
}

function showParts() {
  const part = (kind, ...content) => element("span", { class: "part " + kind }, ...content);
  const parts = [part("fixed", element("b", {}, "Handler"), ` ${state.handler.prefix}`), part("fixed", element("b", {}, "Picture"), ` ${state.name}`)];
  for (const o of state.site.options) {
    const v = state.values.get(o.name);
    if (!v) continue;
    parts.push(part("",
      element("button", { type: "button", class: "link", title: `${o.name}=${v}`, onclick: () => goTo(o.name) }, element("b", {}, labelOf(o.name)), ` ${v}`),
      element("button", { type: "button", class: "clear", "aria-label": `Clear ${labelOf(o.name)}`, onclick: () => change(o.name, "") }, "×")));
  }
  for (const name of unknown) {
    const near = nearest(state.site.options, name);
    parts.push(part("wrong", `“${name}” is no option${near ? `: did you mean ${labelOf(near.name)} (${near.name})?` : ""}`));
  }
  $("parts").replaceChildren(...parts);
}

let opening = 0;

// open reads a URL of ours, or of another server whose URLs a handler reads.
export async function open(text) {
  const turn = ++opening;
  text = text.trim();
  if (/^[a-z0-9.-]+(:[0-9]+)?\//i.test(text)) text = (/^[a-z0-9.-]*(\.|:[0-9])/i.test(text.split("/")[0]) ? "http://" : "/") + text;
  let url;
  try {
    url = new URL(text, location.origin);
  } catch {
    return say("This is no URL");
  }
  if (!/^https?:$/.test(url.protocol)) return say("This is no URL of a picture");
  const base = new URL("./", location.href).pathname;
  const paths = [url.pathname.slice(1)];
  if (base !== "/" && url.pathname.startsWith(base)) paths.unshift(url.pathname.slice(base.length));
  const said = url.hash.length > 1 && paths[0] === "" ? read(...split(url.hash.slice(1))) : paths.map((p) => read(p, url.search.slice(1))).find(Boolean);
  if (said?.name) {
    unknown = said.unknown;
    take(said);
    return say(/[?&]sig=/.test(url.search) ? "Read; the signature is of that URL only, and left out" : "Read");
  }
  try {
    const own = await translated(text);
    if (turn !== opening) return;
    const [path, query] = split(own.url.replace(/^\//, ""));
    const found = read(path, query);
    if (!found) throw new Error("No handler of this page answers it.");
    unknown = found.unknown;
    take(found);
    say(`Read as a URL of ${own.dialect}`);
  } catch (err) {
    if (turn === opening) say(`Not read: ${err.message}`);
  }
}

function split(address) {
  const i = address.indexOf("?");
  return i < 0 ? [address, ""] : [address.slice(0, i), address.slice(i + 1)];
}

// translated asks what a URL of another server is in ours; where its size decides,
// the picture is asked for it.
async function translated(text) {
  const q = new URLSearchParams({ url: text });
  const first = await ask("_playground/translate?" + q);
  if (!first.size) return first;
  const path = `${first.prefix}/${first.name.split("/").map(encodeURIComponent).join("/")}`;
  const { width, height } = await ask(withParameter(path, "info=size"));
  q.set("width", width);
  q.set("height", height);
  return ask("_playground/translate?" + q);
}
