// Code that shows the picture on the stage, in the words of pages and programs;
// presets and signed URLs. All of it is text: names and values are escaped for
// where they stand.
import { $, ask, bytes, copy, element, milliseconds, say } from "./dom.js";
import { referenceOf, timesOf } from "./stage.js";
import { accept, but, counts, pictureURL, publicAddress, publicURL, queryOf, state, withParameter } from "./state.js";
import { similarity } from "./similarity.js";

// ---------------------------------------------------------------- escapes

const html = (s) => s.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
// In a script within a page "</script" and "<!--" would end it.
const js = (s) => JSON.stringify(s).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
const shell = (s) => `'${s.replaceAll("'", `'\\''`)}'`;
const css = (s) => `"${s.replace(/["\\\n\r\f<]/g, (c) => `\\${c.codePointAt(0).toString(16)} `)}"`;
const markdown = (s) => s.replace(/[\\[\]<>&*_`!]/g, "\\$&");

// ---------------------------------------------------------------- snippets

const shown = () => but({ dl: "" }); // a page shows it, and does not save it
const addressOf = (path) => ($("absolute").checked ? publicURL(path) : new URL(path, new URL("./", location.href)).pathname + (path.includes("?") ? path.slice(path.indexOf("?")) : ""));
const alt = () => $("alt").value.trim();

// cssSize is the size of the result in pixels of a page.
function cssSize() {
  const r = state.result;
  const dpr = Number(state.values.get("dpr")) || 1;
  return r ? { width: Math.round(r.width / dpr), height: Math.round(r.height / dpr) } : { width: 0, height: 0 };
}

// widths are those that are written, none if the field is empty or wrong.
const widths = () => $("widths").value.split(",").map((w) => w.trim()).filter((w) => /^[1-9][0-9]{0,4}$/.test(w)).map(Number);
const noWidths = "Widths are numbers of pixels with commas between them, as in 320,640,960.";

// scaled returns the options of the result at another width, in the same shape.
function scaled(width) {
  const { width: w, height: h } = cssSize();
  const box = state.values.get("h") && counts("h") ? { h: Math.max(1, Math.round((width * h) / w)) } : {};
  return but({ w: width, dpr: "", zoom: "", ...box }, shown());
}

const sourceSet = () => widths().map((w) => `${addressOf(pictureURL(state.name, scaled(w)))} ${w}w`).join(", ");

// loader returns the lines of a function body that makes the URL of a name and a width.
function loader(indent) {
  const { width, height } = cssSize();
  const fixed = [...but({ w: "", h: "", dpr: "", zoom: "" }, shown())].map(([k, v]) => `${/^[a-z]\w*$/i.test(k) ? k : js(k)}: ${js(v)}`);
  const lines = [
    `const query = new URLSearchParams({ ${fixed.join(", ")}${fixed.length ? ", " : ""}w: String(width) });`,
    state.values.get("h") && `query.set("h", String(Math.round((width * ${height}) / ${width})));`,
    `if (quality) query.set("q", String(quality));`,
    `const name = src.replace(/^\\//, "").split("/").map(encodeURIComponent).join("/");`,
    `return \`\${server}/\${name}?\${query}\`;`,
  ];
  return lines.filter(Boolean).map((l) => indent + l).join("\n");
}

const server = () => js(publicURL(state.handler.prefix));

const kinds = [
  { id: "img", label: "<img>", code: () => {
    const { width, height } = cssSize();
    return `<img src="${html(addressOf(pictureURL(state.name, shown())))}" width="${width}" height="${height}" alt="${html(alt())}" loading="lazy" decoding="async">`;
  } },
  { id: "picture", label: "<picture>", widths: true, code: pictureElement },
  { id: "css", label: "CSS image-set", code: () => {
    const formats = ["avif", "webp", "jpeg"].filter((f) => state.handler.formats.includes(f) && counts("f"));
    const set = formats.length ? formats.map((f) => [f, pictureURL(state.name, but({ f }, shown()))]) : [["", pictureURL(state.name, shown())]];
    return `.picture {\n  background-image: image-set(\n${set.map(([f, u]) => `    url(${css(addressOf(u))})${f ? ` type("image/${f}")` : " 1x"}`).join(",\n")}\n  );\n  background-size: cover;\n}`;
  } },
  { id: "markdown", label: "Markdown", code: () => `![${markdown(alt())}](<${addressOf(pictureURL(state.name, shown()))}>)` },
  { id: "react", label: "React", widths: true, code: () => {
    const { width, height } = cssSize();
    return `export function Picture() {\n  return (\n    <img\n      src={${js(addressOf(pictureURL(state.name, shown())))}}\n      srcSet={${js(sourceSet())}}\n      sizes="(max-width: ${width}px) 100vw, ${width}px"\n      width={${width}}\n      height={${height}}\n      alt={${js(alt())}}\n      loading="lazy"\n    />\n  );\n}`;
  } },
  { id: "next", label: "Next.js", code: () => {
    const { width, height } = cssSize();
    return `// picture-loader.js, for next/image\n"use client";\n\nconst server = ${server()};\n\nexport default function pictureLoader({ src, width, quality }) {\n${loader("  ")}\n}\n\n// in a page\nimport Image from "next/image";\nimport pictureLoader from "./picture-loader";\n\n<Image loader={pictureLoader} src={${js(state.name)}} width={${width}} height={${height}} alt={${js(alt())}} />`;
  } },
  { id: "vue", label: "Vue", widths: true, code: () => {
    const { width, height } = cssSize();
    return `<template>\n  <img\n    src="${html(addressOf(pictureURL(state.name, shown())))}"\n    srcset="${html(sourceSet())}"\n    sizes="(max-width: ${width}px) 100vw, ${width}px"\n    width="${width}"\n    height="${height}"\n    alt="${html(alt())}"\n    loading="lazy"\n  >\n</template>`;
  } },
  { id: "nuxt", label: "Nuxt", code: () => {
    const { width, height } = cssSize();
    return `// providers/pictures.js, named in image.providers of nuxt.config\nimport { defineProvider } from "@nuxt/image/runtime";\n\nconst server = ${server()};\n\nexport default defineProvider({\n  getImage(src, { modifiers: { width = ${width}, quality } }) {\n${loader("    ").replace("return `${server}/${name}?${query}`;", "return { url: `${server}/${name}?${query}` };")}\n  },\n});\n\n<!-- in a page -->\n<NuxtImg provider="pictures" src="${html(state.name)}" width="${width}" height="${height}" alt="${html(alt())}" />`;
  } },
  { id: "curl", label: "curl", code: () => `curl -H ${shell("Accept: " + accept)} -o ${shell(fileName())} ${shell(publicURL(pictureURL(state.name, shown())))}` },
];

// pictureElement is what the server says of these widths: it knows the heights.
async function pictureElement() {
  if (!widths().length) return noWidths;
  const url = pictureURL(state.name, but({ f: "" }, shown())); // of every format: all else makes the picture that is shown
  const r = await fetch(withParameter(url, `srcset=${widths().join(",")}&as=json`));
  if (!r.ok) return `${r.status} ${(await r.text()).trim().slice(0, 300) || r.statusText}`;
  const p = await r.json();
  const address = (u) => addressOf(u.replace(/^\//, ""));
  const set = (s) => s.split(", ").map((c) => c.replace(/^\S+/, address)).join(", ");
  const sources = p.sources.map((s) => `  <source type="${html(s.type)}" srcset="${html(set(s.srcset))}" sizes="${html(p.sizes)}">`);
  return `<picture>\n${sources.join("\n")}${sources.length ? "\n" : ""}  <img src="${html(address(p.src))}"${p.srcset ? ` srcset="${html(set(p.srcset))}" sizes="${html(p.sizes)}"` : ""} width="${Number(p.width)}" height="${Number(p.height)}" alt="${html(alt())}" loading="lazy">\n</picture>`;
}

let kind = kinds[0];
let snippetTurn = 0;

export async function showSnippet() {
  const turn = ++snippetTurn;
  $("widths-field").hidden = !kind.widths;
  let text;
  if (!state.result) text = "There is no picture on the stage.";
  else if (kind.widths && !widths().length) text = noWidths;
  else {
    try {
      text = await kind.code();
    } catch (err) {
      text = String(err.message);
    }
  }
  if (turn === snippetTurn) $("snippet").textContent = text;
}

function setKind(next) {
  kind = next;
  for (const b of $("snippet-tabs").children) {
    b.setAttribute("aria-selected", String(b.dataset.kind === kind.id));
    b.tabIndex = b.dataset.kind === kind.id ? 0 : -1;
  }
  showSnippet();
}

// fileName is what the result is saved as.
export function fileName() {
  const base = state.name.replace(/^.*\//, "").replace(/\.[^.]*$/, "") || "picture";
  const ending = { jpeg: "jpg", "svg+xml": "svg" }[state.result?.format] || state.result?.format || "jpg";
  return `${base}.${ending}`;
}

// ---------------------------------------------------------------- presets

export function showPreset() {
  const name = $("preset-name").value.trim();
  const query = queryOf(but({ preset: "", dl: "", versionid: "", maxage: "" }));
  const good = /^[A-Za-z0-9_-]{1,64}$/.test(name);
  $("preset-note").textContent = !good ? "A name has letters, digits, - and _." : query ? `Then preset=${name} in a URL makes this picture of every source.` : "Set some options first.";
  $("preset").textContent = good && query ? `"presets": {\n  ${JSON.stringify(name)}: ${JSON.stringify(query)}\n}` : "";
}

// ---------------------------------------------------------------- signed URLs

let signTurn = 0;

export async function showSigned() {
  if (!state.handler.signs || !state.name) return;
  const turn = ++signTurn;
  $("ends-at-field").hidden = $("ends").value !== "at";
  const seconds = $("ends").value === "at" ? Math.floor(new Date($("ends-at").value).getTime() / 1000) : Math.floor(Date.now() / 1000) + Number($("ends").value);
  let text;
  if (!Number.isFinite(seconds)) text = "Choose a time.";
  else {
    try {
      const path = new URL(pictureURL(), location.origin + "/");
      const { url } = await ask("_playground/sign?" + new URLSearchParams({ url: path.pathname + path.search, exp: seconds }));
      text = publicURL(url);
    } catch (err) {
      text = err.message;
    }
  }
  if (turn === signTurn) $("signed").textContent = text;
}

function setAddress() {
  const text = $("address").value.trim();
  let good = "";
  try {
    const u = new URL(text);
    if (/^https?:$/.test(u.protocol)) good = u.origin + u.pathname.replace(/\/+$/, "");
  } catch {
    // it is not one yet
  }
  $("address").setAttribute("aria-invalid", String(!good && text !== ""));
  if (!good && text) return;
  try {
    if (good) localStorage.setItem("address", good);
    else localStorage.removeItem("address");
  } catch {
    // the browser keeps nothing: it holds until the page is left
  }
  document.dispatchEvent(new Event("address"));
}

// ---------------------------------------------------------------- formats beside each other

const formats = [["jpeg", "JPEG"], ["webp", "WebP"], ["avif", "AVIF"]];

// measure makes the picture in each format, and tells its bytes, how similar it is
// to the picture before it was compressed, and what it took.
async function measure(onUse) {
  const button = $("measure");
  const [name, values] = [state.name, new Map(state.values)];
  button.disabled = true;
  $("measures").hidden = false;
  const body = $("measures").tBodies[0];
  const allowed = formats.filter(([f]) => state.handler.formats.includes(f) && counts("f"));
  const rows = new Map(formats.map(([f, label]) => {
    const off = !allowed.some(([a]) => a === f);
    return [f, element("tr", { "data-format": f, class: off ? "off" : "" }, element("th", { scope: "row" }, label), ...(off ? [element("td", { colspan: 4 }, "not written by this handler")] : [0, 1, 2, 3].map((i) => element("td", {}, i ? "" : "…"))))];
  }));
  body.replaceChildren(...rows.values());
  $("measure-note").textContent = "Measuring…";
  const reference = await referenceOf();
  const found = [];
  for (const [f] of allowed) {
    const cells = rows.get(f).children;
    try {
      const began = performance.now();
      const r = await fetch(pictureURL(name, but({ f, dl: "", ...(f === "webp" || f === "avif" ? {} : { lossless: "" }) }, values)), { headers: { Accept: accept } });
      const blob = await r.blob();
      const took = performance.now() - began;
      if (!r.ok || !blob.type.startsWith("image/")) throw new Error(`${r.status}`);
      const made = timesOf(r.headers.get("Server-Timing") || "").reduce((sum, [, ms]) => sum + ms, 0);
      const like = reference ? await similarity(reference.blob, blob) : NaN;
      found.push({ f, size: blob.size });
      cells[1].replaceChildren(element("span", { class: "bar-of" }, element("i", {})), bytes(blob.size));
      cells[1].title = `${blob.size} B`;
      cells[2].textContent = Number.isFinite(like) ? like.toFixed(4) : "–";
      cells[3].textContent = made ? `${milliseconds(made)} to make` : `kept, ${milliseconds(took)}`;
      cells[4].replaceChildren(element("button", { type: "button", onclick: () => onUse(f) }, "Use"));
    } catch (err) {
      cells[1].textContent = `no picture: ${err.message}`;
    }
    const most = Math.max(...found.map((x) => x.size));
    for (const x of found) rows.get(x.f).querySelector("i").style.width = `${(100 * x.size) / most}%`;
  }
  const best = found.toSorted((a, b) => a.size - b.size)[0];
  for (const x of found) rows.get(x.f).classList.toggle("best", x === best);
  $("measure-note").textContent = "Similarity is SSIM: 1 is equal to the picture before it was compressed. Time is the server’s.";
  button.disabled = false;
}

export function forgetMeasures() {
  if ($("measure").disabled) return;
  if (!$("measures").hidden) $("measure-note").textContent = "The options have changed: measure again.";
  $("measures").classList.toggle("old", !$("measures").hidden);
}

// ---------------------------------------------------------------- start

// showOpen shows what is open.
export function showOpen() {
  if ($("snippet-box").open) showSnippet();
  if ($("preset-box").open) showPreset();
  if ($("sign-box").open && !$("sign-box").hidden) showSigned();
}

export function setUpSnippets(onUse) {
  $("snippet-tabs").replaceChildren(...kinds.map((k) => element("button", { type: "button", role: "tab", "data-kind": k.id, "aria-controls": "snippet", onclick: () => setKind(k) }, k.label)));
  $("snippet-tabs").onkeydown = (e) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!step) return;
    const next = kinds[(kinds.indexOf(kind) + step + kinds.length) % kinds.length];
    setKind(next);
    $("snippet-tabs").querySelector(`[data-kind="${next.id}"]`).focus();
  };
  setKind(kind);
  $("snippet-box").ontoggle = $("preset-box").ontoggle = $("sign-box").ontoggle = showOpen;
  for (const id of ["alt", "widths"]) $(id).oninput = showSnippet;
  $("absolute").onchange = showSnippet;
  $("copy-snippet").onclick = () => copy($("snippet").textContent, "Code");
  $("preset-name").oninput = showPreset;
  $("copy-preset").onclick = () => copy($("preset").textContent, "Preset");
  $("address").value = publicAddress();
  $("address").oninput = setAddress;
  $("ends").onchange = $("ends-at").oninput = showSigned;
  $("copy-signed").onclick = async () => {
    await showSigned();
    const text = $("signed").textContent;
    if (/[?&]sig=/.test(text)) copy(text, "Signed URL");
    else say(text);
  };
  $("measure").onclick = () => {
    $("measures").classList.remove("old");
    measure(onUse);
  };
}
