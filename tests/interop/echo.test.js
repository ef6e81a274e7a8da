// The echo programs against npm's ws, Chromium and nginx, in both directions.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { WebSocket, WebSocketServer } from "ws";
import { startExample, startNginx, until } from "./support.js";

const example = (name) => path.join(import.meta.dirname, "../../target/release/examples", name);
const UPGRADE =
  "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SIZES = [0, 1, 125, 126, 127, 65535, 65536, 200_000];

/** A client that hands out what it hears one by one. */
async function open(url, options) {
  const ws = new WebSocket(url, { perMessageDeflate: false, ...options });
  const heard = [];
  ws.on("message", (data, isBinary) => heard.push(isBinary ? data : data.toString()));
  ws.on("pong", (data) => heard.push({ pong: data.toString() }));
  await once(ws, "open");
  return { ws, heard, next: async () => (await until(() => heard.length, "a message", 10_000), heard.shift()) };
}
const closed = async (ws) => {
  const [code, reason] = await once(ws, "close");
  return [code, reason.toString()];
};

function behaves(name, url) {
  describe(`npm ws against ${name}`, () => {
    test("text and bytes of every kind of length", async () => {
      const { ws, next } = await open(url());
      for (const size of SIZES) {
        const bytes = Buffer.alloc(size, 0xa5);
        ws.send(bytes);
        assert.deepEqual(await next(), bytes);
        const text = "é🦀".repeat(size / 6) + "x".repeat(size % 6);
        ws.send(text);
        assert.equal(await next(), text);
      }
      ws.close(1000, "bye");
      assert.deepEqual(await closed(ws), [1000, ""]);
    });

    test("fragments with pings between", async () => {
      const { ws, heard, next } = await open(url());
      ws.send("a", { fin: false });
      ws.ping("1");
      ws.send("", { fin: false });
      ws.ping("2");
      ws.send("b", { fin: true });
      await until(() => heard.length === 3);
      assert.deepEqual([await next(), await next(), await next()], [{ pong: "1" }, { pong: "2" }, "ab"]);
      ws.close();
      assert.deepEqual(await closed(ws), [1005, ""]);
    });

    test("a thousand messages in flight come back in order", async () => {
      const { ws, next } = await open(url());
      for (let i = 0; i < 1000; i++) ws.send(`${i} ${"x".repeat(i)}`);
      for (let i = 0; i < 1000; i++) assert.equal(parseInt(await next()), i);
      ws.close(4999, "ü".repeat(61));
      assert.deepEqual(await closed(ws), [4999, ""]);
    });
  });
}

let server;
let blocking;
let nginx;
before(async () => {
  server = await startExample("echo_server");
  const free = net.createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const port = free.address().port;
  free.close();
  blocking = await startExample("echo_blocking", { listen: null, args: [`127.0.0.1:${port}`] });
  nginx = await startNginx(server.port);
});
after(async () => {
  for (const it of [server, blocking, nginx]) await it?.stop();
});

behaves("echo_server", () => `ws://127.0.0.1:${server.port}/`);
behaves("echo_server behind nginx", () => `ws://127.0.0.1:${nginx.port}/`);

test("echo_blocking says back what fits its 16 KiB, and tells who sends more", async () => {
  const { ws, next } = await open(`ws://127.0.0.1:${blocking.port}/`);
  for (const size of [0, 1, 126, 8000]) {
    ws.send("x".repeat(size));
    assert.equal(await next(), "x".repeat(size));
  }
  ws.send("x".repeat(20_000));
  assert.equal((await closed(ws))[0], 1009);
});

test("a message over --max-message ends the connection with 1009, a good one comes back", async () => {
  const small = await startExample("echo_server", { args: ["--max-message", "1000"] });
  const { ws, next } = await open(`ws://127.0.0.1:${small.port}/`);
  ws.send("x".repeat(1000));
  assert.equal((await next()).length, 1000);
  ws.send("x".repeat(1001));
  assert.equal((await closed(ws))[0], 1009);
  await small.stop();
});

test("a header that announces half a terabyte costs no memory, and what arrives is echoed", async () => {
  const large = await startExample("echo_server", { args: ["--max-message", "1099511627776"] });
  const greedy = net.connect(large.port, "127.0.0.1");
  greedy.write(UPGRADE);
  await once(greedy, "data");
  greedy.write(Buffer.from("82ff00000080000000000000000061", "hex"));
  const { ws, next } = await open(`ws://127.0.0.1:${large.port}/`);
  ws.send("x".repeat(3_000_000));
  assert.equal((await next()).length, 3_000_000);
  greedy.destroy();
  ws.close();
  await large.stop();
});

