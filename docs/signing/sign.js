// Signs URLs of s3imageserver: node sign.js SECRET HANDLER NAME [parameter=value ...]
"use strict";
const crypto = require("node:crypto");

// Returns path and query of the picture `name` of a handler. params has the
// parameters as text, and exp in Unix seconds if the URL is to end. Whatever the
// server does not know (utm_source, ...) is added afterwards.
function sign(secret, handler, name, params) {
  const keys = Object.keys(params).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const parts = [handler, name, ...keys.flatMap((key) => [key, params[key]])];
  const canonical = parts.map((p) => `${Buffer.byteLength(p)}:${p},`).join("");
  const sig = crypto.createHmac("sha256", secret).update(canonical).digest("base64url");
  const path = name.split("/").map(encodeURIComponent).join("/");
  return `/${handler}/${path}?${new URLSearchParams({ ...params, sig })}`;
}

module.exports = sign;

if (require.main === module) {
  const [secret, handler, name, ...rest] = process.argv.slice(2);
  const pairs = rest.map((r) => [r.slice(0, r.indexOf("=")), r.slice(r.indexOf("=") + 1)]);
  console.log(sign(secret, handler, name, Object.fromEntries(pairs)));
}
