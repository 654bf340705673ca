// The playground: what is chosen is a URL; the URL is fetched, and shown beside
// the original. Every option comes from the server's table.

const $ = (id) => document.getElementById(id);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

const state = {
  site: null, // as the server describes itself
  handler: null, // of site.handlers
  name: "", // of the picture
  values: new Map(), // of options, by name
  folder: "",
  size: null, // of the original: {width, height, bytes}
  pinned: null, // {url, facts}
};

// ---------------------------------------------------------------- URLs

const escapeName = (name) => name.split("/").map(encodeURIComponent).join("/");
const escapeValue = (v) => encodeURIComponent(v).replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%20/g, "+");

function pictureURL(name, values) {
  const query = [];
  for (const o of state.site.options) {
    const v = values.get(o.name);
    if (v) query.push(`${o.name}=${escapeValue(v)}`);
  }
  return `${state.handler.prefix}/${escapeName(name)}${query.length ? "?" + query.join("&") : ""}`;
}

// valuesOf returns the options of a query.
const valuesOf = (query) => new Map(new URLSearchParams(query));

const absolute = (url) => new URL(url, document.baseURI).href;

// remember keeps what is chosen in the address, so that it can be sent to
// somebody and survives a reload.
function remember() {
  history.replaceState(null, "", "#" + pictureURL(state.name, state.values));
}

// recall takes what an address says, and reports whether it says something.
function recall(address = location.href) {
  const [path, query = ""] = new URL(address).hash.slice(1).split("?");
  const handler = state.site.handlers.filter((h) => path.startsWith(h.prefix + "/")).sort((a, b) => b.prefix.length - a.prefix.length)[0];
  if (!handler) return false;
  state.handler = handler;
  try {
    state.name = decodeURIComponent(path.slice(handler.prefix.length + 1));
  } catch {
    return false;
  }
  state.values = new Map();
  const given = new URLSearchParams(query);
  for (const o of state.site.options) if (given.get(o.name)) state.values.set(o.name, given.get(o.name));
  state.folder = state.name.includes("/") ? state.name.replace(/[^/]*$/, "") : "";
  return true;
}

// ---------------------------------------------------------------- words

