// Compression under Socket.IO, with stock ends: `server --compress` against socket.io-client and Chromium, the client of sansocket-tokio against socket.io.
// The awaited client and the program `client` are in `deflate-clients.test.js`. All goes through a tap that notes which frames are compressed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { Server } from "socket.io";
import { io as io48 } from "socket.io-client";
import { io as io41 } from "socket.io-client-4-1";
import { startServer, until } from "./support.js";
import { compressed, startTap } from "./tap.js";

const lines = (n) => Array.from({ length: n }, (_, i) => ({ event: "tick", n: i, word: "消息" }));

for (const [version, io] of [["4.8.4", io48], ["4.1.3", io41]]) {
  describe(`server --compress and socket.io-client ${version}`, { timeout: 120_000 }, () => {
    let server;
    let tap;
    const sockets = [];
    before(async () => {
      server = await startServer({ args: ["--compress", "--log", "debug"] });
      tap = await startTap(server.port);
    });
    after(async () => {
      sockets.forEach((s) => s.disconnect());
      tap.stop();
      assert.equal(await server.stop(), 0, server.log());
    });
    const open = async (options) => {
      const socket = io(tap.url, { forceNew: true, reconnection: false, transports: ["websocket"], ...options });
      sockets.push(socket);
      await until(() => socket.connected, "connected");
      await until(() => socket.io.engine.transport.name === "websocket", "upgraded");
      return socket;
    };
    const ask = (socket, event, ...args) => new Promise((done) => socket.emit(event, ...args, (...got) => done(got)));

    const WAYS = {
      "as the client is": {},
      "with a threshold of 0": { perMessageDeflate: { threshold: 0 } },
      "upgraded from polling": { transports: ["polling", "websocket"], perMessageDeflate: { threshold: 0 } },
    };
    for (const [name, options] of Object.entries(WAYS)) {
      test(`values of all sizes come back compressed, ${name}`, async () => {
        tap.forget();
        const socket = await open(options);
        for (const value of ["", "short", lines(20), lines(3000), "x".repeat(200_000), lines(20)]) {
          assert.deepEqual(await ask(socket, "message-with-ack", value), [value]);
        }
        for (const bytes of [Buffer.alloc(0), randomBytes(100_000), Buffer.alloc(300_000, 7)]) {
          const [got] = await ask(socket, "message-with-ack", bytes);
          assert.deepEqual(Buffer.from(got), bytes);
        }
        const { up, down, extensions } = tap.told();
        assert.deepEqual(extensions, ["permessage-deflate; server_no_context_takeover; client_no_context_takeover"]);
        // The large ones: the server's threshold is 1,024 bytes.
        assert.equal(compressed(down).length, 3, JSON.stringify(down));
        assert.ok(compressed(up).length >= 3, JSON.stringify(up));
        assert.ok(compressed(down).every((f) => f.len < 120_000));
        socket.disconnect();
      });
    }

    test("compress(false) goes out plain, from both ends", async () => {
      const socket = await open();
      tap.forget();
      const second = await open();
      for (const may of [true, false, true]) {
        const got = new Promise((done) => second.once("compressed", (...args) => done(args)));
        const value = "la ".repeat(5000);
        second.compress(may).emit("compress", may, value);
        assert.ok((await got)[0] === value);
      }
      const { up, down } = tap.told();
      for (const all of [up, down]) {
        const long = all.filter((f) => f.isCompressed || f.len > 10_000).map((f) => f.isCompressed);
        assert.deepEqual(long, [true, false, true]);
      }
      socket.disconnect();
      second.disconnect();
    });

    test("a broadcast is the same bytes for all that compress, and reaches who does not", async () => {
      tap.forget();
      const all = [await open(), await open(), await open({ perMessageDeflate: false }), await open()];
      const news = lines(500);
      const got = all.slice(1).map((s) => new Promise((done) => s.once("broadcast-message", done)));
      all[0].emit("broadcast", news);
      for (const one of got) assert.deepEqual(await one, news);
      const sent = tap.told().down.filter((f) => f.len > 1000);
      assert.equal(sent.length, 3);
      const packed = compressed(sent);
      assert.ok(packed.length === 2 && packed[0].len === packed[1].len, JSON.stringify(sent));
      all.forEach((s) => s.disconnect());
    });

    test("without --compress nothing is agreed on", async () => {
      const plain = await startServer();
      const through = await startTap(plain.port);
      const socket = io(through.url, { forceNew: true, transports: ["websocket"], perMessageDeflate: { threshold: 0 } });
      await until(() => socket.connected, "connected");
      assert.deepEqual(await ask(socket, "message-with-ack", lines(200)), [lines(200)]);
      const { up, down, extensions } = through.told();
      assert.deepEqual([extensions, compressed(up), compressed(down)], [[null], [], []]);
      socket.disconnect();
      through.stop();
      await plain.stop();
    });
  });
}

