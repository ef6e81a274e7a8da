// The program `client` against servers that are none, and through proxies that do harm.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTls } from "node:tls";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { Server } from "socket.io";
import Server2 from "socket.io-2";
import { startCanned, startHttpProxy, startProxy } from "./proxy.js";
import { sleep, until } from "./support.js";
import { CLIENT, line, PATIENCE, Terminal, WAYS } from "./terminal.js";

const NUMBERS = [...Array(100).keys()];
const answer = (status, body = "", fields = "") => `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
const refusal = (code, message) => answer("400 Bad Request", JSON.stringify({ code, message }), "Content-Type: application/json\r\n");
const OPEN = '0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}';

/** What is answered, and what the client says about it, on any transport or on polling only. */
const ANSWERS = {
  "404": [answer("404 Not Found", "Not Found"), /404/],
  "401": [answer("401 Unauthorized", "", 'WWW-Authenticate: Basic realm="x"\r\n'), /401/],
  "413": [answer("413 Payload Too Large"), /takes no request that large|refused with HTTP status 413/],
  "500 without a body": [answer("500 Internal Server Error"), /500/],
  "503": [answer("503 Service Unavailable", "<h1>down</h1>", "Retry-After: 5\r\n"), /503/],
  "503 without a length": ["HTTP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\n<h1>down</h1>", /503/],
  "301": [answer("301 Moved Permanently", "", "Location: https://elsewhere.example/\r\n"), /redirect.*301|301/],
  "302": [answer("302 Found", "<a href=x>here</a>", "Location: /login\r\n"), /302/],
  "a page": [answer("200 OK", "<!DOCTYPE html><title>Hello</title>", "Content-Type: text/html\r\n"), /something else than Socket.IO|status 200/],
  "nothing": [answer("200 OK"), /something else than Socket.IO|status 200/],
  "an empty answer": ["HTTP/1.1 200 OK\r\n\r\n", /something else than Socket.IO|status 200/],
  "204": ["HTTP/1.1 204 No Content\r\n\r\n", /204/],
  "Engine.IO 3": [answer("200 OK", '96:0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}2:40'), /version.*Socket\.IO 3|status 200/],
  "another version is wanted": [refusal(5, "Unsupported protocol version"), /version|400/],
  "the transport is unknown": [refusal(0, "Transport unknown"), /transport|400/],
  "forbidden": [answer("403 Forbidden", '{"code":4,"message":"Forbidden"}'), /403/],
  "the code is a text": [answer("400 Bad Request", '{"code":"1","message":"Session ID unknown"}'), /400/],
  "an alert of TLS": [Buffer.from([0x15, 3, 1, 0, 2, 2, 0x46]), /TLS/],
  "nginx expects TLS": [answer("400 Bad Request", "<center>The plain HTTP request was sent to HTTPS port</center>"), /TLS|400/],
  "SSH": ["SSH-2.0-OpenSSH_9.2p1\r\n", /does not speak HTTP/],
  "random bytes": [Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 167) & 255)), /does not speak HTTP/],
  "half a head": ["HTTP/1.1 200 OK\r\nContent-", /lost/],
  "half a body": ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0{", /lost|status 200/],
  "a head without end": [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(1_000_000)}`, /./],
  "no bytes at all": ["", /lost|no bytes|closed/],
  "an open packet without an id": [answer("200 OK", "0{}"), /./],
  "an open packet that is no JSON": [answer("200 OK", "0hello"), /./],
  "no open packet": [answer("200 OK", "40"), /./],
  "two lengths": [`HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n0{`, /./],
};