const bytes = (n) => (n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(n < 1e4 ? 1 : 0)} kB` : `${(n / 1e6).toFixed(1)} MB`);

function say(text) {
  $("status").textContent = text;
}

async function copy(text, what) {
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

// what a status means, for those who do not know them by heart.
const meanings = {
  400: "the server does not take this URL", 404: "there is no such picture, or this URL may not show it", 413: "the picture is too large",
  415: "this is no picture, or of a kind that is not read here", 422: "the picture is damaged, or larger than is allowed",
  429: "too many requests: try again in a moment", 500: "a fault of the server", 502: "the store does not give the picture",
  503: "the server or the store is busy: try again in a moment", 504: "the store takes too long",
};

// cacheWords says what a Cache-Status says.
function cacheWords(header) {
  const params = header.split(";").slice(1).map((s) => s.trim());
  const value = (name) => params.find((p) => p.startsWith(name + "="))?.slice(name.length + 1).replaceAll('"', "");
  if (params.includes("hit")) return value("detail") ? `hit, ${value("detail")}` : "hit";
  return value("fwd") || "–";
}

async function ask(path) {
  const r = await fetch(path);
  if (!r.ok) throw new Error((await r.text()).trim() || r.statusText);
  return r.json();
}

// element makes one: element("p", {id: "x"}, "text", child).
function element(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v !== false && v !== null && v !== undefined) e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children);
  return e;
}

// ---------------------------------------------------------------- pictures

let listing = 0;

async function showPictures(after = "") {
  const turn = ++listing;
  const q = new URLSearchParams({ handler: state.handler.prefix, folder: state.folder, after, q: $("search").value });
  let list;
  try {
    list = await ask("_playground/pictures?" + q);
  } catch (err) {
    if (turn === listing) $("pictures").replaceChildren(element("p", {}, String(err.message)));
    return;
  }
  if (turn !== listing) return; // another question came after
  if (!after) $("pictures").replaceChildren();
  showCrumbs();
  for (const f of list.folders) {
    const name = f.slice(state.folder.length, -1);
    $("pictures").append(element("li", { class: "folder-item" }, element("button", { type: "button", class: "folder", onclick: () => enter(f) }, name)));
  }
  const thumbnail = valuesOf(state.handler.queries.thumbnail);
  for (const name of list.names) {
    const short = name.replace(/^.*\//, "");
    const img = element("img", { src: pictureURL(name, thumbnail), alt: "", loading: "lazy", width: 160, height: 160, onerror: (e) => e.target.replaceWith(element("span", { class: "unseen", title: "no picture can be made of it" })) });
    $("pictures").append(element("li", {}, element("button", { type: "button", title: name, "data-name": name, "aria-current": String(name === state.name), onclick: () => choose(name) }, img, element("span", { class: "name" }, short))));
  }
  if (!list.listable) $("pictures").append(element("p", {}, "This source cannot name its pictures: type a name above."));
  else if (!list.names.length && !list.folders.length && !after) $("pictures").append(element("p", {}, $("search").value ? "Nothing is found." : "There are no pictures here."));
  $("more").hidden = !list.next;
  $("more").onclick = () => showPictures(list.next);
  if (!state.name && list.names.length) choose(list.names[0]);
}

function showCrumbs() {
  const parts = state.folder.split("/").filter(Boolean);
  if (!parts.length) return $("crumbs").replaceChildren();
  const buttons = [element("button", { type: "button", onclick: () => enter("") }, "all")];
  parts.forEach((p, i) => buttons.push(" / ", element("button", { type: "button", onclick: () => enter(parts.slice(0, i + 1).join("/") + "/") }, p)));
  $("crumbs").replaceChildren(...buttons);
}

function enter(folder) {
  state.folder = folder;
  $("search").value = "";
  showPictures();
}

// choose takes another picture; the focal point was that of the one before.
function choose(name) {
  if (name !== state.name && (state.values.get("g") || "").startsWith("fp:")) setValue("g", "");
  state.name = name;
  $("name").value = name;
  for (const b of $("pictures").querySelectorAll("[data-name]")) b.setAttribute("aria-current", String(b.dataset.name === name));
  showOriginal();
  update();
}

// ---------------------------------------------------------------- options

function showOptions() {
  const groups = new Map();
  for (const o of offered()) {
    if (!groups.has(o.group)) groups.set(o.group, []);
    groups.get(o.group).push(o);
  }
  $("groups").replaceChildren();
  let first = true;
  for (const [name, options] of groups) {
    const box = element("details", { class: "group", "data-group": name, open: first || options.some((o) => state.values.get(o.name)) }, element("summary", {}, name + " ", element("small", {})));
    for (const o of options) box.append(optionRow(o));
    $("groups").append(box);
    first = false;
  }
  for (const o of offered()) showValue(o.name);
}

// offered returns the options that count for this handler.
const offered = () => state.site.options.filter((o) => !state.handler.ignored.includes(o.name));

// wordsOf returns the words that a menu offers for an option of this handler.
function wordsOf(o) {
  switch (o.name) {
    case "f": return ["auto", ...new Set([state.handler.format, ...state.handler.formats])].filter((w, i, all) => all.indexOf(w) === i);
    case "wm": return state.handler.watermarks;
    case "preset": return state.handler.presets;
    case "txtfont": return [...new Set([...["regular", "bold", "italic", "mono"].filter((w) => o.doc.includes(w)), ...state.handler.fonts])];
  }
  return o.control.words || [];
}

function optionRow(o) {
  const id = "option-" + o.name;
  const words = wordsOf(o);
  const kind = ["wm", "preset"].includes(o.name) && words.length ? "choice" : o.control.kind;
  const change = (e) => setValue(o.name, e.target.value);
  const most = o.control.max || state.handler.max_dimension;
  const controls = [];
  switch (kind) {
    case "switch":
      controls.push(menu(id, ["true", "false"], change));
      break;
    case "choice":
      if (o.control.free || o.name === "txtfont" || o.name === "preset") controls.push(suggestions(id, words, change));
      else controls.push(menu(id, words, change));
      break;
    case "range":
      controls.push(
        element("input", { type: "range", "data-part": "range", "aria-label": o.name, min: Math.min(o.control.min, o.control.min > 0 && o.control.min < o.control.step ? 0 : o.control.min), max: most, step: o.control.step, oninput: change }),
        element("input", { id, type: "number", min: o.control.min, max: most, step: "any", oninput: change }),
      );
      break;
    case "number":
      controls.push(
        element("input", { type: "range", "data-part": "range", "aria-label": o.name, min: o.control.min, max: Math.min(most, o.name === "maxbytes" ? 200000 : 2000), step: o.control.step, oninput: change }),
        words.length ? suggestions(id, words, change) : element("input", { id, type: "number", min: o.control.min, max: most, step: o.control.step, oninput: change }),
      );
      break;
    case "color":
      controls.push(
        element("input", { type: "color", "data-part": "color", "aria-label": o.name, oninput: (e) => setValue(o.name, e.target.value.slice(1)) }),
        suggestions(id, words, change),
      );
      break;
    default:
      controls.push(words.length ? suggestions(id, words, change) : element("input", { id, type: "text", autocomplete: "off", spellcheck: "false", oninput: change }));
  }
  controls.push(element("button", { type: "button", "aria-label": `Clear ${o.name}`, onclick: () => setValue(o.name, "") }, "×"));
  return element("div", { class: "option", "data-option": o.name },
    element("div", { class: "head" }, element("label", { for: id }, element("code", {}, o.name)), element("span", { class: "values" }, o.values.replaceAll("`max_dimension`", state.handler.max_dimension).replaceAll("`", ""))),
    element("p", {}, o.doc.replaceAll("`", "")),
    element("div", { class: "row" }, ...controls));
}

