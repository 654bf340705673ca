// The options as controls: labels first, the common ones on top.
import { $, element } from "./dom.js";
import { common, labelOf, labels, matches, needOf } from "./labels.js";
import { offered, state } from "./state.js";

let change = () => {}; // change(name, value)
let draw = () => {}; // draw(tool): on the picture

export function setUpOptions(onChange, onDraw) {
  change = onChange;
  draw = onDraw;
  $("filter").oninput = filterOptions;
  $("filter").onkeydown = (e) => {
    if (e.key !== "Escape") return;
    $("filter").value = "";
    filterOptions();
  };
}

export function showOptions() {
  const all = offered();
  const groups = new Map([[common.name, common.options.map((n) => all.find((o) => o.name === n)).filter(Boolean)]]);
  for (const o of all) {
    if (common.options.includes(o.name)) continue;
    if (!groups.has(o.group)) groups.set(o.group, []);
    groups.get(o.group).push(o);
  }
  $("groups").replaceChildren();
  for (const [name, options] of groups) {
    if (!options.length) continue;
    const open = name === common.name || options.some((o) => state.values.get(o.name));
    $("groups").append(element("details", { class: "group", "data-group": name, open },
      element("summary", {}, element("span", {}, name), element("small", {})),
      element("div", { class: "rows" }, ...options.map(optionRow))));
  }
  showValues();
  filterOptions();
}

// texts are words of menus as people say them.
const texts = {
  fit: { cover: "Fill the box, cut the rest", contain: "Whole, inside the box", "scale-down": "Whole, never enlarged", pad: "Whole, with a background", stretch: "Stretch to the box", auto: "Fill or whole, by shape" },
  f: { jpeg: "JPEG", png: "PNG", webp: "WebP", gif: "GIF", bmp: "BMP", tiff: "TIFF", avif: "AVIF", auto: "Automatic, by browser", "auto-avif": "Automatic, AVIF first", "auto-webp": "Automatic, WebP first", "auto-jpeg": "JPEG, or PNG if transparent" },
  flip: { none: "Not", h: "Left and right", v: "Up and down", hv: "Both" },
  round: { down: "Cut off", near: "To the nearest" },
  icc: { srgb: "Convert to sRGB", keep: "Keep" },
  strip: { all: "Remove all", copyright: "Keep the copyright", none: "Keep all but GPS" },
  true: "On", false: "Off",
  places: { center: "Centre", n: "Top", ne: "Top right", e: "Right", se: "Bottom right", s: "Bottom", sw: "Bottom left", w: "Left", nw: "Top left", smart: "What catches the eye", entropy: "Most detail" },
};
const textOf = (name, word) => texts[name]?.[word] || (["g", "wmg", "txtg"].includes(name) && texts.places[word]) || (["true", "false"].includes(word) && texts[word]) || word;

// wordsOf returns the words that a menu offers for an option of this handler.
function wordsOf(o) {
  switch (o.name) {
    case "f": return [...new Set(["auto", state.handler.format, ...state.handler.formats])];
    case "wm": return state.handler.watermarks;
    case "preset": return state.handler.presets;
    case "txtfont": return [...new Set([...["regular", "bold", "italic", "mono"].filter((w) => o.doc.includes(w)), ...state.handler.fonts])];
  }
  return o.control.words || [];
}

const plain = (text) => text.replaceAll("`max_dimension`", state.handler.max_dimension).replaceAll("`", "");

function optionRow(o) {
  const id = "option-" + o.name;
  const label = labelOf(o.name);
  return element("div", { class: "option" + (o.name === "w" || o.name === "h" ? " half" : ""), "data-option": o.name },
    element("div", { class: "head" }, element("label", { for: id }, label), element("code", { title: `Parameter ${o.name}: ${plain(o.values)}` }, o.name)),
    element("div", { class: "row" }, ...controlsOf(o, id, label), element("button", { type: "button", class: "clear", "aria-label": `Clear ${label}`, title: `Clear ${label}`, onclick: () => change(o.name, "") }, "×")),
    element("p", { class: "doc" }, plain(o.doc)),
    element("p", { class: "need", hidden: true }));
}

