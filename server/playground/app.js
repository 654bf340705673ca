// The playground: what is chosen is a URL; the URL is fetched, and shown beside
// the original. Every option comes from the server's table.
import { noteUnknown, setUpAddress, showURL } from "./address.js";
import { draw, setTool, setUpDrawing } from "./crop.js";
import { $, ask, copy, element, say, wait } from "./dom.js";
import { markPicture, setUpLibrary, showPictures } from "./library.js";
import { setUpOptions, showNeeds, showOptions, showValues } from "./options.js";
import { fileName, forgetMeasures, setUpSnippets, showOpen } from "./snippets.js";
import { fetchResult, setLoupe, setUpStage, setView, showOriginal, stopFetching, unpin } from "./stage.js";
import { arrive, beginHistory, canRedo, canUndo, pictureURL, publicURL, recall, redo, remember, settle, state, undo, valuesOf, withParameter } from "./state.js";

// ---------------------------------------------------------------- what is chosen

function setValue(name, value) {
  if (String(value) === (state.values.get(name) || "")) return;
  if (value === "") state.values.delete(name);
  else state.values.set(name, String(value));
  showValues();
  draw();
  update(name);
}

// choose takes another picture; the focal point and the crop were of the one before.
function choose(name) {
  if (name !== state.name) {
    if ((state.values.get("g") || "").startsWith("fp:")) state.values.delete("g");
    if (/[0-9],/.test(state.values.get("crop") || "") && !state.values.get("crop").includes("%")) state.values.delete("crop");
  }
  state.name = name;
  showChosen();
  update("");
}

// showChosen shows what is chosen, whatever was before.
function showChosen() {
  markPicture();
  showValues();
  showOriginal();
}

// takeURL makes a URL that was read what is chosen.
function takeURL({ handler, name, values }) {
  const other = handler !== state.handler;
  const folder = name.includes("/") ? name.replace(/[^/]*$/, "") : "";
  const elsewhere = other || folder !== state.folder;
  if (state.pinned && other) unpin();
  Object.assign(state, { handler, name, values, folder });
  if (other) takeHandler();
  else showOptions();
  if (elsewhere) showPictures();
  showChosen();
  update("");
}

let updates = 0;

// update shows what is chosen: the URL at once, the picture when nothing else is
// chosen for a moment. Changes of the same key in a row are undone as one.
async function update(key) {
  if (!state.name) return;
  const turn = ++updates;
  if (key !== null) remember(key);
  showURL();
  showHistory();
  forgetMeasures();
  await wait(120);
  if (turn !== updates) return;
  showTheirs();
  fetchResult();
}

function showHistory() {
  $("undo").disabled = !canUndo();
  $("redo").disabled = !canRedo();
}

// goBack shows what an entry of the history says.
function goBack(e) {
  arrive(e.state);
  const [handler, folder, name] = [state.handler, state.folder, state.name];
  const said = recall();
  if (!said) return showHistory();
  noteUnknown(said.unknown);
  if (state.handler !== handler) {
    if (state.pinned) unpin();
    takeHandler();
  } else showOptionsKeeping();
  if (state.handler !== handler || state.folder !== folder) showPictures();
  if (state.name !== name || state.handler !== handler) showChosen();
  else markPicture();
  draw();
  update(null);
}

// showOptionsKeeping shows the values, and opens the groups that have some.
function showOptionsKeeping() {
  showValues();
  for (const group of $("groups").children) if (group.querySelector(".option.set")) group.open = true;
}

// ---------------------------------------------------------------- handlers

function takeHandler() {
  for (const name of state.handler.ignored) state.values.delete(name);
  $("handler").value = state.handler.prefix;
  $("sign-box").hidden = !state.handler.signs;
  showOptions();
}

// changeHandler begins anew with another one.
function changeHandler(prefix) {
  updates++; // no answer of the one before is shown
  stopFetching();
  if (state.pinned) unpin();
  const handler = state.site.handlers.find((h) => h.prefix === prefix);
  Object.assign(state, { handler, name: "", folder: "", size: null, result: null, values: valuesOf(handler.queries.first) });
  noteUnknown([]);
  setTool("");
  for (const id of ["name", "search", "url"]) $(id).value = "";
  for (const img of [$("left"), $("right")]) {
    img.removeAttribute("src");
    img.alt = "";
  }
  for (const id of ["parts", "facts", "stages", "left-facts", "right-facts", "info", "explain", "snippet", "crumbs", "pictures", "theirs", "signed"]) $(id).replaceChildren();
  $("stages-box").hidden = $("fault").hidden = $("more").hidden = $("theirs-box").hidden = true;
  $("open").removeAttribute("href");
  $("download").removeAttribute("href");
  takeHandler();
  showPictures();
}

// ---------------------------------------------------------------- what stands below

