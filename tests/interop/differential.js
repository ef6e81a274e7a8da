// Compares our packet decoder with npm's: reads a line of JSON for each input, `[text, verdict]`, and says where they differ in a way that is
// not on the list below. Run by tests/differential.rs.
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { Decoder } from "socket.io-parser";

// The reference is the latest one: its limit on attachments came late.
const { version } = JSON.parse(readFileSync(path.join(import.meta.dirname, "node_modules/socket.io-parser/package.json")));

const depth = (text) => {
  let [now, most, inString] = [0, 0, false];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inString) {
      if (c === "\\") i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === "[" || c === "{") most = Math.max(most, ++now);
    else if (c === "]" || c === "}") now--;
  }
  return most;
};

/** Members of all objects in JSON. */
const members = (json) => json.replace(/"(\\.|[^"\\])*"/gs, "").split(":").length - 1;
const repeatsKeys = (text) => {
  const json = /^[56]\d+-(?:\/[^,]*,)?\d*(.*)$/s.exec(text)?.[1];
  return json !== undefined && members(JSON.stringify(JSON.parse(json))) < members(json);
};

/** What the reference takes and we refuse, each with its reason; `packet` is what it made of it. */
const allowed = {
  "an empty packet is no CONNECT": (text) => text === "",
  "a type is a digit, no blank": (text) => /^\s/.test(text),
  "EVENT, ACK and CONNECT_ERROR have a payload": (_, packet) => [2, 3, 4, 5, 6].includes(packet.type) && packet.data === undefined,
  "an id is plain digits, no blanks": (text) => /^\d(\d*-)?(\/[^,]*,?)?\d*\s/u.test(text),
  "an id is below 2^64": (_, packet) => packet.id >= 2 ** 64,
  "CONNECT, DISCONNECT and CONNECT_ERROR have no id": (_, packet) => [0, 1, 4].includes(packet.type) && packet.id !== undefined,
  "an ACK has an id": (_, packet) => [3, 6].includes(packet.type) && packet.id === undefined,
  "the number of attachments is plain digits without a leading zero": (text) => /^[56]/.test(text) && !/^[56][1-9]\d*-/.test(text),
  "JSON is nested 64 deep at most": (text) => depth(text) > 64,
  "half of a surrogate pair is no text": (text) => /\\u[dD][89a-fA-F]/.test(text),
  "a placeholder under a key that comes again is judged too": (text) => repeatsKeys(text),
  "the num of a placeholder is plain digits": (text) => /^[56]/.test(text) && /"num"\s*:\s*-?(0\d|\d*[.eE-]|-)/.test(text),
};

const decode = (text) => {
  const decoder = new Decoder();
  let packet;
  decoder.on("decoded", (p) => (packet = p));
  try {
    decoder.add(text);
    const count = Number(/^[56](\d+)-/.exec(text)?.[1] ?? 0);
    for (let i = 0; i < count && !packet; i++) decoder.add(Buffer.from([i]));
    // A count in words of JavaScript's own, such as 1e0.
    if (!packet && decoder.reconstructor) decoder.add(Buffer.from([0]));
  } catch (e) {
    return { error: e.message };
  } finally {
    decoder.destroy();
  }
  return packet ? { packet } : { error: "incomplete" };
};

/** What we say a packet is, with its placeholders replaced as the reference does. */
const fill = (value) => {
  if (Array.isArray(value)) return value.map(fill);
  if (value === null || typeof value !== "object") return value;
  if (value._placeholder === true) return Buffer.from([value.num]);
  for (const key of Object.keys(value)) value[key] = fill(value[key]);
  return value;
};

const count = { both: 0, neither: 0 };
const differences = [];
for await (const line of createInterface({ input: process.stdin })) {
  const [text, ours] = JSON.parse(line);
  const theirs = decode(text);
  if (!theirs.packet && !ours) count.neither++;
  else if (theirs.packet && !ours) {
    const reason = Object.keys(allowed).find((name) => allowed[name](text, theirs.packet));
    if (reason) count[reason] = (count[reason] ?? 0) + 1;
    else differences.push(["refused by us alone", text, theirs.packet]);
  } else if (!theirs.packet) differences.push(["taken by us alone", text, theirs.error]);
  else {
    const { type, nsp, id, data } = theirs.packet;
    const payload = ours.data === null ? undefined : ours.attachments > 0 ? fill(JSON.parse(ours.data)) : JSON.parse(ours.data);
    // A packet whose attachments came has the type of one without.
    const same = type === ours.type - (ours.attachments > 0 ? 3 : 0) && nsp === ours.nsp && (ours.id === null ? id === undefined : id === Number(ours.id)) && isDeepStrictEqual(payload, data);
    if (same) count.both++;
    else differences.push(["read differently", text, { ours, theirs: theirs.packet }]);
  }
  if (differences.length > 20) break;
}
console.log(`socket.io-parser ${version}: ${JSON.stringify(count)}`);
for (const difference of differences) console.log(JSON.stringify(difference).slice(0, 500));
process.exit(differences.length > 0 ? 1 : 0);
