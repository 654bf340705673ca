// The stage: the result is fetched and shown beside the original, or over what it
// is compared with.
import { $, ask, bytes, element, milliseconds, say } from "./dom.js";
import { accept, but, counts, pictureURL, state, valuesOf, withParameter } from "./state.js";

const left = () => $("left");
const right = () => $("right");
const frames = () => $("frames");

// ---------------------------------------------------------------- where a picture lies in its box

const view = { actual: false, x: 0.5, y: 0.5 }; // the point of the picture in the middle of the box, at 1:1

// rectOf returns where a picture lies within its box, in pixels of the page.
export function rectOf(img) {
  const { clientWidth: bw, clientHeight: bh } = img.parentElement;
  const { naturalWidth: nw, naturalHeight: nh } = img;
  if (!nw || !nh) return { x: 0, y: 0, w: bw, h: bh };
  if (!view.actual) {
    const over = frames().dataset.view === "slider" ? Infinity : 1; // both sides of the edge are equally large
    const scale = Math.min((bw - 24) / nw, (bh - 24) / nh, over);
    return { x: (bw - nw * scale) / 2, y: (bh - nh * scale) / 2, w: nw * scale, h: nh * scale };
  }
  const [w, h] = [nw / devicePixelRatio, nh / devicePixelRatio];
  const lie = (box, side, at) => (side <= box ? (box - side) / 2 : Math.min(0, Math.max(box - side, box / 2 - side * at)));
  return { x: lie(bw, w, view.x), y: lie(bh, h, view.y), w, h };
}

export function place() {
  for (const img of [left(), right()]) {
    const r = rectOf(img);
    Object.assign(img.style, { left: `${r.x}px`, top: `${r.y}px`, width: `${r.w}px`, height: `${r.h}px` });
  }
  document.dispatchEvent(new Event("placed"));
}

function pan(dx, dy) {
  const r = rectOf(right());
  const within = (at, by, side, box) => {
    const half = Math.min(0.5, box / 2 / side);
    return Math.min(1 - half, Math.max(half, at - by / side));
  };
  view.x = within(view.x, dx, r.w, $("right-box").clientWidth);
  view.y = within(view.y, dy, r.h, $("right-box").clientHeight);
  place();
}

export const atOriginal = () => !state.pinned && frames().dataset.view === "both" && !view.actual;

function setActual(on) {
  view.actual = on;
  $("actual").setAttribute("aria-pressed", String(on));
  frames().classList.toggle("actual", on);
  showLeft();
  place();
}

// ---------------------------------------------------------------- the left side

// What is left of the result is what it is compared with: the whole original beside
// it; at 1:1 and in the split view the same picture before it was compressed, in the
// same framing; or what is pinned.
let leftTurn = 0;

export async function showLeft() {
  const turn = ++leftTurn;
  if (state.pinned) {
    setLeft(state.pinned.source, `${state.name}, pinned`, "Pinned", state.pinned.facts);
    return;
  }
  if (frames().dataset.view === "result") return;
  if (atOriginal()) {
    const values = valuesOf(state.handler.queries.original);
    if (state.values.get("orient") && counts("orient")) values.set("orient", state.values.get("orient"));
    setLeft(pictureURL(state.name, values), `${state.name}, as it is`, "Original", originalFacts());
    return;
  }
  if (!state.result) return;
  const reference = await referenceOf();
  if (turn !== leftTurn) return;
  if (reference) setLeft(reference.source, `${state.name}, before it was compressed`, "Uncompressed", reference.facts);
  else setLeft(pictureURL(state.name, valuesOf(state.handler.queries.original)), `${state.name}, as it is`, "Original", originalFacts());
}

function setLeft(source, alt, title, facts) {
  $("left-title").textContent = title;
  $("left-facts").textContent = facts;
  left().alt = alt;
  if (left().getAttribute("src") !== source) left().src = source;
  else place();
}

const originalFacts = () => (state.size?.width ? `${state.size.width} × ${state.size.height} · ${state.size.format} · ${bytes(state.size.bytes)}` : "");