for (const [way, transports] of Object.entries(WAYS)) {
  describe(`client through bad links, ${way}`, { timeout: 180_000 }, () => {
    let server;
    const running = [];
    const stops = [];
    const begin = (url, options) => {
      const client = Terminal.start(url, { transports, ...options });
      running.push(client);
      return client;
    };
    const open = async (url, options) => {
      const client = begin(url, options);
      await client.next("connect");
      return client;
    };
    const serve = async (options) => {
      const http = createServer();
      const io = new Server(http, options);
      http.listen(0, "127.0.0.1");
      await once(http, "listening");
      io.on("connection", (socket) => {
        socket.on("message", (...args) => socket.emit("message-back", ...args));
        socket.on("message-with-ack", (...args) => args.pop()(...args));
        socket.on("transport", (done) => done(socket.conn.transport.name));
      });
      stops.push(() => {
        io.close();
        http.closeAllConnections();
      });
      return { io, port: http.address().port };
    };
    const stopping = async (started) => {
      const it = await started;
      stops.push(() => it.stop());
      return it;
    };

    before(async () => (server = await serve()));
    after(async () => {
      await Promise.all(running.map((client) => client.stop()));
      stops.forEach((stop) => stop());
    });

    for (const [name, [bytes, says]] of Object.entries(ANSWERS)) {
      test(`answered with ${name}: a sentence, exit code 3`, async () => {
        const canned = await stopping(startCanned(bytes));
        const client = begin(canned.url, { "no-reconnect": true });
        assert.equal(await client.exit(), 3, client.tail());
        const [failed, ...more] = client.of("failed");
        assert.match(failed.message, says);
        assert.match(failed.message, /^[^{}]{20,}$/);
        assert.deepEqual(more, []);
        assert.deepEqual(client.of("end"), [{ what: "end", reason: "closed: no attempts to reconnect are left" }]);
      });
    }

    test("refused port: exit code 3, at the end of the input and with --no-reconnect", async () => {
      const free = net.createServer().listen(0, "127.0.0.1");
      await once(free, "listening");
      const url = `http://127.0.0.1:${free.address().port}`;
      await new Promise((done) => free.close(done));
      for (const client of [begin(url, { "no-reconnect": true }), begin(url)]) {
        assert.equal(await client.end(), 3);
        assert.match(client.of("failed")[0].message, /cannot be reached/);
      }
      const client = begin(url);
      await client.next("failed", {}, 3);
      assert.deepEqual(client.of("failed").map((note) => note.attempt).slice(0, 3), [1, 2, 3]);
      const last = client.of("failed").length;
      await client.next("failed", {}, last + 2);
    });

    test("a port that expects TLS: exit code 3", async () => {
      const tls = createTls({}).listen(0, "127.0.0.1");
      tls.on("tlsClientError", () => {});
      await once(tls, "listening");
      stops.push(() => tls.close());
      const client = begin(`http://127.0.0.1:${tls.address().port}`, { "no-reconnect": true });
      assert.equal(await client.exit(), 3);
      assert.match(client.of("failed")[0].message, /TLS|lost/);
    });

    test("Socket.IO 2: its version is named", async () => {
      const http = createServer();
      const io = new Server2(http, { transports });
      http.listen(0, "127.0.0.1");
      await once(http, "listening");
      stops.push(() => {
        io.close();
        http.closeAllConnections();
      });
      const client = begin(`http://127.0.0.1:${http.address().port}`, { "no-reconnect": true });
      assert.equal(await client.exit(), 3);
      assert.match(client.of("failed")[0].message, /version/);
    });

    test("a byte at a time, both ways", async () => {
      const slow = (from, to) =>
        from.on("data", async (bytes) => {
          from.pause();
          for (const byte of bytes) {
            to.write(Buffer.from([byte]));
            await new Promise(setImmediate);
          }
          from.resume();
        });
      const proxy = await stopping(startProxy(server.port, (near, far) => [slow(near, far), slow(far, near)]));
      const client = await open(proxy.url);
      client.type(...NUMBERS.map((n) => (n % 10 ? line("message", n) : line("message", n, Buffer.alloc(200, n)))));
      await client.hear("message-back", 100);
      assert.deepEqual(client.heard("message-back").map(([n]) => n), NUMBERS);
      assert.equal(client.of("disconnect").length, 0);
    });

    for (const close of [false, true]) {
      test(`through a proxy that answers in chunks${close ? " and closes each connection" : ""}`, async () => {
        const pass = (near, connect) => near.pipe(connect()).pipe(near);
        const proxy = await stopping(startHttpProxy(server.port, pass, { close }));
        const client = await open(proxy.url);
        client.type(...NUMBERS.map((n) => line("message", n, "x".repeat(n * 10))));
        await client.hear("message-back", 100);
        assert.deepEqual(client.heard("message-back").map(([n]) => n), NUMBERS);
        assert.equal(await client.end(), 0);
        assert.deepEqual(client.of("failed"), []);
      });
    }

    test("the server goes mute: ping timeout in its time, and back when it speaks again", async () => {
      const muted = await serve({ pingInterval: 300, pingTimeout: 1000 });
      let isMute = false;
      const deaf = (from, to) => from.on("data", (bytes) => isMute || to.write(bytes));
      const proxy = await stopping(startProxy(muted.port, (near, far) => [deaf(near, far), deaf(far, near)]));
      const client = await open(proxy.url);
      isMute = true;
      const from = Date.now();
      assert.equal((await client.next("disconnect")).reason, "ping timeout");
      const took = Date.now() - from;
      assert.ok(took > 900 && took < 10_000, `${took} ms`);
      assert.match((await client.next("failed")).message, /no ping/);
      isMute = false;
      // Whoever was accepted in the silence has lost bytes, and is let go.
      proxy.sockets.forEach((socket) => socket.destroy());
      await client.next("connect", {}, 2);
      assert.deepEqual(await client.ask("message-with-ack", 1), [1]);
    });

    test("the transport ends: transport close or error, then back", async () => {
      const proxy = await stopping(startProxy(server.port, (near, far) => near.pipe(far).pipe(near)));
      const client = await open(proxy.url);
      for (const how of ["destroy", "resetAndDestroy", "end"]) {
        const count = client.of("connect").length;
        proxy.sockets.forEach((socket) => socket[how]());
        assert.match((await client.next("disconnect", {}, count)).reason, /^transport (close|error)$/);
        await client.next("connect", {}, count + 1);
      }
      assert.deepEqual(await client.ask("message-with-ack", 1), [1]);
    });

    test("the connection is cut at random bytes: what was acknowledged is not lost, nothing comes twice", async () => {
      // In all three ways together: 1,002 cuts, by ten clients each.
      const [CLIENTS, CUTS] = [10, 334];
      const cutting = await serve();
      const told = new Map();
      cutting.io.on("connection", (socket) => {
        const { who } = socket.handshake.auth;
        const mine = told.get(who) ?? told.set(who, { heard: [], sent: new Map(), acked: [] }).get(who);
        socket.on("n", (n, done) => {
          mine.heard.push(n);
          done(n);
        });
        const sent = [];
        mine.sent.set(socket.id, sent);
        const timer = setInterval(() => {
          const n = sent.length;
          if (n >= 200) return;
          sent.push(n);
          socket.emit("down", socket.id, n, (id, back) => mine.acked.push([id, back]));
        }, 3);
        socket.on("disconnect", () => clearInterval(timer));
      });
      let cuts = 0;
      const proxy = await stopping(
        startProxy(cutting.port, (near, far) => {
          let left = cuts < CUTS ? 100 + Math.floor(Math.random() * 6000) : Infinity;
          const pass = (from, to) =>
            from.on("data", (bytes) => {
              if (left <= 0) return;
              const part = bytes.subarray(0, Math.min(left, bytes.length));
              left -= part.length;
              to.write(part);
              if (left <= 0) {
                cuts++;
                // What was written so far arrives, then the end or a reset.
                if (Math.random() < 0.5) [near, far].forEach((socket) => socket.end());
                else setTimeout(() => [near, far].forEach((socket) => socket.destroy()), 5);
              }
            });
          pass(near, far);
          pass(far, near);
        }),
      );
      const clients = Array.from({ length: CLIENTS }, (_, who) => begin(proxy.url, { auth: { who }, respond: true, delay: 0.02 }));
      const asked = clients.map(() => 0);
      const typing = setInterval(() => clients.forEach((client, i) => client.type(`?n ${asked[i]++}`)), 5);
      await until(() => cuts >= CUTS, () => `${cuts} cuts`, 60_000);
      clearInterval(typing);
      await Promise.all(clients.map((client, i) => until(() => client.of("answer").length + client.of("no_answer").length >= asked[i], `answers ${i}`, PATIENCE)));
      clients.forEach((client, who) => {
        const { heard, sent, acked } = told.get(who);
        const answers = client.of("answer").map((note) => note.args[0]);
        assert.equal(client.of("answer").length + client.of("no_answer").length, asked[who]);
        assert.equal(new Set(answers).size, answers.length);
        assert.ok(heard.every((n, i) => i === 0 || heard[i - 1] < n), "what the server heard is in order, each once");
        const known = new Set(heard);
        assert.ok(answers.every((n) => known.has(n)), "what was answered was heard");
        const downs = new Map();
        for (const [id, n] of client.heard("down")) downs.set(id, [...(downs.get(id) ?? []), n]);
        for (const [id, got] of downs) {
          assert.equal(got.join(), [...Array(got.length).keys()].join(), "events of one connection come in order, each once");
          assert.ok(got.length <= sent.get(id).length);
        }
        assert.ok(acked.every(([id, n]) => downs.get(id)?.includes(n)), "what the client acknowledged, it had");
      });
    });

    if (way === "upgrade") {
      const upgrades = {
        "403": (near) => near.end(answer("403 Forbidden")),
        "400 with a body": (near) => near.end(answer("400 Bad Request", "<h1>no</h1>")),
        "200 and a page": (near) => near.end(answer("200 OK", "<!DOCTYPE html>")),
        "a closed connection": (near) => near.end(),
        "a reset": (near) => near.resetAndDestroy(),
        "silence": () => {},
        "garbage": (near) => near.end("nonsense\r\n\r\n"),
        "101 with another key": (near) =>
          near.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"),
        "101, then the end": (near, connect) => {
          const far = connect();
          far.once("data", (bytes) => near.end(bytes));
        },
        "101, then silence": (near, connect) => {
          const far = connect();
          far.once("data", (bytes) => near.write(bytes));
        },
        "101, then the answer to the probe, then the end": (near, connect) => {
          const far = connect();
          near.pipe(far);
          let seen = 0;
          far.on("data", (bytes) => {
            near.write(bytes);
            if (++seen === 2) [near, far].forEach((socket) => socket.destroy());
          });
        },
      };
      for (const [name, upgrade] of Object.entries(upgrades)) {
        test(`the upgrade is answered with ${name}: nothing is lost`, async () => {
          const proxy = await stopping(startHttpProxy(server.port, upgrade));
          const client = await open(proxy.url);
          for (const n of NUMBERS) {
            client.type(`message ${n}`);
            if (n % 10 === 0) await sleep(2);
          }
          // A proxy that lets the probe through may cost the connection.
          await client.hear("message-back", 90);
          assert.deepEqual(client.heard("message-back").flat(), NUMBERS.slice(0, client.heard("message-back").length));
          if (!name.includes("probe")) {
            await client.hear("message-back", 100);
            assert.deepEqual(await client.ask("transport"), ["polling"]);
            assert.equal(client.of("disconnect").length, 0);
          }
        });
      }

      test("the server has no polling: the next transport is tried", async () => {
        const { port } = await serve({ transports: ["websocket"] });
        const client = await open(`http://127.0.0.1:${port}`);
        assert.deepEqual(await client.ask("transport"), ["websocket"]);
      });

      test("the server has no WebSocket, which is listed first: the next transport is tried", async () => {
        const { port } = await serve({ transports: ["polling"] });
        const client = await open(`http://127.0.0.1:${port}`, { transports: ["websocket", "polling"] });
        assert.deepEqual(await client.ask("transport"), ["polling"]);
      });
    }
  });
}

