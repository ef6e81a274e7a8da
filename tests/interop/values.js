// Arguments that go there and back.
const bytes = (...list) => Buffer.from(list);

/** Every type of JSON. */
export const VALUES = {
  "a string": ["text 漢字 🦀 \"\\\n\u0000\u2028"],
  "an empty string": [""],
  "whole numbers": [0, 1, -1, 2 ** 53 - 1, -(2 ** 53 - 1)],
  "fractions and exponents": [0.1, -1.5e-7, 1e21, 5e-324],
  booleans: [true, false],
  null: [null],
  "no arguments": [],
  "an empty array": [[]],
  "an empty object": [{}],
  "nested arrays and objects": [{ a: [1, { b: [[], {}, null] }], "": { "ключ": "\ud83e\udd80" } }],
  "many arguments": [...Array(200).keys()],
  "nesting 60 deep": [Array(60).fill().reduce((inner) => [inner], 1)],
  "names of JavaScript's own": [{ constructor: 1, toString: 2, hasOwnProperty: 3 }],
  "what only looks like a placeholder": [{ num: 5, other: "_placeholder" }],
};

export const BINARIES = {
  "one buffer": [bytes(1, 2, 3)],
  "an empty buffer": [bytes()],
  "ten buffers": Array.from({ length: 10 }, (_, i) => bytes(i, 255 - i)),
  "buffers nested in objects and arrays": [{ a: bytes(1), b: [bytes(2), { c: bytes(3) }] }, "text", bytes(4), null],
  "300,000 bytes": [Buffer.from(Array.from({ length: 300000 }, (_, i) => i & 255))],
  "a buffer beside what looks like a placeholder": [{ _placeholder: false, num: 7 }, bytes(9)],
};
