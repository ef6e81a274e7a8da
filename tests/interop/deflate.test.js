// Compression against ws, which stands on zlib: echo_server and echo_client with --compress, with each parameter, in both directions; through nginx, and
// with Chromium.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { WebSocket, WebSocketServer } from "ws";
import { example, startExample, startNginx } from "./support.js";

const lines = (n, word) => Array.from({ length: n }, (_, i) => `{"event":"${word}","n":${i},"at":${i * 37}}`).join(",");
const MESSAGES = [
  "",
  "short",
  lines(20, "tick"),
  lines(20, "tick"),
  lines(3000, "消息"),
  "x".repeat(1023),
  "x".repeat(1024),
  "la ".repeat(60_000),
  randomBytes(5000),
  randomBytes(100_000),
  Buffer.alloc(300_000),
  lines(20, "tick"),
];
const OFFERS = {
  "all defaults": {},
  "no takeover of the server": { serverNoContextTakeover: true },
  "no takeover of the client": { clientNoContextTakeover: true },
  "no takeover at all": { serverNoContextTakeover: true, clientNoContextTakeover: true },
  "a window of 512 bytes for the server": { serverMaxWindowBits: 9 },
  // zlib itself takes 9 where 8 is agreed; what we send must keep to 256 bytes.
  "a window of 256 bytes for the server": { serverMaxWindowBits: 8 },
  "a window of 512 bytes for the client": { clientMaxWindowBits: 9 },
};

/** Sends each message and gets it back. */
async function echoes(ws) {
  const come = [];
  let heard = () => {};
  ws.on("message", (data, isBinary) => {
    come.push(isBinary ? data : String(data));
    heard();
  });
  for (const message of MESSAGES) ws.send(message);
  while (come.length < MESSAGES.length) {
    assert.equal(ws.readyState, WebSocket.OPEN, `closed after ${come.length} messages`);
    await new Promise((done) => {
      heard = done;
      ws.once("close", done);
    });
  }
  MESSAGES.forEach((message, i) => assert.deepEqual(come[i], message, `message ${i}`));
}

describe("echo_server --compress", () => {
  let server;
  before(async () => (server = await startExample("echo_server", { args: ["--log", "warn", "--compress"] })));
  after(() => server.stop());
  for (const [name, offer] of Object.entries(OFFERS)) {
    test(name, async () => {
      const ws = new WebSocket(`ws://127.0.0.1:${server.port}/`, { perMessageDeflate: { threshold: 0, ...offer } });
      await once(ws, "open");
      assert.match(ws.extensions, /permessage-deflate/);
      await echoes(ws);
      ws.close(1000);
      const [code] = await once(ws, "close");
      assert.equal(code, 1000);
    });
  }

  test("through nginx", async () => {
    const nginx = await startNginx(server.port);
    const ws = new WebSocket(`ws://127.0.0.1:${nginx.port}/`, { perMessageDeflate: { threshold: 0 } });
    await once(ws, "open");
    assert.match(ws.extensions, /permessage-deflate/);
    await echoes(ws);
    ws.close(1000);
    await once(ws, "close");
    await nginx.stop();
  });

  test("fragments, with pings between them", async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${server.port}/`, { perMessageDeflate: { threshold: 0 } });
    await once(ws, "open");
    for (const [word, n] of [["tick", 20], ["消息", 3000], ["", 0]]) {
      const whole = Buffer.from(lines(n, word));
      // The cuts lie inside characters.
      const cuts = [0, 1, 100, 1000, 1001, whole.length];
      cuts.slice(1).forEach((to, i) => {
        ws.send(whole.subarray(cuts[i], to), { binary: false, fin: i === cuts.length - 2 });
        ws.ping();
      });
      const [data, isBinary] = await once(ws, "message");
      assert.deepEqual([String(data), isBinary], [String(whole), false]);
    }
    ws.terminate();
  });

  test("Chromium, which always offers it", async () => {
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    try {
      const page = await browser.newPage();
      const told = await page.evaluate(async (url) => {
        const ws = new WebSocket(url);
        ws.binaryType = "arraybuffer";
        await new Promise((done, failed) => ([ws.onopen, ws.onerror] = [done, failed]));
        const noise = (n) => crypto.getRandomValues(new Uint8Array(n));
        const json = JSON.stringify(Array.from({ length: 3000 }, (_, n) => ({ event: "tick", n, at: n * 37 })));
        const tick = json.slice(0, 2000);
        // Chromium cuts the largest ones into frames.
        const sent = ["", "short", tick, tick, "消息🦀".repeat(30_000), json, noise(5000), noise(60_000), new Uint8Array(1_000_000), json.repeat(20), "", tick];
        const come = [];
        const closed = new Promise((done) => (ws.onclose = ({ code }) => done(code)));
        const all = new Promise((done) => {
          ws.onmessage = ({ data }) => come.push(data) === sent.length && done();
        });
        sent.forEach((message) => ws.send(message));
        await Promise.race([all, closed]);
        const bytes = (data) => new Uint8Array(data);
        const isSame = (a, b) => (typeof a === "string" ? a === b : bytes(b).length === a.length && a.every((byte, i) => byte === bytes(b)[i]));
        ws.close(1000);
        const code = await closed;
        return { extensions: ws.extensions, wrong: sent.flatMap((message, i) => (i < come.length && isSame(message, come[i]) ? [] : [i])), code };
      }, `ws://127.0.0.1:${server.port}/`);
      assert.match(told.extensions, /permessage-deflate/);
      assert.deepEqual([told.wrong, told.code], [[], 1000]);
    } finally {
      await browser.close();
    }
  });

  test("what comes from it is compressed, and a client without compression is served plain", async () => {
    const bytes = async (perMessageDeflate) => {
      const ws = new WebSocket(`ws://127.0.0.1:${server.port}/`, { perMessageDeflate });
      await once(ws, "open");
      const before = ws._socket.bytesRead;
      ws.send(lines(1000, "tick"));
      await once(ws, "message");
      const n = ws._socket.bytesRead - before;
      ws.terminate();
      return n;
    };
    const [packed, plain] = [await bytes(true), await bytes(false)];
    assert.ok(plain >= lines(1000, "tick").length && packed * 5 < plain, `${packed} and ${plain} bytes`);
  });
});

describe("echo_client --compress", () => {
  for (const [name, offer] of Object.entries(OFFERS)) {
    test(name, async () => {
      // As Autobahn's server: how many cases there are, the cases, and the report.
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: { threshold: 0, ...offer } });
      await once(server, "listening");
      let result;
      server.on("connection", (ws, request) => {
        if (request.url.startsWith("/getCaseCount")) ws.send("1");
        if (!request.url.startsWith("/runCase")) return ws.close(1000);
        assert.match(ws.extensions, /permessage-deflate/);
        result = echoes(ws).finally(() => ws.close(1000));
        result.catch(() => {});
      });
      const client = spawn(example("echo_client"), ["--url", `ws://127.0.0.1:${server.address().port}`, "--compress"], { stdio: ["ignore", "ignore", "inherit"] });
      const [code] = await once(client, "exit");
      server.close();
      assert.equal(code, 0);
      assert.ok(result, "it has run the case");
      await result;
    });
  }
});