test("echo_server drops who never reads", { timeout: 60_000 }, async () => {
  const patient = await startExample("echo_server", { args: ["--ping-interval", "0"] });
  const peer = net.connect(patient.port, "127.0.0.1").on("error", () => {});
  peer.write(UPGRADE);
  await once(peer, "data");
  peer.pause();
  const frame = Buffer.concat([Buffer.from("82ff00000000000f424000000000", "hex"), Buffer.alloc(1_000_000)]);
  for (let i = 0; i < 40; i++) peer.write(frame);
  // The reset is seen by writing, since nothing is read.
  const beat = setInterval(() => peer.write(frame), 100);
  await until(() => peer.destroyed, "the end", 50_000);
  clearInterval(beat);
  await patient.stop();
});

test("echo_server pings, and drops who does not answer", async () => {
  const eager = await startExample("echo_server", { args: ["--ping-interval", "100"] });
  const good = await open(`ws://127.0.0.1:${eager.port}/`);
  let pings = 0;
  good.ws.on("ping", () => pings++);
  await until(() => pings >= 3, "pings");
  good.ws.send("alive");
  assert.equal(await good.next(), "alive");
  good.ws.close();
  await eager.stop();
});

test("Chromium against echo_server", async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = await (await browser.newContext()).newPage();
  const result = await page.evaluate(async ([url, sizes]) => {
    const ws = new WebSocket(url);
    ws.binaryType = "arraybuffer";
    await new Promise((done, fail) => Object.assign(ws, { onopen: done, onerror: fail }));
    const next = () => new Promise((done) => (ws.onmessage = (e) => done(e.data)));
    for (const size of sizes) {
      const text = "ü".repeat(size);
      let answer = next();
      ws.send(text);
      if ((await answer) !== text) return `text of ${size}`;
      answer = next();
      ws.send(new Uint8Array(size).fill(7));
      if (!new Uint8Array(await answer).every((b, _, all) => b === 7 && all.length === size)) return `bytes of ${size}`;
    }
    const end = new Promise((done) => (ws.onclose = (e) => done(`${e.code} ${e.wasClean}`)));
    ws.close(3000, "done");
    return end;
  }, [`ws://127.0.0.1:${server.port}/`, SIZES]);
  await browser.close();
  assert.equal(result, "3000 true");
});

test("echo_client against npm ws runs every case, and says what went wrong", async () => {
  const results = [];
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await once(wss, "listening");
  wss.on("connection", (ws, request) => {
    const { pathname, searchParams } = new URL(request.url, "http://x");
    if (pathname === "/getCaseCount") { ws.send("3"); return ws.close(); }
    assert.equal(searchParams.get("agent"), "a b/ü");
    if (pathname === "/updateReports") { results.push("report"); return ws.close(); }
    const size = SIZES[Number(searchParams.get("case")) + 4];
    let left = 10;
    ws.on("message", (data) => {
      assert.equal(data.length, size);
      if (--left === 0) { results.push(size); ws.close(1000); }
    });
    for (let i = 0; i < 10; i++) ws.send(Buffer.alloc(size, i), { fin: true });
    ws.ping();
  });
  const url = `ws://127.0.0.1:${wss.address().port}`;
  const run = (...args) => new Promise((done) => {
    const child = spawn(example("echo_client"), args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (d) => (said += d));
    child.stderr.on("data", (d) => (said += d));
    child.on("exit", (code) => done([code, said.trim()]));
  });
  assert.deepEqual(await run("--url", url, "--agent", "a b/ü"), [0, "echo_client: 3 cases"]);
  assert.deepEqual(results, [65535, 65536, 200_000, "report"]);
  wss.close();
  const [code, said] = await run("--url", "ws://h:0");
  assert.equal(code, 2);
  assert.match(said, /^echo_client: .*port in the URL is not a number/);
  assert.deepEqual(await run("--url", "wss://127.0.0.1"), [2, "echo_client: this example has no TLS: say ws://"]);
  const http = net.createServer((s) => s.once("data", () => s.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))).listen(0, "127.0.0.1");
  await once(http, "listening");
  const [, refused] = await run("--url", `ws://127.0.0.1:${http.address().port}`);
  assert.match(refused, /HTTP status 403$/);
  http.close();
});

test("a port that is taken is told in a sentence", () => {
  for (const [name, args] of [["echo_server", ["--listen", `127.0.0.1:${server.port}`]], ["echo_blocking", [`127.0.0.1:${server.port}`]]]) {
    assert.throws(() => execFileSync(example(name), args, { stdio: "pipe" }), (e) => e.status === 2 && /cannot listen on/.test(e.stderr));
  }
});
