// The driven server of one client, `board`, with the stock client over a WebSocket.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { chromium } from "playwright-core";
import { io } from "socket.io-client";
import { startExample, until } from "./support.js";

let board;
before(async () => {
  board = await startExample("board", { listen: null, args: ["127.0.0.1:0"] });
});
after(() => board?.stop());

const connect = (path = "/", options = {}) =>
  io(`${board.url}${path}`, { transports: ["websocket"], forceNew: true, reconnection: false, ...options });

test("one client after another is asked, answered and acknowledged, with attachments", async () => {
  for (let i = 0; i < 3; i++) {
    const socket = connect();
    socket.on("who are you?", (answer) => answer(`client ${i}`));
    assert.deepEqual(await once(socket, "hello"), [`client ${i}`]);
    assert.deepEqual(await socket.emitWithAck("ask", 1), 1);
    const file = Buffer.alloc(200, i);
    const [back] = await new Promise((done) => socket.emit("file", { file }, (...all) => done(all)));
    assert.deepEqual(Buffer.from(back.file), file);
    socket.emit("plain", "grün", null, [1.5]);
    assert.deepEqual(await once(socket, "echo"), ["grün", null, [1.5]]);
    const many = await Promise.all([...Array(100).keys()].map((n) => socket.emitWithAck("n", n)));
    assert.deepEqual(many, [...Array(100).keys()]);
    socket.close();
  }
});

test("who does not answer is a stranger", async () => {
  const socket = connect();
  const start = Date.now();
  assert.deepEqual(await once(socket, "hello"), ["stranger"]);
  assert.ok(Date.now() - start > 1900);
  socket.close();
});

test("a namespace is refused, and an unknown one, on one connection that goes on", async () => {
  const socket = connect();
  await once(socket, "connect");
  for (const [name, message] of [["/locked", "the door is locked"], ["/none", "Invalid namespace"]]) {
    const other = socket.io.socket(name);
    other.connect();
    const [error] = await once(other, "connect_error");
    assert.equal(error.message, message);
  }
  assert.equal(await socket.emitWithAck("ask", "still there?"), "still there?");
  socket.close();
});

test("the heartbeat keeps a quiet client, and finds one that is gone", { timeout: 40_000 }, async () => {
  const socket = connect();
  await once(socket, "connect");
  let pings = 0;
  socket.io.on("ping", () => pings++);
  await until(() => pings === 2, "pings", 12_000);
  assert.ok(socket.connected);
  // It does not read any more, and does not answer.
  socket.io.engine.transport.ws._socket.pause();
  const next = connect("/", { timeout: 20_000 });
  await once(next, "connect");
  socket.close();
  next.close();
});

test("a client that begins with polling is told, and its WebSocket is served", async () => {
  const polling = connect("/", { transports: ["polling"] });
  const [error] = await once(polling, "connect_error");
  assert.equal(error.description, 400);
  polling.close();
  const response = await fetch(`${board.url}/socket.io/?EIO=4&transport=polling`);
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { code: 0, message: "Transport unknown" });
  assert.equal((await fetch(`${board.url}/index.html`)).status, 404);
  const both = connect("/", { transports: ["polling", "websocket"], tryAllTransports: true });
  await once(both, "connect");
  assert.equal(await both.emitWithAck("ask", 2), 2);
  both.close();
});

test("whoever breaks off or sends nonsense leaves the board to the next", async () => {
  for (const bytes of ["", "GET", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\xff\xff"]) {
    const peer = net.connect(board.port, "127.0.0.1").on("error", () => {});
    await once(peer, "connect");
    peer.end(bytes, "latin1");
    peer.resume();
    await once(peer, "close");
  }
  const socket = connect();
  assert.equal(await socket.emitWithAck("ask", 3), 3);
  // A message that the board cannot hold.
  socket.emit("large", "x".repeat(5000));
  const [reason] = await once(socket, "disconnect");
  assert.match(reason, /transport/);
  const next = connect();
  assert.equal(await next.emitWithAck("ask", 4), 4);
  next.close();
});

test("Chromium is asked, answered and acknowledged", async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    const page = await (await browser.newContext()).newPage();
    await page.addScriptTag({ path: path.join(import.meta.dirname, "node_modules/socket.io-client/dist/socket.io.min.js") });
    const heard = await page.evaluate(async (url) => {
      const socket = window.io(url, { transports: ["websocket"], reconnection: false });
      socket.on("who are you?", (answer) => answer("Chromium"));
      const hello = await new Promise((done) => socket.once("hello", done));
      const answer = await socket.timeout(5000).emitWithAck("ask", { deep: ["grün", 1] });
      const [back] = await new Promise((done) => socket.emit("file", { file: new Uint8Array(200).fill(9) }, (...all) => done(all)));
      const file = new Uint8Array(back.file);
      socket.close();
      return { hello, answer, file: file.length === 200 && file.every((b) => b === 9) };
    }, board.url);
    assert.deepEqual(heard, { hello: "Chromium", answer: { deep: ["grün", 1] }, file: true });
  } finally {
    await browser.close();
  }
});