describe("client, wrong usage", () => {
  const run = async (...args) => {
    const child = spawn(CLIENT, args, { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (d) => (errors += d));
    const [code] = await once(child, "close");
    return [code, errors];
  };
  const wrong = {
    "no URL": [[], /URL/],
    "an unknown option": [["http://127.0.0.1:1", "--nothing"], /--nothing/],
    "a URL that is none": [["http://"], /http:/],
    "an unknown scheme": [["ftp://127.0.0.1"], /ftp/],
    "TLS": [["https://127.0.0.1:1"], /TLS/],
    "credentials that are no object": [["http://127.0.0.1:1", "--auth", "[1]"], /--auth.*object/],
    "an unknown transport": [["http://127.0.0.1:1", "--transports", "carrier-pigeon"], /polling and websocket/],
    "a field without a colon": [["http://127.0.0.1:1", "--header", "x"], /Name: value/],
    "a line that is none": [["http://127.0.0.1:1", "--emit", "x hello"], /--emit.*hello/],
    "a time that is none": [["http://127.0.0.1:1", "--for", "soon"], /seconds/],
  };
  for (const [name, [args, says]] of Object.entries(wrong)) {
    test(`${name}: a sentence on standard error, exit code 2`, async () => {
      const [code, errors] = await run(...args);
      assert.equal(code, 2);
      assert.match(errors, says);
    });
  }
});
