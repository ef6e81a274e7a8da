// Compares our reader of polling payloads with npm's engine.io-parser: reads a line of JSON for each input, `[payload, packets]`, our packets up to the
// one that is none, and says where they differ in a way that is not on the list. Run by tests/differential.rs.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { decodePayload } = createRequire(require.resolve("socket.io"))("engine.io-parser");

const TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"];
/** A packet of theirs as we write it down; null for one that is none. */
const shown = ({ type, data }) => {
  if (type === "error") return null;
  if (Buffer.isBuffer(data)) return `b${data.toString("hex")}`;
  return `${TYPES.indexOf(type)}${data ?? ""}`;
};

/** What theirs takes and ours refuses, each with its reason. */
const allowed = {
  "base64 is strict: its alphabet, its padding, no stray bits": (text) => text[0] === "b",
  "a packet without a payload has none": (text) => /^[156]./s.test(text),
};

let [count, both] = [0, 0];
const bad = [];
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  count++;
  const [payload, ours] = JSON.parse(line);
  const theirs = decodePayload(payload, "nodebuffer").map(shown);
  const texts = payload.split("\x1e");
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    if (ours[i] === theirs[i]) {
      if (ours[i] !== null) both++;
      continue;
    }
    // Ours ends at a packet that is none.
    const why = ours[i] === null && Object.entries(allowed).find(([, test]) => test(texts[i]));
    if (!why) bad.push([payload, i, ours[i], theirs[i]]);
    break;
  }
}
console.log(`${count} payloads, ${both} packets taken by both and alike`);
for (const [payload, at, ours, theirs] of bad.slice(0, 20)) console.log(JSON.stringify({ payload, at, ours, theirs }));
process.exit(bad.length || !both ? 1 : 0);
