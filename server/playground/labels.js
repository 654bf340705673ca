// What options are called in words, which words people search for, where a
// control rests while nothing is set, and what has to be set with it.

// The five that most come for, before all others.
export const common = { name: "Common", options: ["w", "h", "fit", "f", "q", "g"] };

// usual: what counts while nothing is set; needs: one of these has to be set too;
// only: formats of the result that know it.
export const labels = {
  w: { label: "Width", words: "size resize thumbnail pixels scale small" },
  h: { label: "Height", words: "size resize thumbnail pixels scale small" },
  c: { label: "Crop to fill (old name of Fit)", words: "cut legacy", needs: ["w", "h"] },
  fit: { label: "Fit", words: "resize mode object-fit crop letterbox thumbnail", usual: "cover", needs: ["w", "h", "ar"] },
  ar: { label: "Aspect ratio", words: "proportion square 16:9 shape" },
  dpr: { label: "Screen density", words: "retina device pixel ratio hidpi", usual: 1, needs: ["w", "h"] },
  zoom: { label: "Zoom", words: "scale factor multiply percent", usual: 1 },
  minw: { label: "Least width", words: "minimum min-width", needs: ["w", "h"] },
  minh: { label: "Least height", words: "minimum min-height", needs: ["w", "h"] },
  round: { label: "Rounding of sides", words: "pixel fraction", usual: "down", needs: ["w", "h"] },
  enlarge: { label: "Enlarge", words: "upscale upsize bigger grow", usual: "false", needs: ["w", "h", "zoom"] },
  orient: { label: "Orientation", words: "exif rotate upright turn" },
  crop: { label: "Crop", words: "cut rectangle region part area extract" },
  trim: { label: "Trim edges", words: "border whitespace cut autocrop" },
  g: { label: "Focal point", words: "gravity position face focus smart anchor crop", usual: "center", needs: ["h", "ar", "w"] },
  rot: { label: "Rotate", words: "rotation turn angle straighten degrees", usual: 0 },
  flip: { label: "Mirror", words: "flip flop horizontal vertical", usual: "none" },
  bri: { label: "Brightness", words: "light dark exposure", usual: 0 },
  con: { label: "Contrast", words: "", usual: 0 },
  gam: { label: "Gamma", words: "midtones shadows", usual: 1 },
  sat: { label: "Saturation", words: "colour color vivid vibrance", usual: 0 },
  hue: { label: "Hue", words: "colour color wheel", usual: 0 },
  gray: { label: "Black and white", words: "grayscale greyscale grey monochrome desaturate", usual: "false" },
  sepia: { label: "Sepia", words: "old brown vintage", usual: 0 },
  tint: { label: "Tint", words: "colorize colourize monochrome color" },
  duotone: { label: "Duotone", words: "two colors colours spotify" },
  invert: { label: "Negative", words: "invert", usual: "false" },
  pixelate: { label: "Pixelate", words: "mosaic censor blocks" },
  blur: { label: "Blur", words: "gaussian soft" },
  sharpen: { label: "Sharpen", words: "unsharp crisp detail" },
  bitonal: { label: "Pure black and white", words: "threshold 1 bit fax", usual: "false" },
  bg: { label: "Background", words: "color colour fill transparent matte" },
  padding: { label: "Padding", words: "margin space frame extend" },
  radius: { label: "Rounded corners", words: "round circle avatar border-radius ellipse" },
  border: { label: "Border", words: "line frame outline stroke" },
  wm: { label: "Watermark", words: "logo overlay copyright brand stamp" },
  wmg: { label: "Watermark: place", words: "position gravity", needs: ["wm"], usual: "center" },
  wms: { label: "Watermark: size", words: "scale width", needs: ["wm"] },
  wmo: { label: "Watermark: opacity", words: "alpha transparency", needs: ["wm"], usual: 100 },
  wmt: { label: "Watermark: tiled", words: "repeat pattern", needs: ["wm"], usual: "false" },
  txt: { label: "Text", words: "caption title label overlay write" },
  txtfont: { label: "Text: font", words: "typeface bold italic", needs: ["txt"], usual: "regular" },
  txtsize: { label: "Text: size", words: "font size", needs: ["txt"] },
  txtcolor: { label: "Text: colour", words: "color", needs: ["txt"], usual: "ffffff" },
  txtg: { label: "Text: place", words: "position gravity align", needs: ["txt"], usual: "center" },
  f: { label: "Format", words: "type convert webp avif jpg jpeg png output" },
  q: { label: "Quality", words: "compress compression size lossy", usual: 75 },
  autoq: { label: "Automatic quality", words: "ssim similarity compress optimize optimise perceptual" },
  maxbytes: { label: "Largest file size", words: "bytes limit compress weight kb" },
  lossless: { label: "Lossless", words: "exact compress", usual: "false", only: ["webp", "avif"] },
  progressive: { label: "Progressive JPEG", words: "interlaced baseline", only: ["jpeg"] },
  chroma: { label: "Colour resolution", words: "chroma subsampling 420 444", only: ["jpeg", "avif"] },
  page: { label: "Page or frame", words: "animation tiff pdf number", usual: 1 },
  anim: { label: "Animation", words: "gif still freeze", usual: "true" },
  strip: { label: "Metadata", words: "exif strip remove privacy copyright gps" },
  icc: { label: "Colour profile", words: "icc srgb p3 color" },
  preset: { label: "Preset", words: "named style variant" },
  dl: { label: "Download name", words: "attachment save filename content-disposition" },
  maxage: { label: "Cache time", words: "cache-control ttl expire seconds" },
  versionid: { label: "Version of the object", words: "s3 version" },
};