function menu(id, words, change) {
  return element("select", { id, onchange: change }, element("option", { value: "" }, "–"), ...words.map((w) => element("option", { value: w }, w)));
}

function suggestions(id, words, change) {
  const list = element("datalist", { id: id + "-words" }, ...words.map((w) => element("option", { value: w })));
  const input = element("input", { id, type: "text", list: words.length ? id + "-words" : null, autocomplete: "off", spellcheck: "false", oninput: change });
  const both = document.createDocumentFragment();
  both.append(input, list);
  return both;
}

function setValue(name, value) {
  if (value === "") state.values.delete(name);
  else state.values.set(name, String(value));
  showValue(name);
  update();
}

// showValue puts the value of an option into its controls.
function showValue(name) {
  const row = document.querySelector(`[data-option="${name}"]`);
  if (!row) return;
  const value = state.values.get(name) || "";
  row.classList.toggle("set", value !== "");
  for (const c of row.querySelectorAll("input, select")) {
    if (c === document.activeElement && c.type !== "range" && c.value !== "" && value !== "") continue;
    if (c.dataset.part === "color") c.value = /^[0-9a-f]{6}/i.test(value) ? "#" + value.slice(0, 6) : "#808080";
    else if (c.dataset.part === "range") c.value = value === "" ? neutral(c) : value;
    else c.value = value;
  }
  const group = row.closest(".group");
  const n = group.querySelectorAll(".option.set").length;
  group.querySelector("small").textContent = n ? String(n) : "";
  if (name === "g") showFocus();
}

// neutral is where a slider rests while nothing is given.
const neutral = (c) => (Number(c.min) < 0 ? 0 : c.min);

function filterOptions() {
  const word = $("filter").value.trim().toLowerCase();
  for (const group of $("groups").children) {
    let any = false;
    for (const row of group.querySelectorAll(".option")) {
      row.hidden = word !== "" && !row.textContent.toLowerCase().includes(word);
      any ||= !row.hidden;
    }
    group.hidden = !any;
    if (word) group.open = true;
  }
}

// ---------------------------------------------------------------- the stage

