// The board in QEMU, with stock clients, hostile ones and Chromium. `check` builds it and runs this; ELF is the firmware.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(new URL("../../../tests/interop/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const { io } = require("socket.io-client");
const WebSocket = require("ws");

const shots = process.env.SCREENSHOTS;
const SEATS = 4;
let qemu, port, url, browser;
let end = null;
const open = new Set();

before(async () => {
  const place = net.createServer().listen(0, "127.0.0.1");
  await once(place, "listening");
  ({ port } = place.address());
  place.close();
  url = `http://127.0.0.1:${port}`;
  // With -no-reboot a panic, which resets the board, ends QEMU.
  const args = ["-M", "lm3s6965evb", "-nographic", "-monitor", "none", "-serial", "none", "-no-reboot",
    "-nic", `user,restrict=on,model=stellaris,hostfwd=tcp:127.0.0.1:${port}-10.0.2.15:80`, "-kernel", process.env.ELF];
  qemu = spawn("qemu-system-arm", args, { stdio: "ignore" });
  qemu.on("exit", (code) => { end = `QEMU has ended with ${code}: the board has panicked, or did not start`; });
  await until(() => status().then(() => true, () => false), "the board answers", 30_000);
});
after(async () => {
  await browser?.close();
  qemu?.kill();
});
afterEach(async () => {
  for (const peer of open) peer.disconnect?.() ?? peer.destroy?.() ?? peer.close();
  open.clear();
  assert.equal(end, null);
  await until(async () => (await status()).free === SEATS, "all seats are free again", 15_000);
});

async function until(is, what, ms = 10_000) {
  for (const start = Date.now(); Date.now() - start < ms; await sleep(20)) if (await is()) return;
  assert.fail(`not in ${ms} ms: ${what}`);
}

async function status() {
  const text = await (await fetch(`${url}/status`, { signal: AbortSignal.timeout(5000) })).text();
  return Object.fromEntries(text.trim().split("\n").map((line) => line.split(" ").map((word, i) => (i ? +word : word))));
}

function client(options = {}) {
  const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false, ...options });
  open.add(socket);
  return socket;
}
// The board has seven connections. While those of guests who have just gone are still closing, it may have none for a newcomer and refuses; a client tries again.
async function guest(name, room = "lobby") {
  for (const start = Date.now(); ; await sleep(50)) {
    const socket = client();
    socket.heard = [];
    socket.onAny((...event) => socket.heard.push(event));
    // Without it a connection that fails would hold the tests up, and nobody would know why.
    const failed = new Promise((_, reject) => {
      socket.on("connect_error", (e) => reject(new Error(`${name} was refused: ${e.message}`, { cause: e.description })));
      socket.on("disconnect", (reason) => reject(new Error(`${name} lost the connection before the answer: ${reason}`)));
    });
    failed.catch(() => {});
    try {
      await Promise.race([once(socket, "connect"), failed]);
    } catch (e) {
      socket.disconnect();
      if (Date.now() - start < 5000) continue;
      throw e;
    }
    socket.count = await Promise.race([socket.timeout(20_000).emitWithAck("join", name, room), failed]);
    return socket;
  }
}
function echo(options) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/echo`, options);
  ws.on("error", () => {});
  ws.disconnect = () => ws.terminate();
  open.add(ws);
  return ws;
}

/// A connection to write what one wants.
async function raw(bytes = "") {
  const peer = net.connect(port, "127.0.0.1");
  peer.text = "";
  peer.on("error", () => {}).on("data", (data) => (peer.text += data.toString("latin1")));
  peer.isOver = once(peer, "close");
  await once(peer, "connect");
  peer.write(bytes, "latin1");
  open.add(peer);
  return peer;
}
const handshake = (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
const SIO = "/socket.io/?EIO=4&transport=websocket";
const frame = (text) => `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;