// showTheirs shows the same URL as the handlers of the same pictures read it whose
// dialect is that of another server.
async function showTheirs() {
  if (!state.site.dialects.length) return;
  const turn = updates;
  const { width = "", height = "" } = state.size || {};
  let all = [];
  try {
    all = await ask(`_playground/dialects?${new URLSearchParams({ url: "/" + pictureURL(), width, height })}`);
  } catch {
    // what is shown of our own is enough
  }
  if (turn !== updates) return;
  $("theirs").replaceChildren(...all.map(({ dialect, url }) => {
    if (!url) return element("p", {}, `${dialect}: its URLs do not say this`);
    const whole = publicURL(url); // the listener of operators answers none of them
    return element("p", {}, `${dialect}: `, element("code", { tabindex: "0" }, whole), element("button", { type: "button", onclick: () => copy(whole, `URL of ${dialect}`) }, "Copy"));
  }));
  $("theirs-box").hidden = !all.length;
}

async function showJSON(id, url) {
  try {
    $(id).textContent = JSON.stringify(await ask(url), null, 2);
  } catch (err) {
    $(id).textContent = String(err.message);
  }
}

const showExplain = () => showJSON("explain", withParameter(pictureURL(), "explain=1"));
const showInfo = () => showJSON("info", withParameter(pictureURL(state.name, new Map()), "info=1"));

function showDownload() {
  if (!state.result) return $("download").removeAttribute("href");
  $("download").href = state.result.source;
  $("download").download = fileName();
}

// ---------------------------------------------------------------- start

function setTab(tab) {
  if (tab) document.body.dataset.tab = tab;
  for (const b of document.querySelectorAll(".tabs button")) b.setAttribute("aria-pressed", String(b.dataset.tab === document.body.dataset.tab));
  if (tab && matchMedia("(max-width: 44rem)").matches) scrollTo({ top: 0 });
}

function keys(e) {
  const field = /^(input|textarea|select)$/i.test(e.target.tagName) && !["range", "checkbox", "color"].includes(e.target.type);
  if ((e.ctrlKey || e.metaKey) && !e.altKey && !field) {
    const key = e.key.toLowerCase();
    if (key === "z" || key === "y") {
      e.preventDefault();
      if (key === "y" || e.shiftKey) redo();
      else undo();
    }
    return;
  }
  if (field || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "1") $("actual").click();
  if (e.key.toLowerCase() === "l") $("loupe").click();
  if (e.key === "/") {
    e.preventDefault();
    $("filter").focus();
  }
}

function connect() {
  setUpAddress(takeURL, setValue);
  setUpDrawing(setValue);
  setUpLibrary(choose);
  setUpOptions(setValue, setTool);
  setUpSnippets((format) => setValue("f", format));
  setUpStage();
  $("handler").onchange = (e) => changeHandler(e.target.value);
  $("reset").onclick = () => {
    state.values.clear();
    noteUnknown([]);
    showOptionsKeeping();
    draw();
    update("");
    say("All options are cleared. Undo brings them back.");
  };
  $("undo").onclick = undo;
  $("redo").onclick = redo;
  $("copy").onclick = () => state.name && copy(publicURL(pictureURL()), "URL");
  $("info-box").ontoggle = () => $("info-box").open && showInfo();
  $("explain-box").hidden = !state.site.operator;
  $("explain-box").ontoggle = () => $("explain-box").open && showExplain();
  $("skip").onclick = () => { setTab("options"); $("filter").focus(); };
  for (const b of document.querySelectorAll(".tabs button")) b.onclick = () => setTab(b.dataset.tab);
  document.addEventListener("tab", () => setTab(""));
  document.addEventListener("keydown", keys);
  document.addEventListener("address", () => { showURL(); showOpen(); showTheirs(); });
  document.addEventListener("size", () => {
    if ($("info-box").open) showInfo();
    showTheirs();
  });
  document.addEventListener("result", () => {
    showDownload();
    showNeeds();
    showOpen();
    if ($("explain-box").open) showExplain();
  });
  document.addEventListener("pointerup", settle);
  document.addEventListener("change", (e) => e.target.type !== "range" && settle());
  addEventListener("popstate", goBack);
}

async function start() {
  try {
    state.site = await ask("_playground/site");
  } catch (err) {
    say(`The server does not say what it has: ${err.message}`);
    return;
  }
  const { handlers, dialects } = state.site;
  $("version").textContent = state.site.version;
  // Handlers whose URLs are not our own are named, and what they read is shown beside ours.
  const others = dialects.map((d) => `${d.route} reads URLs of ${d.dialect}`).join(", ");
  $("dialects").textContent = others && `${others}: paste one above.`;
  $("dialects").hidden = !others;
  if (!handlers.length) {
    document.querySelector("main").hidden = document.querySelector(".bar").hidden = document.querySelector(".tabs").hidden = true;
    $("status").textContent = others ? `URLs of this server are not our own: ${others}.` : "There is no handler that everybody may use. The playground on the admin listener shows all of them.";
    return;
  }
  $("handler").replaceChildren(...handlers.map((h) => element("option", { value: h.prefix }, h.name === h.prefix ? h.prefix : `${h.name} (${h.prefix})`)));
  $("handler-field").hidden = handlers.length < 2;
  state.handler = handlers[0];
  connect();

  const recalled = recall();
  if (recalled) noteUnknown(recalled.unknown);
  else state.values = valuesOf(state.handler.queries.first);
  beginHistory();
  takeHandler();
  if (matchMedia("(max-width: 44rem)").matches) setView("result");
  setLoupe(false);
  await showPictures();
  if (recalled && state.name) {
    showChosen();
    update("");
  }
}

start();