async function showOriginal() {
  const name = state.name;
  state.size = null;
  if (!state.pinned) {
    $("left").src = pictureURL(name, valuesOf(state.handler.queries.original));
    $("left").alt = `${name}, as it is`;
  }
  $("info").textContent = "";
  try {
    const info = await ask(pictureURL(name, new Map()) + "?info=size,format");
    if (name !== state.name) return;
    state.size = info;
    showTheirs();
    showFacts();
  } catch {
    showFacts();
  }
  if ($("info-box").open) showInfo();
  if ($("snippet-box").open) showSnippet();
}

function showFacts() {
  if (state.pinned) return;
  const s = state.size;
  $("left-title").textContent = "Original";
  $("left-facts").textContent = s && s.width ? `${s.width} × ${s.height} · ${s.format} · ${bytes(s.bytes)}` : "";
}

let updates = 0;
let shownURL = "";

// update fetches the result of what is chosen, when nothing else is chosen for
// a moment.
async function update() {
  if (!state.name) return;
  const turn = ++updates;
  showURL();
  remember();
  $("frames").classList.add("busy");
  await wait(120);
  if (turn !== updates) return;
  showTheirs();
  const url = pictureURL(state.name, state.values);
  const began = performance.now();
  let answer;
  let blob;
  try {
    answer = await fetch(url, { headers: { Accept: "image/avif,image/webp,image/*,*/*;q=0.8" } });
    blob = await answer.blob();
  } catch {
    if (turn === updates) fail("The server does not answer");
    return;
  }
  if (turn !== updates) return;
  const took = performance.now() - began;
  $("frames").classList.remove("busy");
  if (!blob.type.startsWith("image/") || !answer.ok) {
    fail(`${answer.status}: ${meanings[answer.status] || answer.statusText || "not a picture"}`, blob.type.startsWith("image/") ? blob : null);
    showResult(answer, blob, null, took);
    const why = await reason(answer, blob, url);
    if (why && turn === updates) $("fault").append(element("small", {}, why));
    return;
  }
  $("fault").hidden = true;
  const source = URL.createObjectURL(blob);
  const img = $("right");
  img.onload = () => showResult(answer, blob, img, took);
  img.onerror = () => { fail("The browser does not show this format"); showResult(answer, blob, null, took); };
  img.src = source;
  $("peek").querySelector("img").src = source;
  img.alt = `${state.name}, as the URL makes it`;
  if (shownURL && shownURL !== state.pinned?.source) URL.revokeObjectURL(shownURL);
  shownURL = source;
}

// reason returns why there is no picture: what the answer says, or what the
// server tells operators.
async function reason(answer, blob, url) {
  if (blob.type.startsWith("text/plain")) return (await blob.text()).trim().slice(0, 300);
  if (!state.site.operator) return "";
  try {
    return (await ask(url + (url.includes("?") ? "&" : "?") + "explain=1")).error?.text || "";
  } catch {
    return "";
  }
}

function fail(text, blob) {
  const img = $("right");
  $("frames").classList.remove("busy");
  $("fault").textContent = text;
  $("fault").hidden = false;
  img.alt = "";
  img.onload = img.onerror = null;
  if (blob) {
    const source = URL.createObjectURL(blob);
    img.onload = () => URL.revokeObjectURL(source);
    img.src = source;
  } else img.removeAttribute("src");
  $("peek").querySelector("img").removeAttribute("src");
}

function showResult(answer, blob, img, took) {
  const format = blob.type.replace("image/", "");
  const facts = !answer.ok ? { Status: String(answer.status), "Round trip": `${took.toFixed(0)} ms` } : {
    Size: img ? `${img.naturalWidth} × ${img.naturalHeight}` : "–",
    Format: format,
    Bytes: bytes(blob.size) + (state.size?.bytes ? ` · ${Math.round((100 * blob.size) / state.size.bytes)} %` : ""),
    Cache: cacheWords(answer.headers.get("Cache-Status") || ""),
    "Round trip": `${took.toFixed(0)} ms`,
  };
  state.facts = answer.ok ? `${facts.Size} · ${format} · ${bytes(blob.size)}` : "";
  $("right-facts").textContent = state.facts;
  $("facts").replaceChildren(...Object.entries(facts).map(([k, v]) => element("div", {}, element("dt", {}, k), element("dd", {}, v))));
  showStages(answer.headers.get("Server-Timing") || "");
  if ($("explain-box").open) showExplain();
  if ($("snippet-box").open) showSnippet();
}