test("the board serves its page from flash, and says what it does not have", async () => {
  const response = await fetch(`${url}/`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-security-policy"), /default-src 'none'/);
  assert.equal(await response.text(), readFileSync(new URL("page.html", import.meta.url), "utf8"));
  assert.equal((await fetch(`${url}/none`)).status, 404);
  assert.equal((await fetch(`${url}/echo`)).status, 426);
  assert.equal((await fetch(`${url}/`, { method: "HEAD" })).status, 405);
  const long = await raw(`GET / HTTP/1.1\r\nHost: a\r\nCookie: ${"x".repeat(3000)}\r\n\r\n`);
  await long.isOver;
  assert.match(long.text, /^HTTP\/1\.1 431 /);
  for (let i = 0; i < 30; i++) await (await fetch(`${url}/`)).text();
});

test("a WebSocket gets back what it sends, up to the limit", async () => {
  const ws = echo();
  await once(ws, "open");
  for (const size of [0, 1, 125, 126, 1000, 1024]) {
    for (const message of ["x".repeat(size), randomBytes(size)]) {
      ws.send(message);
      const [back, isBinary] = await once(ws, "message");
      assert.deepEqual(isBinary ? back : back.toString(), message);
    }
  }
  ws.ping("hello?");
  assert.equal((await once(ws, "pong"))[0].toString(), "hello?");
  const heard = [];
  ws.on("message", (message) => heard.push(message.toString()));
  for (let i = 0; i < 500; i++) ws.send(`${i}`);
  await until(() => heard.length === 500, "all are back");
  assert.deepEqual(heard, [...Array(500).keys()].map(String));
  ws.send("x".repeat(1025));
  assert.equal((await once(ws, "close"))[0], 1009);
});

test("only the board's own page may connect", async () => {
  for (const [origin, expected] of [["http://elsewhere.example", 403], [`http://127.0.0.1:${port}`, "open"]]) {
    const ws = echo({ origin });
    const [first] = await Promise.race([once(ws, "open").then(() => ["open"]), once(ws, "unexpected-response").then(([, r]) => [r.statusCode])]);
    assert.equal(first, expected);
    ws.terminate();
  }
});

test("the stock client joins rooms, and hears its own alone", async () => {
  const ann = await guest("Ann");
  const bob = await guest("Bob");
  const eve = await guest("Eve", "cellar");
  assert.deepEqual([ann.count, bob.count, eve.count], [1, 2, 1]);
  assert.equal(await ann.emitWithAck("say", "grün \"\\ 🦀"), true);
  assert.equal(await eve.emitWithAck("say", "hello?"), true);
  assert.equal(await eve.emitWithAck("join", "Eve", "lobby"), 3);
  await until(() => bob.heard.length === 2, "Bob has heard both");
  bob.disconnect();
  await until(() => [ann, eve].every((socket) => socket.heard.at(-1)[0] === "left"), "Bob has left");
  assert.deepEqual(ann.heard, [["joined", "Bob", 2], ["said", "Ann", "grün \"\\ 🦀"], ["joined", "Eve", 3], ["left", "Bob", 2]]);
  assert.deepEqual(eve.heard, [["said", "Eve", "hello?"], ["left", "Bob", 2]]);
  assert.deepEqual(bob.heard, [["said", "Ann", "grün \"\\ 🦀"], ["joined", "Eve", 3]]);
});

test("what a client asks is answered, and what makes no sense is refused", async () => {
  const socket = client();
  await once(socket, "connect");
  const values = [null, true, -1.5, "ü", { deep: [[], {}] }];
  assert.deepEqual(await new Promise((done) => socket.emit("ask", ...values, (...all) => done(all))), values);
  assert.equal(await socket.emitWithAck("say", "nobody hears"), false);
  for (const names of [[], ["", "lobby"], ["Ann", 1], ["x".repeat(100), "lobby"]]) {
    assert.match(await socket.emitWithAck("join", ...names), /^Say who you are/);
  }
  const other = socket.io.socket("/none");
  other.connect();
  assert.equal((await once(other, "connect_error"))[0].message, "Invalid namespace");
  assert.deepEqual(await socket.emitWithAck("ask", 2), 2);
  // The board has no memory for attachments.
  socket.emit("file", Buffer.alloc(10));
  await once(socket, "disconnect");
});

test("a client that begins with polling is told, and comes by WebSocket", async () => {
  const response = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
  assert.deepEqual([response.status, await response.json()], [400, { code: 0, message: "Transport unknown" }]);
  const socket = client({ transports: ["polling", "websocket"], tryAllTransports: true });
  await once(socket, "connect");
});

test("a fifth is refused with a sentence, and comes in when one has gone", async () => {
  const all = [];
  for (let i = 0; i < SEATS; i++) all.push(await guest(`guest ${i}`));
  assert.equal((await status()).free, 0);
  for (const path of ["/echo", SIO]) {
    const fifth = await raw(handshake(path));
    await fifth.isOver;
    assert.match(fifth.text, /^HTTP\/1\.1 503 [^]*\r\n\r\nAll seats are taken\. Please try again when somebody has left\.\n$/);
  }
  const [error] = await once(client(), "connect_error");
  assert.equal(error.message, "websocket error");
  assert.equal((await fetch(`${url}/`)).status, 200);
  // Nobody was disturbed.
  assert.equal(await all[0].emitWithAck("say", "still here"), true);
  all[3].disconnect();
  await until(async () => (await status()).free === 1, "a seat is free");
  assert.equal((await guest("the fifth")).count, 4);
});

test("10,000 messages: each reaches all four in order, and nothing grows", { timeout: 120_000 }, async () => {
  const all = [];
  for (let i = 0; i < SEATS; i++) all.push(await guest(`${i}`));
  const start = Date.now();
  const round = async (from, to) => {
    for (const [i, socket] of all.entries()) {
      for (let n = from; n < to; n++) socket.emit("say", `${i} ${n} ${"x".repeat(n % 100)}`);
    }
    const said = (socket) => socket.heard.reduce((n, [name]) => n + (name === "said"), 0);
    await until(() => all.every((socket) => said(socket) >= SEATS * to), "all has arrived", 100_000).catch((e) => { console.log(all.map(said)); throw e; });
  };
  await round(0, 100);
  const before = (await status()).stack;
  await round(100, 2500);
  console.log(`10,000 messages to four clients in ${Date.now() - start} ms; stack ${before} bytes before, ${(await status()).stack} behind`);
  assert.equal((await status()).stack, before);
  assert.ok(before <= 8192, `${before} bytes of stack`);
  for (const socket of all) {
    const next = [0, 0, 0, 0];
    for (const [name, from, text] of socket.heard.filter(([name]) => name === "said")) {
      const n = next[from]++;
      assert.deepEqual([name, text], ["said", `${from} ${n} ${"x".repeat(n % 100)}`]);
    }
    assert.deepEqual(next, [2500, 2500, 2500, 2500]);
  }
});

test("a hundred guests, one after another and all at once, leave nothing behind", async () => {
  for (let i = 0; i < 100; i += SEATS) {
    const some = await Promise.all([...Array(SEATS).keys()].map((n) => guest(`${i + n}`, `room ${i + n}`)));
    for (const [n, socket] of some.entries()) n % 2 ? socket.disconnect() : socket.io.engine.transport.ws._socket.destroy();
    await until(async () => (await status()).free === SEATS, "they are gone");
  }
  assert.equal((await guest("Ann")).count, 1);
});

test("a connection cut in the middle of a frame is a guest who has left", async () => {
  const ann = await guest("Ann");
  const peer = await raw(`${handshake(SIO)}${frame("40")}${frame(`420["join","Bob","lobby"]`)}`);
  await until(() => ann.heard.length === 1, "Bob has joined");
  assert.match(peer.text, /430\[2\]/);
  peer.write(frame(`421["say","never said"]`).slice(0, 20), "latin1");
  await sleep(100);
  peer.destroy();
  await until(() => ann.heard.length === 2, "Bob has left");
  assert.deepEqual(ann.heard, [["joined", "Bob", 2], ["left", "Bob", 1]]);
});

test("hostile bytes are refused, and the guests do not notice", async () => {
  const ann = await guest("Ann");
  const bob = await guest("Bob");
  const hostile = [
    "", "\0", "GET", "\r\n\r\n\r\n", "\x16\x03\x01\x02\0\x01", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(5000)}\r\n\r\n`, `GET /${"/".repeat(3000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    "POST /socket.io/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", handshake("/none"),
    `${handshake("/echo")}\xff\xff`, `${handshake("/echo")}\x81\x02hi`, `${handshake("/echo")}\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff`,
    `${handshake("/echo")}\x81\x81\0\0\0\0\xff`, `${handshake("/echo")}${"\x01\x80\0\0\0\0".repeat(3000)}`,
    `${handshake(SIO)}${frame("99")}`, `${handshake(SIO)}${frame("42[")}`, `${handshake(SIO)}${frame("40")}${frame("40")}`,
    `${handshake(SIO)}${frame("40")}${frame("42[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")}`, `${handshake(SIO)}${frame("40")}${frame("451-[\"f\"]")}`,
    `${handshake(SIO)}${"\x89\x80\0\0\0\0".repeat(2000)}`,
    ...[...Array(20)].map(() => randomBytes(300).toString("latin1")),
    ...[...Array(20)].map(() => `${handshake(SIO)}${frame("40")}${randomBytes(300).toString("latin1")}`),
  ];
  for (const bytes of hostile) {
    const peer = await raw(bytes);
    peer.end();
    await Promise.race([peer.isOver, sleep(5000)]);
    peer.destroy();
  }
  assert.equal(await ann.emitWithAck("say", "did you notice?"), true);
  await until(() => bob.heard.some(([, , text]) => text === "did you notice?"), "Bob hears it");
  assert.deepEqual([ann.connected, bob.connected], [true, true]);
});

test("who is silent, idle or does not read is given up", { timeout: 60_000 }, async () => {
  const ann = await guest("Ann");
  const start = Date.now();
  const time = async (peer, least, most) => {
    await peer.isOver;
    const ms = Date.now() - start;
    assert.ok(ms > least && ms < most, `${peer.what} after ${ms} ms`);
  };
  const silent = Object.assign(await raw(), { what: "no request" });
  const idle = Object.assign(await raw(handshake(SIO)), { what: "joins no namespace" });
  const dead = Object.assign(await raw(`${handshake(SIO)}${frame("40")}`), { what: "answers no ping" });
  const mute = Object.assign(await raw(handshake("/echo")), { what: "answers no ping of WebSocket" });
  await Promise.all([time(silent, 2000, 9000), time(idle, 8000, 18_000), time(dead, 17_000, 35_000), time(mute, 17_000, 35_000)]);
  assert.ok(ann.connected);
});

test("who does not read makes the others wait, and then is gone", { timeout: 60_000 }, async () => {
  const ann = await guest("Ann");
  const peer = await raw(`${handshake(SIO)}${frame("40")}${frame(`420["join","Bob","lobby"]`)}`);
  await until(() => ann.heard.length === 1, "Bob has joined");
  peer.pause();
  // More than all the memory between the board and Bob, until the board drops him.
  let sent = 0;
  const isGone = () => ann.heard.some(([name]) => name === "left");
  while (!isGone() && sent < 60_000) {
    const some = [...Array(200)].map(() => ann.timeout(20_000).emitWithAck("say", `${sent++} ${"y".repeat(900)}`));
    await Promise.all(some);
  }
  assert.ok(isGone(), `${sent} messages, and Bob is there still`);
  assert.equal(ann.heard.filter(([name]) => name === "said").length, sent);
});

test("Chromium: two tabs chat, one vanishes, a fifth is told, on a phone too", { timeout: 90_000 }, async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const problems = [];
  const tab = async (options) => {
    const page = await (await browser.newContext(options)).newPage();
    page.on("pageerror", (e) => problems.push(`${e}`));
    page.on("console", (m) => { if (m.type() === "error" && !/503/.test(m.text())) problems.push(m.text()); });
    await page.goto(url, { timeout: 20_000 });
    return page;
  };
  const stateIs = (page, text) => page.waitForFunction((text) => document.querySelector("#state").textContent.includes(text), text, { timeout: 20_000 });
  const join = async (page, name) => {
    await stateIs(page, "connected");
    await page.fill("#name", name);
    await page.keyboard.press("Enter");
    await stateIs(page, "in lobby");
  };
  const say = async (page, text) => {
    await page.fill("#text", text);
    await page.keyboard.press("Enter");
  };
  const texts = (page) => page.$$eval("#log li", (all) => all.map((li) => li.lastChild.textContent));
  const hears = (page, text) => until(async () => (await texts(page)).at(-1) === text, `'${text}' is shown`, 15_000);

  const ann = await tab({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  await join(ann, "Ann");
  const bob = await tab();
  await join(bob, "Bob");
  await hears(ann, "Bob joined");
  await stateIs(ann, "in lobby, 2 here");
  for (const [from, to, text] of [[ann, bob, "Hello Bob! 👋"], [bob, ann, "<b>hello</b> \"Ann\" \\ 你好"], [ann, bob, "x".repeat(150)]]) {
    await say(from, text);
    await hears(to, text);
    await hears(from, text);
  }
  const width = await ann.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(width[0] <= width[1], `a page of ${width[0]} pixels on ${width[1]}`);
  if (shots) {
    mkdirSync(shots, { recursive: true });
    await ann.screenshot({ path: `${shots}/board-phone.png` });
    await bob.screenshot({ path: `${shots}/board-wide.png` });
  }
  const [eve, dan] = [await guest("Eve"), await guest("Dan")];
  const fifth = await tab({ viewport: { width: 390, height: 844 } });
  await stateIs(fifth, "All seats are taken");
  if (shots) await fifth.screenshot({ path: `${shots}/board-full.png` });
  await bob.context().close();
  await hears(ann, "Bob left");
  await join(fifth, "Fay");
  await hears(ann, "Fay joined");
  assert.equal(await eve.emitWithAck("say", "from a program"), true);
  for (const page of [ann, fifth]) await hears(page, "from a program");
  await until(() => dan.heard.some(([name]) => name === "said"), "a program hears it");
  assert.ok(dan.heard.some(([name, who]) => name === "left" && who === "Bob"));
  await browser.close();
  assert.deepEqual(problems, []);
});
