// How similar two pictures are: the mean SSIM of brightness over windows of 8x8
// pixels (Wang, Bovik, Sheikh and Simoncelli, 2004), 1 for equal ones.

const side = 8;
const most = 1.5e6; // pixels that are compared; of larger pictures, a part from the middle

export async function similarity(a, b) {
  const [p, q] = await Promise.all([createImageBitmap(a), createImageBitmap(b)]);
  try {
    if (p.width !== q.width || p.height !== q.height) return NaN;
    const share = Math.min(1, Math.sqrt(most / (p.width * p.height)));
    const [w, h] = [Math.max(1, Math.floor(p.width * share)), Math.max(1, Math.floor(p.height * share))];
    return ssim(brightness(p, w, h), brightness(q, w, h), w, h);
  } finally {
    p.close();
    q.close();
  }
}

// brightness returns the luma of the w by h pixels in the middle of a picture, on white.
function brightness(picture, w, h) {
  const canvas = new OffscreenCanvas(w, h);
  const c = canvas.getContext("2d", { willReadFrequently: true });
  c.fillStyle = "#fff";
  c.fillRect(0, 0, w, h);
  c.drawImage(picture, -Math.floor((picture.width - w) / 2), -Math.floor((picture.height - h) / 2));
  const { data } = c.getImageData(0, 0, w, h);
  const luma = new Float32Array(w * h);
  for (let i = 0; i < luma.length; i++) luma[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  return luma;
}

export function ssim(a, b, w, h) {
  const c1 = (0.01 * 255) ** 2;
  const c2 = (0.03 * 255) ** 2;
  let sum = 0;
  let windows = 0;
  for (let y = 0; y < h; y += side) {
    for (let x = 0; x < w; x += side) {
      let [n, ma, mb, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
      for (let j = y; j < Math.min(y + side, h); j++) {
        for (let i = x; i < Math.min(x + side, w); i++) {
          const [u, v] = [a[j * w + i], b[j * w + i]];
          n++;
          ma += u;
          mb += v;
          aa += u * u;
          bb += v * v;
          ab += u * v;
        }
      }
      ma /= n;
      mb /= n;
      const [va, vb, cov] = [aa / n - ma * ma, bb / n - mb * mb, ab / n - ma * mb];
      sum += ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
      windows++;
    }
  }
  return sum / windows;
}