// showStages draws where the server's time went.
function showStages(timing) {
  const stages = [];
  for (const part of timing.split(",")) {
    const [name, ...params] = part.trim().split(";");
    const dur = params.map((p) => p.trim()).find((p) => p.startsWith("dur="));
    if (dur) stages.push([name, Number(dur.slice(4))]);
  }
  $("stages").hidden = !stages.length;
  $("stages").replaceChildren(...stages.map(([name, ms]) => {
    const span = element("span", { title: `${name}: ${ms} ms` }, `${name} ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`);
    span.style.flexGrow = String(Math.max(ms, 0.01));
    return span;
  }));
}

function showURL() {
  const [path, query] = pictureURL(state.name, state.values).split("?");
  const out = $("url");
  out.replaceChildren(absolute(path));
  if (query) {
    query.split("&").forEach((pair, i) => {
      const [k, ...v] = pair.split("=");
      out.append(element("i", {}, i ? "&" : "?"), element("b", {}, k), "=" + v.join("="));
    });
  }
  $("open").href = absolute(pictureURL(state.name, state.values));
}

// showTheirs shows the same URL as the handlers of the same pictures read it whose
// dialect is that of another server.
async function showTheirs() {
  const out = $("theirs");
  if (!state.site.dialects.length) return;
  const turn = updates;
  const { width = "", height = "" } = state.size || {};
  let all = [];
  try {
    all = await ask(`_playground/dialects?${new URLSearchParams({ url: "/" + pictureURL(state.name, state.values), width, height })}`);
  } catch {
    // what is shown of our own is enough
  }
  if (turn !== updates) return;
  out.replaceChildren(...all.map(({ dialect, url }) => {
    if (!url) return element("p", {}, `${dialect}: its URLs do not say this`);
    const whole = state.site.operator ? url : absolute("." + url); // the listener of operators answers none of them
    return element("p", {}, `${dialect}: `, element("code", { tabindex: "0" }, whole), element("button", { type: "button", onclick: () => copy(whole, `URL of ${dialect}`) }, "Copy"));
  }));
  out.hidden = !all.length;
}

// ---------------------------------------------------------------- the focal point

// imageBox returns where an image lies within its box.
function imageBox(img) {
  const a = img.getBoundingClientRect();
  const b = img.parentElement.getBoundingClientRect();
  return { x: a.x - b.x, y: a.y - b.y, w: a.width, h: a.height };
}

function focalPoint() {
  const m = /^fp:([0-9.]+):([0-9.]+)$/.exec(state.values.get("g") || "");
  return m ? [Number(m[1]), Number(m[2])] : null;
}

function setFocus(x, y) {
  const fraction = (v) => String(Math.round(Math.min(1, Math.max(0, v)) * 1000) / 1000);
  setValue("g", `fp:${fraction(x)}:${fraction(y)}`);
  say(state.values.get("h") || state.values.get("ar") ? "" : "A focal point shows where a picture is cut: set w and h, or ar");
}

function showFocus() {
  const p = focalPoint();
  const mark = $("focus");
  mark.hidden = !p || state.pinned !== null;
  if (mark.hidden) return;
  const box = imageBox($("left"));
  mark.style.left = `${box.x + p[0] * box.w}px`;
  mark.style.top = `${box.y + p[1] * box.h}px`;
}

function clickFocus(e) {
  if (state.pinned) return;
  const a = $("left").getBoundingClientRect();
  if (a.width && a.height) setFocus((e.clientX - a.x) / a.width, (e.clientY - a.y) / a.height);
}

function keyFocus(e) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
  if (!step || state.pinned) return;
  e.preventDefault();
  const [x, y] = focalPoint() || [0.5, 0.5];
  const by = e.shiftKey ? 0.1 : 0.02;
  setFocus(x + step[0] * by, y + step[1] * by);
}