export const labelOf = (name) => labels[name]?.label || name;

// needOf returns what an option lacks to have an effect: a sentence and the option
// that would help, or null.
export function needOf(name, values, format) {
  const l = labels[name];
  if (!l) return null;
  const has = (n) => values.get(n);
  if (values.get("preset")) return null; // a preset may bring it
  if (name === "g") {
    if ((has("w") && has("h")) || has("ar")) return null;
    return { text: `Has an effect where the picture is cut: set Width and Height, or Aspect ratio.`, option: has("w") ? "h" : "w" };
  }
  if (name === "fit" || name === "c") {
    if ((has("w") && has("h")) || (has("ar") && (has("w") || has("h")))) return null;
    return { text: "Has an effect on a box: set Width and Height.", option: has("w") ? "h" : "w" };
  }
  if (l.needs && !l.needs.some(has)) {
    return { text: `Has no effect alone: set ${l.needs.map(labelOf).join(" or ")}.`, option: l.needs[0] };
  }
  if (l.only && format && !l.only.includes(format)) {
    return { text: `Has an effect in ${l.only.map((f) => (f === "webp" ? "WebP" : f.toUpperCase())).join(" and ")} only: set Format.`, option: "f" };
  }
  return null;
}

// matches reports whether an option is what somebody searches for: all words begin
// a word of its names, or stand in its text.
export function matches(option, search) {
  const l = labels[option.name] || { label: "", words: "" };
  const names = `${option.name} ${l.label} ${l.words} ${option.group} ${(option.control.words || []).join(" ")}`.toLowerCase();
  const starts = names.split(/[^\p{L}\p{N}:-]+/u);
  const doc = option.doc.toLowerCase();
  return search.toLowerCase().split(/\s+/).filter(Boolean).every((w) => starts.some((n) => n.startsWith(w) || (n.length > 3 && w.startsWith(n))) || (w.length > 3 && doc.includes(w)));
}

// nearest returns the option that somebody may mean by a name that there is not.
export function nearest(options, name) {
  return options.find((o) => labels[o.name]?.label.toLowerCase() === name.toLowerCase()) || options.find((o) => ` ${labels[o.name]?.label} ${labels[o.name]?.words} `.toLowerCase().includes(` ${name.toLowerCase()} `));
}
