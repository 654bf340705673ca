// Drawing on the original: the focal point and the rectangle of a crop, with the
// pointer and the keyboard.
import { $, element, say } from "./dom.js";
import { atOriginal, rectOf, setView } from "./stage.js";
import { counts, state } from "./state.js";

let change = () => {}; // change(name, value)
let tool = ""; // "focus", "crop"

const between = (v, least = 0, most = 1) => Math.min(most, Math.max(least, v));

// ---------------------------------------------------------------- values

function focalPoint() {
  const m = /^fp:([0-9.]+):([0-9.]+)$/.exec(state.values.get("g") || "");
  return m ? [between(Number(m[1])), between(Number(m[2]))] : null;
}

// whole is the whole picture, as cropArea gives it.
const whole = { x: 0, y: 0, w: 1, h: 1 };

// sides returns the size of the upright original, in pixels; null if it is not known.
function sides() {
  const { naturalWidth: nw, naturalHeight: nh } = $("left");
  const s = state.size;
  if (!s?.width || !nw) return null;
  return nw > nh === s.width > s.height ? [s.width, s.height] : [s.height, s.width];
}

// cropArea returns the rectangle of crop in fractions of the original; null without one.
export function cropArea() {
  const parts = (state.values.get("crop") || "").split(",");
  if (parts.length !== 4) return null;
  const size = sides();
  const [x, y, w, h] = parts.map((p, i) => (p.endsWith("%") ? Number(p.slice(0, -1)) / 100 : size ? Number(p) / size[i % 2] : NaN));
  if (![x, y, w, h].every(Number.isFinite) || w <= 0 || h <= 0 || x < 0 || y < 0 || x >= 1 || y >= 1) return null;
  return { x, y, w: Math.min(w, 1 - x), h: Math.min(h, 1 - y) };
}

function setFocus(x, y) {
  const fraction = (v) => String(Math.round(between(v) * 1000) / 1000);
  change("g", `fp:${fraction(x)}:${fraction(y)}`);
}

// setCrop writes whole pixels where the size is known: they need no escapes.
function setCrop({ x, y, w, h }) {
  const size = sides();
  const fraction = (v) => `${Math.round(v * 1000) / 10}%`;
  if (!size) return change("crop", [x, y, w, h].map(fraction).join(","));
  const [left, top] = [Math.round(x * size[0]), Math.round(y * size[1])];
  change("crop", [left, top, between(Math.round(w * size[0]), 1, size[0] - left), between(Math.round(h * size[1]), 1, size[1] - top)].join(","));
}

// ---------------------------------------------------------------- what is seen

// draw puts the handles where the values say. The focal point is one of what the
// crop has left.
export function draw() {
  const shown = atOriginal() && $("left").naturalWidth > 0;
  const r = rectOf($("left"));
  const area = cropArea();
  $("crop").hidden = !shown || !area || !counts("crop");
  if (area) {
    Object.assign($("crop").style, { left: `${r.x + area.x * r.w}px`, top: `${r.y + area.y * r.h}px`, width: `${area.w * r.w}px`, height: `${area.h * r.h}px` });
    $("crop-move").setAttribute("aria-label", `Crop, ${Math.round(area.w * 100)} by ${Math.round(area.h * 100)} per cent of the picture: move it with the arrow keys, remove it with Delete`);
  }
  const p = focalPoint();
  $("focus").hidden = !shown || !p || !counts("g");
  if (p) {
    const a = area || whole;
    Object.assign($("focus").style, { left: `${r.x + (a.x + p[0] * a.w) * r.w}px`, top: `${r.y + (a.y + p[1] * a.h) * r.h}px` });
    $("focus").setAttribute("aria-label", `Focal point, ${Math.round(p[0] * 100)} per cent from the left, ${Math.round(p[1] * 100)} from the top: move it with the arrow keys, remove it with Delete`);
  }
  $("draws").classList.toggle("away", !atOriginal()); // its place stays
  $("draws").hidden = !counts("g") && !counts("crop");
  $("tool-focus").hidden = !counts("g");
  $("tool-crop").hidden = !counts("crop");
  $("hint").textContent = !atOriginal() ? "" : tool === "focus" ? "Drag on the original to set the focal point. The arrow keys move it, Delete removes it." : tool === "crop" ? "Drag a rectangle on the original. Its handles and the arrow keys change it, Delete removes it." : "";
}

export function setTool(name) {
  if (name && !atOriginal()) {
    if (state.pinned) return say("Unpin first: it is drawn on the original");
    if ($("actual").getAttribute("aria-pressed") === "true") $("actual").click();
    setView("both");
  }
  tool = name;
  $("tool-focus").setAttribute("aria-pressed", String(tool === "focus"));
  $("tool-crop").setAttribute("aria-pressed", String(tool === "crop"));
  $("left-box").dataset.tool = tool;
  if (tool === "focus" && !focalPoint()) setFocus(0.5, 0.5);
  if (tool === "crop" && !cropArea()) setCrop({ x: 0.1, y: 0.1, w: 0.8, h: 0.8 });
  draw();
  if (tool) {
    $("left-box").scrollIntoView({ block: "nearest" });
    (tool === "focus" ? $("focus") : $("crop-move")).focus({ preventScroll: true });
  }
}