// referenceValues are the options of the result without what a compression loses.
export function referenceValues() {
  const values = but({ q: "", autoq: "", maxbytes: "", lossless: "", progressive: "", chroma: "", dl: "" });
  const small = !state.result || state.result.width * state.result.height <= 4e6;
  if (counts("f") && small && state.handler.formats.includes("png")) return but({ f: "png" }, values);
  return counts("q") ? but({ q: 100 }, values) : null;
}

let reference = null; // the last one: {url, source, blob, facts}

// referenceOf fetches the result before it was compressed; null if it cannot be had.
export async function referenceOf() {
  const values = referenceValues();
  if (!values) return null;
  const url = pictureURL(state.name, values);
  if (reference?.url === url) return reference;
  try {
    const r = await fetch(url, { headers: { Accept: accept } });
    const blob = await r.blob();
    if (!r.ok || !blob.type.startsWith("image/")) return null;
    const old = reference;
    const picture = await createImageBitmap(blob);
    reference = { url, blob, source: URL.createObjectURL(blob), facts: `${picture.width} × ${picture.height} · ${formatOf(blob)} · ${bytes(blob.size)}` };
    picture.close();
    if (old) setTimeout(() => URL.revokeObjectURL(old.source), 5000);
    return reference;
  } catch {
    return null;
  }
}

const formatOf = (blob) => blob.type.replace("image/", "");

export async function showOriginal() {
  const name = state.name;
  state.size = null;
  $("info").textContent = "";
  showLeft();
  try {
    const info = await ask(withParameter(pictureURL(name, new Map()), "info=size,format"));
    if (name !== state.name) return;
    state.size = info;
  } catch {
    // what is not known is not shown
  }
  if (name !== state.name) return;
  if (atOriginal()) $("left-facts").textContent = originalFacts();
  document.dispatchEvent(new Event("size"));
}

// ---------------------------------------------------------------- the result

// meanings of statuses, for those who do not know them by heart.
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

let fetching = null; // the request under way

// stopFetching forgets the result and what is on its way to its left.
export function stopFetching() {
  fetching?.abort();
  fetching = null;
  leftTurn++;
  frames().classList.remove("busy");
  $("making").hidden = true;
}

// fetchResult asks for what is chosen, and shows it. What is shown stays until the
// new picture is there.
export async function fetchResult() {
  fetching?.abort();
  const own = new AbortController();
  fetching = own;
  frames().classList.add("busy");
  $("making").hidden = false;
  const url = pictureURL();
  const began = performance.now();
  let answer;
  let blob;
  try {
    answer = await fetch(url, { headers: { Accept: accept }, signal: own.signal });
    blob = await answer.blob();
  } catch {
    if (fetching === own) fail("The server does not answer");
    return;
  }
  if (fetching !== own) return;
  const took = performance.now() - began;
  const isPicture = blob.type.startsWith("image/");
  if (!answer.ok || !isPicture) {
    fail(`${answer.status}: ${meanings[answer.status] || answer.statusText || "not a picture"}`, isPicture ? blob : null);
    showFacts(answer, blob, took);
    const why = await reason(answer, blob, url);
    if (why && fetching === own) $("fault").append(element("small", {}, why));
    return;
  }
  const source = URL.createObjectURL(blob);
  const next = new Image();
  next.src = source;
  try {
    await next.decode();
  } catch {
    URL.revokeObjectURL(source);
    if (fetching !== own) return;
    fail("The browser does not show this format");
    showFacts(answer, blob, took);
    return;
  }
  if (fetching !== own) return URL.revokeObjectURL(source);
  stopFetching();
  $("fault").hidden = true;
  const old = state.result?.source;
  state.result = { url, blob, source, width: next.naturalWidth, height: next.naturalHeight, format: formatOf(blob) };
  right().onload = place;
  right().src = source;
  right().alt = `${state.name}, as the URL makes it`;
  if (old && old !== state.pinned?.source) setTimeout(() => URL.revokeObjectURL(old), 5000); // the image may still show it
  showFacts(answer, blob, took);
  if (!atOriginal()) showLeft();
  document.dispatchEvent(new Event("result"));
}