test("server --compress and Chromium, which always offers it", { timeout: 120_000 }, async () => {
  const server = await startServer({ args: ["--compress"] });
  const tap = await startTap(server.port);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`${tap.url}/metrics`);
    await page.addScriptTag({ path: new URL("node_modules/socket.io-client/dist/socket.io.min.js", import.meta.url).pathname });
    for (const transports of [["websocket"], ["polling", "websocket"]]) {
      const same = await page.evaluate(async ([url, transports, value]) => {
        const socket = globalThis.io(url, { transports, forceNew: true });
        await new Promise((done) => socket.on("connect", done));
        while (socket.io.engine.transport.name !== "websocket") await new Promise((done) => setTimeout(done, 10));
        const back = await new Promise((done) => socket.emit("message-with-ack", value, done));
        socket.disconnect();
        return JSON.stringify(back) === JSON.stringify(value);
      }, [tap.url, transports, lines(1000)]);
      assert.ok(same);
      const { up, down, extensions } = tap.told();
      assert.match(extensions[0], /^permessage-deflate/);
      assert.ok(compressed(up).length > 0 && compressed(down).length > 0, JSON.stringify({ up, down }));
      tap.forget();
    }
  } finally {
    await browser.close();
    tap.stop();
    await server.stop();
  }
});

test("the Tokio client against socket.io with perMessageDeflate", { timeout: 600_000 }, async () => {
  for (const [perMessageDeflate, how] of [[{ threshold: 0 }, "1"], [{ threshold: 0 }, "takeover"], [true, "takeover"]]) {
    const http = createServer();
    const io = new Server(http, { perMessageDeflate });
    const serve = (socket) => {
      socket.on("echo", (...args) => args.pop()(...args));
      socket.on("auth", (ack) => ack(socket.handshake.auth));
      socket.on("ask-me", (...args) => {
        const ack = args.pop();
        socket.emit("question", ...args, (...answer) => ack(...answer));
      });
      socket.on("cut", () => socket.conn.close());
      socket.on("kick", () => socket.disconnect());
    };
    io.on("connection", serve);
    io.of("/admin").on("connection", serve);
    io.of("/bad").use((socket, next) => next(Object.assign(new Error("the token is old"), { data: { code: 401 } })));
    await once(http.listen(0, "127.0.0.1"), "listening");
    const tap = await startTap(http.address().port);
    const env = { ...process.env, SERVER: tap.url, COMPRESS: how };
    const args = ["test", "-p", "sansocket-tokio", "--test", "client_node"];
    const [code] = await once(spawn("cargo", args, { env, stdio: ["ignore", "ignore", "inherit"] }), "exit");
    assert.equal(code, 0);
    const { up, down, extensions } = tap.told();
    assert.ok(extensions.length > 0 && extensions.every((e) => /^permessage-deflate/.test(e)), extensions.join());
    assert.ok(compressed(up).length > 0 && compressed(down).length > 0);
    tap.stop();
    io.close();
    http.closeAllConnections();
  }
});