// ---------------------------------------------------------------- pointers

// at returns a place of a pointer in fractions of the original.
function at(e) {
  const b = $("left-box").getBoundingClientRect();
  const r = rectOf($("left"));
  return [between((e.clientX - b.x - r.x) / r.w), between((e.clientY - b.y - r.y) / r.h)];
}

// follow calls move with each place of a pointer until it is let go.
function follow(e, target, move) {
  e.preventDefault();
  e.stopPropagation();
  target.setPointerCapture?.(e.pointerId);
  const moved = (m) => move(...at(m));
  const done = () => {
    target.removeEventListener("pointermove", moved);
    target.removeEventListener("pointerup", done);
    target.removeEventListener("pointercancel", done);
  };
  target.addEventListener("pointermove", moved);
  target.addEventListener("pointerup", done);
  target.addEventListener("pointercancel", done);
}

function dragFocus(e, target) {
  const move = (x, y) => {
    const a = cropArea() || whole;
    setFocus((x - a.x) / a.w, (y - a.y) / a.h);
  };
  if (target === $("left-box")) move(...at(e));
  follow(e, target, move);
}

const least = 0.02; // of a side of the original

// resized returns a rectangle of which the edges that dir names are at x and y.
function resized(a, dir, x, y) {
  let [x0, y0, x1, y1] = [a.x, a.y, a.x + a.w, a.y + a.h];
  if (dir.includes("w")) x0 = between(x, 0, x1 - least);
  if (dir.includes("e")) x1 = between(x, x0 + least, 1);
  if (dir.includes("n")) y0 = between(y, 0, y1 - least);
  if (dir.includes("s")) y1 = between(y, y0 + least, 1);
  return { x: x0, y: y0, w: x1 - x0, h: y1 - y0 };
}

const moved = (a, dx, dy) => ({ ...a, x: between(a.x + dx, 0, 1 - a.w), y: between(a.y + dy, 0, 1 - a.h) });

function dragNew(e) {
  const [x0, y0] = at(e);
  follow(e, $("left-box"), (x, y) => {
    if (Math.abs(x - x0) < least || Math.abs(y - y0) < least) return;
    setCrop({ x: Math.min(x, x0), y: Math.min(y, y0), w: Math.abs(x - x0), h: Math.abs(y - y0) });
  });
}

const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// keys lets arrows change something, and Delete remove an option.
function keys(target, name, arrow) {
  target.addEventListener("keydown", (e) => {
    if (e.key === "Delete" || e.key === "Backspace") {
      e.preventDefault();
      change(name, "");
      $("left-box").focus();
    }
    const step = steps[e.key];
    if (!step) return;
    e.preventDefault();
    e.stopPropagation();
    const by = e.shiftKey ? 0.1 : 0.02;
    arrow(step[0] * by, step[1] * by);
  });
}

export function setUpDrawing(onChange) {
  change = onChange;
  const edges = { nw: "top left corner", n: "top edge", ne: "top right corner", e: "right edge", se: "bottom right corner", s: "bottom edge", sw: "bottom left corner", w: "left edge" };
  const body = element("button", { type: "button", id: "crop-move", class: "crop-move", "aria-label": "Crop" });
  body.addEventListener("pointerdown", (e) => {
    if (tool === "focus") return dragFocus(e, body);
    const a = cropArea();
    const [x0, y0] = at(e);
    follow(e, body, (x, y) => setCrop(moved(a, x - x0, y - y0)));
  });
  keys(body, "crop", (dx, dy) => setCrop(moved(cropArea(), dx, dy)));
  $("crop").append(body);
  for (const [dir, words] of Object.entries(edges)) {
    const handle = element("button", { type: "button", class: "handle", "data-dir": dir, "aria-label": `Crop: ${words}` });
    handle.addEventListener("pointerdown", (e) => follow(e, handle, (x, y) => setCrop(resized(cropArea(), dir, x, y))));
    keys(handle, "crop", (dx, dy) => {
      const a = cropArea();
      setCrop(resized(a, dir, (dir.includes("w") ? a.x : a.x + a.w) + dx, (dir.includes("n") ? a.y : a.y + a.h) + dy));
    });
    $("crop").append(handle);
  }
  $("focus").addEventListener("pointerdown", (e) => dragFocus(e, $("focus")));
  keys($("focus"), "g", (dx, dy) => {
    const [x, y] = focalPoint();
    setFocus(x + dx, y + dy);
  });
  $("left-box").addEventListener("pointerdown", (e) => {
    if (e.button !== 0 || !atOriginal() || (e.target !== $("left-box") && e.target !== $("left"))) return;
    if (tool === "focus") dragFocus(e, $("left-box"));
    if (tool === "crop") dragNew(e);
  });
  $("tool-focus").onclick = () => setTool(tool === "focus" ? "" : "focus");
  $("tool-crop").onclick = () => setTool(tool === "crop" ? "" : "crop");
  document.addEventListener("placed", draw);
  document.addEventListener("size", draw);
}