// reason returns why there is no picture: what the answer says, or what the
// server tells operators.
async function reason(answer, blob, url) {
  if (blob.type.startsWith("text/plain")) return (await blob.text()).trim().slice(0, 300);
  if (!state.site.operator) return "";
  try {
    return (await ask(withParameter(url, "explain=1"))).error?.text || "";
  } catch {
    return "";
  }
}

function fail(text, blob) {
  const img = right();
  frames().classList.remove("busy");
  $("making").hidden = true;
  $("fault").textContent = text;
  $("fault").hidden = false;
  img.alt = "";
  state.result = null;
  if (blob) {
    const source = URL.createObjectURL(blob);
    img.onload = () => { URL.revokeObjectURL(source); place(); };
    img.src = source;
  } else img.removeAttribute("src");
  document.dispatchEvent(new Event("result"));
}

function showFacts(answer, blob, took) {
  const r = state.result;
  const cell = (k, v) => element("div", {}, element("dt", {}, k), element("dd", {}, v));
  const share = r && state.size?.bytes ? ` · ${Math.round((100 * blob.size) / state.size.bytes)} % of the file` : "";
  $("right-facts").textContent = r ? `${r.width} × ${r.height} · ${r.format} · ${bytes(blob.size)}` : "";
  $("facts").replaceChildren(
    cell(r ? "Bytes" : "Status", r ? bytes(blob.size) + share : String(answer.status)),
    cell("Cache", r ? cacheWords(answer.headers.get("Cache-Status") || "") : "–"),
    cell("Round trip", milliseconds(took)));
  showStages(answer.headers.get("Server-Timing") || "");
}

// timesOf returns the stages of the server that took time: [name, milliseconds].
export function timesOf(timing) {
  const stages = [];
  for (const part of timing.split(",")) {
    const [name, ...params] = part.trim().split(";");
    const dur = params.map((p) => p.trim()).find((p) => p.startsWith("dur="));
    if (dur) stages.push([name, Number(dur.slice(4))]);
  }
  return stages;
}

// showStages draws where the server's time went: bars as long as the stages took.
function showStages(timing) {
  const stages = timesOf(timing);
  const most = Math.max(...stages.map(([, ms]) => ms), 0.001);
  $("stages-box").hidden = !stages.length;
  $("stages").replaceChildren(...stages.map(([name, ms]) => {
    const bar = element("i", {});
    bar.style.width = `${(100 * ms) / most}%`;
    return element("div", { class: "stage-time" }, element("span", {}, name), element("b", {}, bar), element("span", {}, milliseconds(ms)));
  }));
}

// ---------------------------------------------------------------- comparing

export function setView(name) {
  frames().dataset.view = name;
  for (const b of document.querySelectorAll("button[data-view]")) b.setAttribute("aria-pressed", String(b.dataset.view === name));
  showLeft();
  place();
}

// wipeTo moves the edge between the two pictures.
function wipeTo(percent) {
  $("wipe").value = percent;
  $("wipe").setAttribute("aria-valuetext", `${$("wipe").value} % ${$("left-title").textContent}`);
  frames().style.setProperty("--wipe", $("wipe").value + "%");
}

function pin() {
  if (!state.result || !$("fault").hidden) return;
  const r = state.result;
  state.pinned = { source: r.source, facts: `${r.width} × ${r.height} · ${r.format} · ${bytes(r.blob.size)}` };
  frames().classList.add("pinned");
  $("unpin").hidden = false;
  showLeft();
  place();
  say("Pinned: change an option to compare");
}

export function unpin() {
  const source = state.pinned?.source;
  state.pinned = null;
  frames().classList.remove("pinned");
  $("unpin").hidden = true;
  if (source && source !== state.result?.source) setTimeout(() => URL.revokeObjectURL(source), 5000);
  showLeft();
  place();
}