function controlsOf(o, id, label) {
  const words = wordsOf(o);
  const { kind, min = 0, step = 1 } = o.control;
  const most = o.control.max || state.handler.max_dimension;
  const set = (e) => change(o.name, e.target.value);
  const slider = (max) => element("input", { type: "range", "data-part": "range", "aria-label": `${label}, slider`, min: min > 0 && min < step ? 0 : min, max, step, oninput: set });
  const usual = labels[o.name]?.usual;
  const number = (any) => element("input", { id, type: "number", inputmode: "decimal", min, max: most, step: any ? "any" : step, placeholder: usual === undefined ? "auto" : String(usual), oninput: set });
  if (o.name === "wm" && !words.length) return [element("input", { id, type: "text", disabled: true, placeholder: "none is configured" })];
  switch (["wm", "preset"].includes(o.name) && words.length ? "choice" : kind) {
    case "switch":
      return [menu(o, id, ["true", "false"], set)];
    case "choice":
      if (o.name === "g") return [suggestions(o, id, words, set), element("button", { type: "button", id: "draw-focus", onclick: () => draw("focus") }, "On the picture")];
      return [o.control.free || o.name === "preset" ? suggestions(o, id, words, set) : menu(o, id, words, set)];
    case "range":
      return [slider(most), number(true)];
    case "number":
      return [slider(Math.min(most, o.name === "maxbytes" ? 200000 : 2000)), words.length ? suggestions(o, id, words, set) : number(false)];
    case "color":
      return [element("input", { type: "color", "data-part": "color", "aria-label": `${label}, colour`, oninput: (e) => change(o.name, e.target.value.slice(1)) }), suggestions(o, id, words, set)];
  }
  if (o.name === "crop") return [suggestions(o, id, [], set), element("button", { type: "button", id: "draw-crop", onclick: () => draw("crop") }, "On the picture")];
  return [suggestions(o, id, words, set)];
}

function menu(o, id, words, set) {
  const usual = labels[o.name]?.usual;
  const none = usual === undefined ? (o.name === "f" ? `As configured: ${textOf("f", state.handler.format)}` : "Not set") : `Not set: ${textOf(o.name, String(usual))}`;
  return element("select", { id, onchange: set }, element("option", { value: "" }, none), ...words.map((w) => element("option", { value: w }, textOf(o.name, w))));
}

function suggestions(o, id, words, set) {
  const usual = labels[o.name]?.usual;
  const both = document.createDocumentFragment();
  both.append(
    element("input", { id, type: "text", list: words.length ? id + "-words" : null, autocomplete: "off", spellcheck: "false", placeholder: usual === undefined ? "not set" : String(usual), oninput: set }),
    element("datalist", { id: id + "-words" }, ...words.map((w) => element("option", { value: w }, textOf(o.name, w)))),
  );
  return both;
}

export function showValues() {
  for (const row of document.querySelectorAll("[data-option]")) showValue(row.dataset.option, row);
  showNeeds();
}

// showValue puts the value of an option into its controls.
function showValue(name, row) {
  const value = state.values.get(name) || "";
  row.classList.toggle("set", value !== "");
  for (const c of row.querySelectorAll("input, select")) {
    if (c === document.activeElement && c.type !== "range" && c.value !== "" && value !== "") continue;
    if (c.dataset.part === "color") c.value = /^[0-9a-f]{6}/i.test(value) ? "#" + value.slice(0, 6) : "#808080";
    else if (c.dataset.part === "range") c.value = value === "" ? resting(name, c) : value;
    else c.value = value;
  }
  row.querySelector(".clear").disabled = value === "";
}

// resting is where a slider is while nothing is set: at what counts then.
function resting(name, slider) {
  const usual = labels[name]?.usual;
  return typeof usual === "number" ? usual : Number(slider.min) < 0 ? 0 : slider.min;
}

// showNeeds says which options have no effect as things are.
export function showNeeds() {
  for (const row of document.querySelectorAll("[data-option]")) {
    const need = needOf(row.dataset.option, state.values, state.values.get("f") || state.result?.format);
    const p = row.querySelector(".need");
    row.classList.toggle("idle", need !== null);
    p.hidden = need === null;
    if (p.dataset.text === (need?.text || "")) continue; // the button in it may have the focus
    p.dataset.text = need?.text || "";
    p.replaceChildren();
    if (need) p.append(need.text + " ", element("button", { type: "button", class: "link", onclick: () => goTo(need.option) }, `Go to ${labelOf(need.option)}`));
  }
  for (const group of $("groups").children) {
    const n = group.querySelectorAll(".option.set").length;
    group.querySelector("small").textContent = n ? `${n} set` : "";
  }
  $("reset").disabled = state.values.size === 0;
}

// goTo leads to an option.
export function goTo(name) {
  document.body.dataset.tab = "options";
  document.dispatchEvent(new Event("tab"));
  if ($("filter").value) {
    $("filter").value = "";
    filterOptions();
  }
  const field = $("option-" + name);
  if (!field) return;
  field.closest("details").open = true;
  field.focus();
  field.scrollIntoView({ block: "center" });
}

function filterOptions() {
  const word = $("filter").value.trim();
  let found = 0;
  for (const group of $("groups").children) {
    let any = false;
    for (const row of group.querySelectorAll(".option")) {
      row.hidden = word !== "" && !matches(state.site.options.find((o) => o.name === row.dataset.option), word);
      any ||= !row.hidden;
      if (!row.hidden) found++;
    }
    group.hidden = !any;
    if (word) group.open = true;
  }
  $("no-option").hidden = found > 0;
  $("no-option").textContent = found ? "" : `No option is found for “${word}”. Try a word of what you want to do: rotate, compress, thumbnail.`;
}