// ---------------------------------------------------------------- comparing

function setView(view) {
  $("frames").dataset.view = view;
  for (const b of document.querySelectorAll("[data-view][type=button]")) b.setAttribute("aria-pressed", String(b.dataset.view === view));
  showFocus();
}

// wipeTo moves the edge between the two pictures.
function wipeTo(percent) {
  $("wipe").value = percent;
  $("frames").style.setProperty("--wipe", $("wipe").value + "%");
}

// dragWipe takes the edge along with a finger or the mouse.
function dragWipe(e) {
  if ($("frames").dataset.view !== "slider" || !(e.buttons & 1) || e.target === $("wipe")) return;
  const a = $("frames").getBoundingClientRect();
  wipeTo(Math.round((100 * (e.clientX - a.x)) / a.width));
}

function pin() {
  if (!shownURL || !$("fault").hidden) return;
  state.pinned = { source: shownURL };
  $("left").src = shownURL;
  $("left").alt = `${state.name}, pinned`;
  $("left-title").textContent = "Pinned";
  $("left-facts").textContent = state.facts;
  $("frames").classList.add("pinned");
  $("unpin").hidden = false;
  showFocus();
  say("Change an option: the result stands beside what is pinned");
}

function unpin() {
  state.pinned = null;
  $("frames").classList.remove("pinned");
  $("unpin").hidden = true;
  showOriginal();
}

// ---------------------------------------------------------------- <picture> and information

async function showSnippet() {
  const values = new Map(state.values);
  for (const k of ["f", "dl"]) values.delete(k); // of every format, and to be seen: all else makes the picture that is shown
  const url = pictureURL(state.name, values);
  const widths = $("widths").value.split(",").map((w) => w.trim()).filter((w) => /^[1-9][0-9]*$/.test(w)).join(",");
  if (!widths) {
    $("snippet").textContent = "Widths are numbers of pixels with commas between them, as in 320,640,960.";
    return;
  }
  try {
    const r = await fetch(url + (url.includes("?") ? "&" : "?") + "srcset=" + widths);
    const text = /^text\//.test(r.headers.get("Content-Type") || "") ? (await r.text()).trim() : "";
    $("snippet").textContent = text || `${r.status} ${r.statusText}`;
  } catch (err) {
    $("snippet").textContent = String(err.message);
  }
}

async function showExplain() {
  const url = pictureURL(state.name, state.values);
  try {
    $("explain").textContent = JSON.stringify(await ask(url + (url.includes("?") ? "&" : "?") + "explain=1"), null, 2);
  } catch (err) {
    $("explain").textContent = String(err.message);
  }
}

async function showInfo() {
  try {
    $("info").textContent = JSON.stringify(await ask(pictureURL(state.name, new Map()) + "?info=1"), null, 2);
  } catch (err) {
    $("info").textContent = String(err.message);
  }
}

// ---------------------------------------------------------------- start

function takeHandler(prefix) {
  state.handler = state.site.handlers.find((h) => h.prefix === prefix);
  for (const name of state.handler.ignored) state.values.delete(name);
  $("handler").value = prefix;
  $("copy-signed").hidden = !state.handler.signs;
  showOptions();
}

// changeHandler begins anew with another one.
function changeHandler(prefix) {
  updates++; // no answer of the one before is shown
  $("theirs").hidden = true;
  if (state.pinned) unpin();
  Object.assign(state, { name: "", folder: "", size: null, values: valuesOf(state.site.handlers.find((h) => h.prefix === prefix).queries.first) });
  $("name").value = $("search").value = "";
  for (const img of [$("left"), $("right"), $("peek").querySelector("img")]) {
    img.onload = img.onerror = null;
    img.removeAttribute("src");
    img.alt = "";
  }
  $("left").onload = showFocus;
  $("left").onerror = hideLeft;
  for (const id of ["url", "facts", "stages", "left-facts", "right-facts", "info", "explain", "snippet", "crumbs", "pictures"]) $(id).replaceChildren();
  $("stages").hidden = $("fault").hidden = $("more").hidden = true;
  $("open").removeAttribute("href");
  $("frames").classList.remove("busy");
  takeHandler(prefix);
  showPictures();
}

