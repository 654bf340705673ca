// The list of pictures.
import { $, ask, element } from "./dom.js";
import { pictureURL, state, valuesOf } from "./state.js";

let listing = 0;
let choose = () => {};

export function setUpLibrary(onChoose) {
  choose = onChoose;
  let typing;
  $("search").oninput = () => { clearTimeout(typing); typing = setTimeout(() => showPictures(), 250); };
  $("name-form").onsubmit = (e) => {
    e.preventDefault();
    if ($("name").value) choose($("name").value.replace(/^\/+/, ""));
  };
}

export async function showPictures(after = "") {
  const turn = ++listing;
  const q = new URLSearchParams({ handler: state.handler.prefix, folder: state.folder, after, q: $("search").value });
  let list;
  try {
    list = await ask("_playground/pictures?" + q);
  } catch (err) {
    if (turn === listing) $("pictures").replaceChildren(element("li", { class: "note" }, String(err.message)));
    return;
  }
  if (turn !== listing) return; // another question came after
  if (!after) $("pictures").replaceChildren();
  showCrumbs();
  const thumbnail = valuesOf(state.handler.queries.thumbnail);
  $("pictures").append(...list.folders.map(folderItem), ...list.names.map((name) => pictureItem(name, thumbnail)));
  const note = !list.listable ? "This source cannot name its pictures: type a name above." : list.names.length || list.folders.length || after ? "" : $("search").value ? "Nothing is found." : "There are no pictures here.";
  if (note) $("pictures").append(element("li", { class: "note" }, note));
  $("more").hidden = !list.next;
  $("more").onclick = () => showPictures(list.next);
  if (!state.name && list.names.length) choose(list.names[0]);
}

function folderItem(folder) {
  return element("li", { class: "folder-item" }, element("button", { type: "button", class: "folder", onclick: () => enter(folder) }, folder.slice(state.folder.length, -1)));
}

function pictureItem(name, thumbnail) {
  const unseen = (e) => e.target.replaceWith(element("span", { class: "unseen", title: "no picture can be made of it" }));
  const img = element("img", { src: pictureURL(name, thumbnail), alt: "", loading: "lazy", width: 160, height: 160, onerror: unseen });
  return element("li", {}, element("button", { type: "button", title: name, "data-name": name, "aria-current": String(name === state.name), onclick: () => choose(name) }, img, element("span", { class: "name" }, name.replace(/^.*\//, ""))));
}

export function markPicture() {
  $("name").value = state.name;
  for (const b of $("pictures").querySelectorAll("[data-name]")) b.setAttribute("aria-current", String(b.dataset.name === state.name));
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
