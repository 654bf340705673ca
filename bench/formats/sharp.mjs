// Converts pictures with sharp, on demand: one JSON object a line on standard
// input, one on standard output. It stays running, so that neither the start of
// the process nor that of its libraries is measured.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import sharp from 'sharp';

sharp.cache(false);
sharp.concurrency(1);

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const source = readFileSync(job.file);
  const run = () => sharp(source, { animated: job.animated }).resize(job.width)[job.format](job.options).toBuffer();
  let result = await run();
  const before = process.cpuUsage();
  for (let i = 0; i < job.times; i++) result = await run();
  const used = process.cpuUsage(before);
  writeFileSync(job.out, result);
  console.log(JSON.stringify({ micros: (used.user + used.system) / job.times, bytes: result.length }));
}
