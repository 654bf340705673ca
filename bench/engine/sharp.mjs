// Resizes pictures with sharp, on demand: one JSON object a line on standard
// input, one on standard output. It stays running, so that neither the start of
// the process nor that of its libraries is measured.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import sharp from 'sharp';

sharp.cache(false);
const files = new Map();

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  if (!files.has(job.file)) files.set(job.file, readFileSync(job.file));
  const source = files.get(job.file);
  sharp.concurrency(job.concurrency);
  const run = () => {
    const picture = sharp(source).resize(job.width, job.height || null, { fit: 'cover' });
    return picture.jpeg({ quality: job.quality }).toBuffer();
  };
  let result;
  const before = process.cpuUsage();
  for (let i = 0; i < job.times; i++) result = await run();
  const used = process.cpuUsage(before);
  if (job.out) writeFileSync(job.out, result);
  console.log(JSON.stringify({ micros: (used.user + used.system) / job.times, bytes: result.length }));
}
