// What a stranger can send. Each case ends with a good connection: refusals alone would pass against a dead server.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import { CHAT, frame, KEY, Raw, request, sleep, startChat, until } from "./support.js";

let chat;
before(async () => (chat = await startChat({ args: ["--handshake-timeout", "1500", "--log", "debug", "--max-queue", "200000"] })));
after(async () => assert.equal(await chat.stop(), 0, chat.log()));
afterEach(async () => {
  try {
    const raw = await Raw.open(chat.port);
    raw.send(frame(`420["sendMessage",{"name":"check","message":"works"}]`));
    await until(() => raw.texts().includes("430[true]"), "a good connection works");
    raw.destroy();
  } catch (e) {
    throw new Error(`${e.message}; the server's last words:\n${chat.log().split("\n").slice(-20).join("\n")}`);
  }
});

const exchange = async (bytes, { end = true } = {}) => {
  const raw = await Raw.connect(chat.port);
  raw.send(bytes);
  if (end) await raw.end();
  else await until(() => raw.text().includes("\r\n\r\n"), "an answer");
  return raw;
};

describe("requests", () => {
  const refused = [
    ["garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400],
    ["a line that is no request", "hello there\r\n\r\n", 400],
    ["HTTP/1.0 on the upgrade", request({}, { version: "1.0" }), 426],
    ["HTTP/2.0", request({}, { version: "2.0" }), 505],
    ["POST on the upgrade", request({}, { method: "POST" }), 405],
    ["no key", request({ "Sec-WebSocket-Key": undefined }), 400],
    ["two keys", request({ "Sec-WebSocket-Key": [KEY, KEY] }), 400],
    ["a short key", request({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZQ==" }), 400],
    ["a long key", request({ "Sec-WebSocket-Key": "A".repeat(200) }), 400],
    ["a key with stray bits", request({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZB==" }), 400],
    ["version 8", request({ "Sec-WebSocket-Version": "8" }), 426],
    ["no version", request({ "Sec-WebSocket-Version": undefined }), 426],
    ["no Connection", request({ Connection: "keep-alive" }), 400],
    ["two hosts", request({ Host: ["a", "b"] }), 400],
    ["no host", request({ Host: undefined }), 400],
    ["a body", request({ "Content-Length": "5" }) + "hello", 400],
    ["white space before the colon", request({ "X-A ": "b" }), 400],
    ["a folded line", request({ "X-A": "b\r\n c" }), 400],
    ["NUL in a value", request({ "X-A": "b\0c" }), 400],
    ["a bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400],
    ["100 KB of headers", request({ "X-A": "a".repeat(100_000) }), 431],
    ["1,000 header lines", request({ "X-A": Array(1000).fill("b") }), 431],
    ["EIO=3", request({}, { query: "EIO=3&transport=websocket" }), 400],
    ["no transport", request({}, { query: "EIO=4" }), 400],
    ["a session that there is not", request({}, { query: "EIO=4&transport=websocket&sid=__proto__" }), 400],
    ["no upgrade", "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["POST without an upgrade", "POST /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 400],
  ];
  for (const [what, bytes, status] of refused) {
    test(`${what}: ${status}`, async () => {
      const raw = await exchange(bytes);
      assert.equal(raw.status(), status, raw.text());
      if (status === 426) assert.match(raw.text(), /Upgrade: websocket\r\n[^]*Sec-WebSocket-Version: 13\r\n/);
      if (status === 405) assert.match(raw.text(), /\r\nAllow: GET\r\n/);
    });
  }

  test("half a request, and one byte at a time for ever, end at the deadline", async () => {
    const half = await Raw.connect(chat.port);
    half.send("GET / HTTP/1.1\r\nHost: a\r\n");
    const drip = await Raw.connect(chat.port);
    const start = Date.now();
    drip.send("GET / HTTP/1.1\r\nX: ");
    const timer = setInterval(() => drip.ended || drip.send("a"), 20);
    await Promise.all([half.end(4000), drip.end(4000)]);
    clearInterval(timer);
    assert.ok(Date.now() - start < 3500);
    assert.deepEqual([half.status(), drip.status()], [408, 408]);
  });

  test("a good request cut at every byte", async () => {
    const bytes = request({}, { query: "EIO=4&transport=websocket" });
    await Promise.all([...Array(bytes.length - 1).keys()].map(async (i) => {
      const raw = await Raw.connect(chat.port);
      raw.send(bytes.slice(0, i + 1));
      await sleep(20 + (i % 30));
      raw.send(bytes.slice(i + 1));
      await until(() => raw.texts().length > 0, `open packet, cut at ${i}`);
      raw.destroy();
    }));
  });

  test("the page: GET, HEAD, 404, 405, one connection for several requests", async () => {
    const ask = (line) => `${line} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const raw = await exchange(ask("GET /") + ask("HEAD /style.css") + ask("GET /none") + ask("PUT /") + ask("GET /chat.js"), { end: false });
    await until(() => raw.text().split("HTTP/1.1 ").length === 6, "five answers");
    assert.deepEqual([...raw.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]), ["200", "200", "404", "405", "200"]);
    assert.match(raw.text(), /Content-Security-Policy: default-src 'none'/);
    raw.destroy();
  });
});

describe("frames", () => {
  const text = (s) => frame(s);
  const ended = [
    ["an unmasked frame", frame("40", { masked: false }), 1002],
    ["a reserved opcode", frame("x", { opcode: 3 }), 1002],
    ["a reserved control opcode", frame("x", { opcode: 11 }), 1002],
    ["RSV1", frame("x", { rsv: 4 }), 1002],
    ["a length of 2^63", Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1002],
    ["a length of 2^63-1", frame("", { length: (1n << 63n) - 1n }), 1009],
    ["a length over the limit", frame("", { length: 100_001n }), 1009],
    ["a length not in its shortest form", Buffer.from([0x81, 0xfe, 0, 2, 1, 2, 3, 4, 0, 0]), 1002],
    ["a long ping", frame("x".repeat(126), { opcode: 9 }), 1002],
    ["a fragmented ping", frame("x", { opcode: 9, fin: false }), 1002],
    ["a continuation from nowhere", frame("x", { opcode: 0 }), 1002],
    ["a message inside a message", Buffer.concat([frame("4", { fin: false }), frame("4")]), 1002],
    ["text that is not UTF-8", frame(Buffer.from([0x34, 0xff])), 1007],
    ["text that ends inside a character", frame(Buffer.from([0x34, 0xe4, 0xb8])), 1007],
    ["half a close code", frame("x", { opcode: 8 }), 1002],
    ["close code 1005", frame(Buffer.from([0x03, 0xed]), { opcode: 8 }), 1002],
    ["close code 999", frame(Buffer.from([0x03, 0xe7]), { opcode: 8 }), 1002],
    ["close code 5000", frame(Buffer.from([0x13, 0x88]), { opcode: 8 }), 1002],
    ["a close reason that is not UTF-8", frame(Buffer.from([0x03, 0xe8, 0xff]), { opcode: 8 }), 1007],
    ["a close frame", frame(Buffer.from([0x03, 0xe9]), { opcode: 8 }), 1001],
    ["a close frame without a code", frame("", { opcode: 8 }), 1005],
    ["an Engine.IO packet of no type", text("9"), 1002],
    ["an empty message", text(""), 1002],
    ["an Engine.IO ping", text("2"), 1002],
    ["an Engine.IO close", text("1"), 1005],
    ["a Socket.IO packet of no type", text("47"), 1005],
    ["an empty Socket.IO packet", text("4"), 1005],
    ["broken JSON", text(`42["a"`), 1005],
    ["an object for an event", text(`42{"a":1}`), 1005],
    ["an event without a name", text(`42[]`), 1005],
    ["a name that is an object", text(`42[{"toString":"foo"}]`), 1005],
    ["a reserved name", text(`42["disconnect"]`), 1005],
    ["a second CONNECT", text("40"), 1005],
    ["a CONNECT_ERROR of a client", text(`44{"message":"x"}`), 1005],
    ["an event to a namespace that is not joined", text(`42/other,["a"]`), 1005],
    ["an acknowledgement id over 2^64", text(`4299999999999999999999["a"]`), 1005],
    ["eleven attachments", text(`4511-["a",{"_placeholder":true,"num":0}]`), 1005],
    ["no attachments in a binary event", text(`450-["a"]`), 1005],
    ["text where an attachment is due", Buffer.concat([text(`451-["a",{"_placeholder":true,"num":0}]`), text(`42["a"]`)]), 1005],
    ["a binary message from nowhere", frame("x", { opcode: 2 }), 1005],
    ["JSON nested 100,000 deep", Buffer.concat([text(`42["a",${"[".repeat(49_000)}`), text("40")]), 1005],
    ["a lone surrogate", text(`42["sendMessage",{"name":"a","message":"\\ud800"}]`), 1005],
  ];
  for (const [what, bytes, code] of ended) {
    test(`${what}: ${code}`, async () => {
      const raw = await Raw.open(chat.port);
      raw.send(bytes);
      await raw.end();
      assert.equal(raw.closeCode(), code);
    });
  }

  test("JSON nested 100,000 deep in an argument that is skipped", async () => {
    const raw = await Raw.open(chat.port);
    const deep = `42["sendMessage",{"name":"a","message":"b","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}]`;
    for (let i = 0; i < deep.length; i += 40_000) {
      raw.send(frame(deep.slice(i, i + 40_000), { opcode: i ? 0 : 1, fin: i + 40_000 >= deep.length }));
    }
    await raw.end();
    assert.equal(raw.closeCode(), 1009);
  });

  test("an event before CONNECT", async () => {
    const raw = await Raw.open(chat.port, { join: false });
    raw.send(frame(`42["sendMessage",{"name":"a","message":"b"}]`));
    await raw.end();
    assert.ok(!raw.texts().some((t) => t.startsWith("42")));
  });

  test("no CONNECT in time", async () => {
    const raw = await Raw.open(chat.port, { join: false });
    await raw.end(4000);
  });

  test("text fails at its first impossible byte, though the frame is not whole", async () => {
    const raw = await Raw.open(chat.port);
    const whole = frame(Buffer.concat([Buffer.from("4ab"), Buffer.from([0xc0]), Buffer.from("x".repeat(50))]));
    raw.send(whole.subarray(0, 6 + 4));
    await raw.end();
    assert.equal(raw.closeCode(), 1007);
  });

  test("a million empty fragments", async () => {
    const raw = await Raw.open(chat.port);
    const empty = Buffer.concat(Array(10_000).fill(frame("", { opcode: 0, fin: false })));
    raw.send(frame("4", { fin: false }));
    for (let i = 0; i < 100 && !raw.ended; i++) {
      raw.send(empty);
      await sleep(1);
    }
    await raw.end();
    assert.equal(raw.closeCode(), 1008);
  });

  test("acknowledgements from nowhere and odd packets are ignored", async () => {
    const raw = await Raw.open(chat.port);
    for (const t of ["435[1]", "3", "6", "5", "0{}", `42[1,2]`, `42["__proto__"]`]) raw.send(frame(t));
    raw.send(frame(`421["sendMessage",{"name":"a","message":"b"}]`));
    await until(() => raw.texts().includes("431[true]"), "still alive");
    raw.destroy();
  });

  test("fragments and control frames between them, cut at every byte", async () => {
    const bytes = Buffer.concat([
      frame(`4212["sendMess`, { fin: false }), frame("p", { opcode: 9 }), frame(`age",{"name":"é`, { opcode: 0, fin: false }), frame("q", { opcode: 10 }),
      frame(`漢","message":"🦀"}]`, { opcode: 0 }),
    ]);
    await Promise.all([...Array(bytes.length - 1).keys()].map(async (i) => {
      const raw = await Raw.open(chat.port);
      raw.send(bytes.subarray(0, i + 1));
      await sleep(15);
      raw.send(bytes.subarray(i + 1));
      await until(() => raw.texts().includes("4312[true]"), `answer, cut at ${i}`);
      assert.deepEqual(raw.frames().filter((f) => f.opcode === 10).map((f) => f.payload.toString()), ["p"]);
      raw.destroy();
    }));
  });

  test("one who never reads is dropped, the others notice nothing", async () => {
    const deaf = net.connect(chat.port, "127.0.0.1");
    await once(deaf, "connect");
    deaf.write(request());
    deaf.pause();
    await sleep(100);
    deaf.write(frame("40"));
    deaf.write(frame(`42["user-name","Deaf"]`));
    const [a, b] = [await Raw.open(chat.port), await Raw.open(chat.port)];
    const long = "x".repeat(1900);
    let sent = 0;
    await until(async () => {
      for (let i = 0; i < 50; i++) a.send(frame(`42["sendMessage",{"name":"a","message":"${sent++} ${long}"}]`));
      await sleep(5);
      return b.text().includes("Deaf left the chat");
    }, "dropped", 20000);
    const ids = () => b.events().filter(([e, m]) => e === "newMessage" && m.message.endsWith(long)).map(([, m]) => Number(m.message.split(" ")[0]));
    await until(() => ids().length === sent, "nothing lost", 10000);
    assert.deepEqual(ids(), [...Array(sent).keys()]);
    [a, b, deaf].forEach((s) => s.destroy());
    await until(() => /does not read/.test(chat.log()), "its line in the log");
  });
});

test("a history of long messages drops no newcomer", async () => {
  const small = await startChat({ args: ["--max-queue", "40000"] });
  const speaker = await Raw.open(small.port);
  for (let i = 0; i < 100; i++) {
    speaker.send(frame(`42${i}["sendMessage",{"name":"s","message":"${i} ${"x".repeat(1900)}"}]`));
    await until(() => speaker.texts().includes(`43${i}[true]`), `message ${i}`);
  }
  for (let i = 0; i < 10; i++) {
    const raw = await Raw.open(small.port);
    await until(() => raw.events().some(([name, list]) => name === "allMessage" && list.at(-1).message.startsWith("99 ")));
    await sleep(100);
    assert.ok(!raw.ended, small.log());
    raw.destroy();
  }
  assert.ok(!speaker.ended);
  speaker.destroy();
  assert.equal(await small.stop(), 0);
});

describe("the program", () => {
  const run = (...args) => spawnSync(CHAT, args, { encoding: "utf8", timeout: 5000 });
  test("a taken port: one sentence, exit code 2", () => {
    const { status, stderr } = run("--listen", `127.0.0.1:${chat.port}`);
    assert.equal(status, 2);
    assert.match(stderr, /^chat: cannot listen on [^\n]*\n$/);
  });
  for (const address of ["nonsense", "127.0.0.1", "127.0.0.1:99999", ":", ""]) {
    test(`the address '${address}': one sentence, exit code 2`, () => {
      const { status, stderr } = run("--listen", address);
      assert.equal(status, 2);
      assert.match(stderr, /^chat: [^\n]*\n$/);
    });
  }
  test("--help", () => {
    const { status, stdout } = run("--help");
    assert.equal(status, 0);
    assert.match(stdout, /--listen <ADDRESS>/);
  });
  test("too many connections are refused, and room comes free", async () => {
    const small = await startChat({ args: ["--max-connections", "2"] });
    const [a, b] = [await Raw.open(small.port), await Raw.open(small.port)];
    const c = await Raw.connect(small.port);
    await c.end();
    assert.equal(c.status(), 503);
    a.destroy();
    await sleep(1500);
    const d = await Raw.open(small.port);
    [b, d].forEach((s) => s.destroy());
    assert.equal(await small.stop("SIGINT"), 0);
  });
});