// hideLeft shows nothing where the browser would show that something is missing.
function hideLeft() {
  $("left").removeAttribute("src");
  $("left").alt = "";
}

async function start() {
  try {
    state.site = await ask("_playground/site");
  } catch (err) {
    say(`The server does not say what it has: ${err.message}`);
    return;
  }
  const { handlers, dialects } = state.site;
  // Handlers whose URLs are not our own are named, and what they read is shown beside ours.
  const others = dialects.map((d) => `${d.route} reads URLs of ${d.dialect}`).join(", ");
  $("dialects").textContent = others && `Not shown here: ${others}.`;
  $("dialects").hidden = !others;
  if (!handlers.length) {
    document.querySelector("main").hidden = document.querySelector(".bar").hidden = true;
    say(others ? `URLs of this server are not our own: ${others}.` : "There is no handler that everybody may use. The playground on the admin listener shows all of them.");
    return;
  }
  $("handler").replaceChildren(...handlers.map((h) => element("option", { value: h.prefix }, h.name === h.prefix ? h.prefix : `${h.name} (${h.prefix})`)));
  $("handler-field").hidden = handlers.length < 2;

  $("handler").onchange = (e) => changeHandler(e.target.value);
  let typing;
  $("search").oninput = () => { clearTimeout(typing); typing = setTimeout(() => showPictures(), 250); };
  $("name-form").onsubmit = (e) => { e.preventDefault(); if ($("name").value) choose($("name").value.replace(/^\/+/, "")); };
  $("filter").oninput = filterOptions;
  $("reset").onclick = () => { state.values.clear(); showOptions(); filterOptions(); update(); };
  $("copy").onclick = () => state.name && copy(absolute(pictureURL(state.name, state.values)), "URL");
  $("copy-signed").onclick = async () => {
    if (!state.name) return;
    try {
      const path = new URL(pictureURL(state.name, state.values), location.origin + "/");
      const { url } = await ask("_playground/sign?" + new URLSearchParams({ url: path.pathname + path.search }));
      await copy(url, "Signed path, good for an hour on the public address,");
    } catch (err) {
      say(err.message);
    }
  };
  $("copy-snippet").onclick = () => copy($("snippet").textContent, "Snippet");
  $("snippet-box").ontoggle = () => $("snippet-box").open && showSnippet();
  $("info-box").ontoggle = () => $("info-box").open && showInfo();
  $("explain-box").hidden = !state.site.operator;
  $("explain-box").ontoggle = () => $("explain-box").open && showExplain();
  $("widths").onchange = showSnippet;
  $("skip").onclick = () => $("filter").focus();
  $("left-box").onclick = clickFocus;
  $("left-box").onkeydown = keyFocus;
  $("left").onload = showFocus;
  $("left").onerror = hideLeft;
  $("pin").onclick = pin;
  $("unpin").onclick = unpin;
  $("wipe").oninput = (e) => wipeTo(e.target.value);
  $("frames").onpointerdown = $("frames").onpointermove = dragWipe;
  $("peek").onclick = () => $("right-box").scrollIntoView({ block: "center" });
  new IntersectionObserver(([e]) => { $("peek").hidden = e.isIntersecting; }).observe($("right-box"));
  for (const b of document.querySelectorAll(".views [data-view]")) b.onclick = () => setView(b.dataset.view);
  addEventListener("resize", showFocus);
  // What was chosen before may be written into the address before the event comes: what it says counts.
  addEventListener("hashchange", (e) => { if (recall(e.newURL)) { takeHandler(state.handler.prefix); choose(state.name); } });

  const recalled = recall();
  takeHandler(recalled ? state.handler.prefix : handlers[0].prefix);
  if (!recalled) state.values = valuesOf(state.handler.queries.first);
  showOptions();
  await showPictures();
  if (recalled && state.name) choose(state.name);
}

start();