// ---------------------------------------------------------------- the loupe

const power = 3; // how many pixels of the screen show one of the picture
let loupe = false;

export function setLoupe(on) {
  loupe = on;
  $("loupe").setAttribute("aria-pressed", String(on));
  frames().classList.toggle("looking", on);
  if (!on) hideLenses();
  else showLenses(0.5, 0.5);
}

function hideLenses() {
  for (const lens of document.querySelectorAll(".lens")) lens.hidden = true;
}

let looked = { x: 0.5, y: 0.5 };

// showLenses magnifies the same point of both sides.
function showLenses(x, y) {
  looked = { x, y };
  for (const img of [left(), right()]) {
    const lens = img.parentElement.querySelector(".lens");
    lens.hidden = !img.naturalWidth;
    if (lens.hidden) continue;
    const r = rectOf(img);
    const scale = Math.max(power / devicePixelRatio, (2 * r.w) / img.naturalWidth);
    const size = lens.offsetWidth;
    Object.assign(lens.style, {
      left: `${r.x + x * r.w - size / 2}px`, top: `${r.y + y * r.h - size / 2}px`,
      backgroundImage: `url("${img.src}")`,
      backgroundSize: `${img.naturalWidth * scale}px ${img.naturalHeight * scale}px`,
      backgroundPosition: `${size / 2 - x * img.naturalWidth * scale}px ${size / 2 - y * img.naturalHeight * scale}px`,
    });
  }
}

function look(e, img) {
  const b = img.parentElement.getBoundingClientRect();
  const r = rectOf(img);
  const inside = (v) => Math.min(1, Math.max(0, v));
  showLenses(inside((e.clientX - b.x - img.parentElement.clientLeft - r.x) / r.w), inside((e.clientY - b.y - img.parentElement.clientTop - r.y) / r.h));
}

// ---------------------------------------------------------------- pointers and keys

export function setUpStage() {
  $("pin").onclick = pin;
  $("unpin").onclick = unpin;
  $("wipe").oninput = (e) => wipeTo(e.target.value);
  $("actual").onclick = () => setActual(!view.actual);
  $("loupe").onclick = () => setLoupe(!loupe);
  for (const b of document.querySelectorAll("button[data-view]")) b.onclick = () => setView(b.dataset.view);
  left().onload = place;
  left().onerror = () => { left().removeAttribute("src"); left().alt = ""; };
  new ResizeObserver(place).observe($("right-box"));
  for (const img of [left(), right()]) {
    const box = img.parentElement;
    let from = null;
    box.addEventListener("pointerdown", (e) => {
      if (e.button !== 0 || e.target !== box && e.target !== img) return;
      from = { x: e.clientX, y: e.clientY };
      if (view.actual || frames().dataset.view === "slider") box.setPointerCapture(e.pointerId);
    });
    box.addEventListener("pointermove", (e) => {
      if (loupe) look(e, img);
      if (frames().dataset.view === "slider" && !view.actual && e.buttons & 1) {
        const a = $("right-box").getBoundingClientRect();
        wipeTo(Math.round((100 * (e.clientX - a.x)) / a.width));
        return;
      }
      if (!from || !view.actual || !(e.buttons & 1)) return;
      pan(e.clientX - from.x, e.clientY - from.y);
      from = { x: e.clientX, y: e.clientY };
    });
    box.addEventListener("pointerup", () => { from = null; });
    box.addEventListener("pointerleave", () => loupe && hideLenses());
    box.addEventListener("keydown", (e) => {
      if (e.target !== box) return;
      const step = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
      if (!step) return;
      if (loupe) {
        const by = (v, s) => Math.min(1, Math.max(0, v - s * (e.shiftKey ? 0.1 : 0.02)));
        showLenses(by(looked.x, step[0]), by(looked.y, step[1]));
      } else if (view.actual) pan(step[0] * 40, step[1] * 40);
      else return;
      e.preventDefault();
    });
  }
}
