// Clients of this crate that compress, against socket.io with `perMessageDeflate`: the awaited one, `client --compress` and `chat_terminal --compress`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { Server } from "socket.io";
import { example, startChat, until } from "./support.js";
import { compressed, startTap } from "./tap.js";
import { PATIENCE, Program, Terminal, WAYS } from "./terminal.js";

/** What the server offers beside its threshold: with takeover, without it in each direction, and small windows. */
const TERMS = {
  "with takeover": {},
  "without takeover": { serverNoContextTakeover: true, clientNoContextTakeover: true },
  "the server without takeover": { serverNoContextTakeover: true },
  "windows of 1 KiB": { serverMaxWindowBits: 10, clientMaxWindowBits: 10 },
};

/** A server that answers `echo`, behind a tap. */
async function serve(perMessageDeflate) {
  const http = createServer();
  const io = new Server(http, { perMessageDeflate });
  const reasons = [];
  io.on("connection", (socket) => {
    socket.on("echo", (...args) => args.pop()(...args)).on("disconnect", (reason) => reasons.push(reason));
  });
  await once(http.listen(0, "127.0.0.1"), "listening");
  const tap = await startTap(http.address().port);
  return {
    io,
    tap,
    reasons,
    stop() {
      tap.stop();
      io.close();
      http.closeAllConnections();
    },
  };
}

for (const [name, terms] of Object.entries(TERMS)) {
  describe(`socket.io, ${name}`, { timeout: 600_000 }, () => {
    test("the awaited client", async () => {
      const server = await serve({ threshold: 0, ...terms });
      const env = { ...process.env, SERVER: server.tap.url };
      const cargo = spawn("cargo", ["test", "--test", "drive_client_tcp", "--", "compressed"], { env, stdio: ["ignore", "ignore", "inherit"] });
      assert.equal((await once(cargo, "exit"))[0], 0);
      assert.deepEqual(server.reasons, ["client namespace disconnect"]);
      const { up, down, extensions } = server.tap.told();
      assert.equal(extensions.length, 1);
      assert.match(extensions[0], /^permessage-deflate/);
      assert.equal(/client_no_context_takeover/.test(extensions[0]), Boolean(terms.clientNoContextTakeover), extensions[0]);
      // All hundred questions and answers, and the file.
      assert.ok(compressed(down).length > 90 && compressed(up).length > 0, JSON.stringify({ up, down }));
      server.stop();
    });

    for (const way of ["websocket", "upgrade"]) {
      test(`client --compress, ${way}`, async () => {
        const server = await serve({ threshold: 0, ...terms });
        const client = Terminal.start(server.tap.url, { transports: WAYS[way], compress: true });
        await client.next("connect");
        await until(() => server.tap.told().extensions.length === 1, "a WebSocket", PATIENCE);
        for (const size of [1, 1000, 3000, 50_000, 3000]) {
          const value = "la ".repeat(size);
          assert.deepEqual(await client.ask("echo", value), [value]);
        }
        assert.equal(await client.end(), 0);
        const { up, down, extensions } = server.tap.told();
        assert.match(extensions[0], /^permessage-deflate/);
        assert.ok(compressed(up).length >= 3 && compressed(down).length >= 4, JSON.stringify({ up, down }));
        assert.ok(compressed(up).every((f) => f.len < 5000));
        server.stop();
      });
    }
  });
}

test("without --compress a client offers nothing", { timeout: 60_000 }, async () => {
  const server = await serve({ threshold: 0 });
  const client = Terminal.start(server.tap.url, { transports: WAYS.websocket });
  await client.next("connect");
  assert.equal(await client.end(), 0);
  assert.deepEqual(server.tap.told().extensions, [null]);
  server.stop();
});

test("chat_terminal --compress in the room of chat --compress", { timeout: 60_000 }, async () => {
  const chat = await startChat({ args: ["--compress"] });
  const tap = await startTap(chat.port);
  const ann = new Program(example("chat_terminal"), [tap.url, "--name", "Ann", "--compress"]);
  await until(() => tap.told().extensions.length === 1, "a WebSocket", PATIENCE);
  const long = "hello ".repeat(300).trim();
  ann.type(long);
  await until(() => ann.lines.includes(`Ann: ${long}`), () => ann.tail(), PATIENCE);
  assert.equal(await ann.end(), 0);
  const { up, down, extensions } = tap.told();
  assert.match(extensions[0], /^permessage-deflate/);
  assert.ok(compressed(up).length === 1 && compressed(down).length >= 1, JSON.stringify({ up, down }));
  tap.stop();
  await chat.stop();
});
