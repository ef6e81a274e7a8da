// Polling and the upgrade, byte by byte.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { after, afterEach, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { Raw, sleep, startServer, until } from "./support.js";

const OPEN = /^0\{"sid":"([\w-]{20})","upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$/;
let server;
let base;
before(async () => {
  server = await startServer({ args: ["--log", "debug"] });
  base = `${server.url}/socket.io/?EIO=4&transport=polling`;
});
after(async () => assert.equal(await server.stop(), 0, server.log()));
// Refusals alone would pass against a dead server.
afterEach(async () => {
  const s = await Session.open();
  assert.equal(await s.post(`420["message-with-ack","works"]`), "ok");
  assert.equal(await s.poll(), `430["works"]`);
  await s.post("1");
});

class Session {
  static async open({ join = true, url = base } = {}) {
    const s = new Session();
    const answer = await (await fetch(url)).text();
    s.url = `${url}&sid=${/"sid":"([^"]+)"/.exec(answer)[1]}`;
    s.sid = s.url.split("sid=")[1];
    if (!join) return s;
    assert.equal(await s.post("40"), "ok");
    assert.match(await s.poll(), /^40\{"sid":"[\w-]{20}"\}(\x1e42\["auth",\{\}\])?$/);
    if (!s.last.includes("auth")) assert.equal(await s.poll(), `42["auth",{}]`);
    return s;
  }
  get(options) {
    return fetch(this.url, options);
  }
  async poll() {
    const answer = await this.get();
    assert.equal(answer.status, 200);
    return (this.last = await answer.text());
  }
  send(body, headers = {}) {
    return fetch(this.url, { method: "POST", body, headers });
  }
  async post(body) {
    const answer = await this.send(body);
    assert.equal(answer.status, 200);
    return answer.text();
  }
  async gone() {
    const answer = await this.get();
    return answer.status === 400 && (await answer.json()).code === 1;
  }
  websocket() {
    const ws = new WebSocket(this.url.replace("http", "ws").replace("polling", "websocket"));
    ws.heard = [];
    ws.on("message", (data) => ws.heard.push(data.toString()));
    ws.closed = once(ws, "close");
    return ws;
  }
  /** A probe that was answered. */
  async probe() {
    const ws = this.websocket();
    await once(ws, "open");
    ws.send("2probe");
    await until(() => ws.heard.includes("3probe"), "3probe");
    return ws;
  }
}
const error = async (answer) => [answer.status, answer.headers.get("content-type"), await answer.text()];
const refusal = (code, message, status = 400) => [status, "application/json", JSON.stringify({ code, message })];

describe("answers are the reference's, byte for byte", () => {
  test("the handshake, and a POST", async () => {
    const answer = await fetch(base);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/plain; charset=UTF-8");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("set-cookie"), null);
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
    assert.match(await answer.text(), OPEN);
    const s = await Session.open();
    const posted = await s.send("3");
    assert.deepEqual(["content-type", "content-length", "cache-control"].map((n) => posted.headers.get(n)), ["text/html", "2", "no-store"]);
  });

  const refusals = [
    ["no transport", "EIO=4", {}, refusal(0, "Transport unknown")],
    ["an unknown transport", "EIO=4&transport=abc", {}, refusal(0, "Transport unknown")],
    ["a name of JavaScript's own", "EIO=4&transport=constructor", {}, refusal(0, "Transport unknown")],
    ["an unknown session", "EIO=4&transport=polling&sid=abc", {}, refusal(1, "Session ID unknown")],
    ["__proto__", "EIO=4&transport=polling&sid=__proto__", {}, refusal(1, "Session ID unknown")],
    ["a handshake by POST", "EIO=4&transport=polling", { method: "POST", body: "x" }, refusal(2, "Bad handshake method")],
    ["a handshake by OPTIONS, CORS being off", "EIO=4&transport=polling", { method: "OPTIONS" }, refusal(2, "Bad handshake method")],
    ["a WebSocket without an upgrade", "EIO=4&transport=websocket", {}, refusal(3, "Bad request")],
    ["version 3", "EIO=3&transport=polling", {}, refusal(5, "Unsupported protocol version")],
    ["no version", "transport=polling", {}, refusal(5, "Unsupported protocol version")],
  ];
  for (const [what, query, options, expected] of refusals) {
    test(what, async () => assert.deepEqual(await error(await fetch(`${server.url}/socket.io/?${query}`, options)), expected));
  }

  test("HEAD is answered without a body", async () => {
    const raw = await Raw.connect(server.port);
    const line = "/socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n";
    raw.send(`HEAD ${line}\r\nGET ${line}Connection: close\r\n\r\n`);
    await raw.end();
    assert.match(raw.text(), /^HTTP\/1\.1 400 [^]*?\r\n\r\nHTTP\/1\.1 200 /);
  });

  test("the path without its slash, and any behind it", async () => {
    for (const path of ["/socket.io", "/socket.io/", "/socket.io/more"]) {
      assert.match(await (await fetch(`${server.url}${path}?EIO=4&transport=polling&t=abc`)).text(), OPEN, path);
    }
    assert.equal((await fetch(`${server.url}/other/?EIO=4&transport=polling`)).status, 404);
  });

  test("PUT and DELETE with a session: 500 without a body; another version: code 3", async () => {
    const s = await Session.open();
    for (const method of ["PUT", "DELETE"]) assert.deepEqual(await error(await fetch(s.url, { method })), [500, null, ""]);
    assert.deepEqual(await error(await fetch(s.url.replace("EIO=4", "EIO=3"))), refusal(3, "Bad request"));
  });
});

describe("requests", () => {
  test("a second GET while one waits: 400, and the session ends", async () => {
    const s = await Session.open();
    const first = s.get();
    await sleep(50);
    assert.deepEqual(await error(await s.get()), [400, null, ""]);
    assert.equal(await (await first).text(), "1");
    assert.ok(await s.gone());
  });

  test("a second POST while the first one's body is on its way: 400, and the session ends", async () => {
    const s = await Session.open();
    const raw = await Raw.connect(server.port);
    const path = s.url.slice(server.url.length);
    raw.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n42`);
    await sleep(50);
    assert.equal((await s.send("3")).status, 400);
    assert.ok(await s.gone());
    raw.destroy();
  });

  test("a GET whose client goes away ends the session", async () => {
    const s = await Session.open();
    const abort = new AbortController();
    const get = s.get({ signal: abort.signal }).catch(() => {});
    await sleep(50);
    abort.abort();
    await get;
    await until(() => s.gone(), "the end");
  });

  test("a GET with a body, which would be taken for the next request: 400, and the connection closes", async () => {
    const raw = await Raw.connect(server.port);
    const hidden = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n";
    raw.send(`GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`);
    await raw.end();
    assert.equal(raw.status(), 400);
    assert.ok(!raw.text().includes("sid"), "and nothing of what it hides");
  });

  test("a body of bytes: 400, and the session ends", async () => {
    const s = await Session.open();
    assert.deepEqual(await error(await s.send("42[]", { "content-type": "application/octet-stream" })), [400, null, ""]);
    assert.ok(await s.gone());
  });

  test("bodies that are no payload: 400, and the session ends", async () => {
    for (const body of ["", "a123", "{", "3\x1e", "bAQ", Buffer.from([0x34, 0xff])]) {
      const s = await Session.open();
      assert.equal((await s.send(body)).status, 400);
      assert.ok(await s.gone(), body);
    }
  });

  test("a body over maxPayload: 413, and the session lives", async () => {
    const s = await Session.open();
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const request = http.request(s.url, { method: "POST", headers });
      request.on("error", () => {});
      request.end("4".repeat(1_000_001));
      const [answer] = await once(request, "response");
      assert.equal(answer.statusCode, 413);
      answer.resume();
    }
    await s.post(`420["message-with-ack",1]`);
    assert.equal(await s.poll(), "430[1]");
    await s.post(`421["message-with-ack","${"x".repeat(999_970)}"]`);
    assert.equal((await s.poll()).length, 999_970 + 7);
  });

  test("bodies in chunks, by bytes, after leave, in HTTP/1.0, and requests in a row", async () => {
    const s = await Session.open();
    const path = s.url.slice(server.url.length);
    const packet = (id) => `42${id}["message-with-ack","ü"]`;
    const body = Buffer.from(packet(1));
    const raw = await Raw.connect(server.port);
    const chunks = [...body].map((b) => `1\r\n${String.fromCharCode(b)}\r\n`).join("");
    for (const byte of Buffer.from(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\nX: y\r\n\r\n`, "latin1")) raw.send(Buffer.from([byte]));
    await until(() => raw.text().endsWith("\r\n\r\nok"), "ok");
    raw.send(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`);
    await until(() => raw.text().endsWith("HTTP/1.1 100 Continue\r\n\r\n"), "100");
    raw.send(packet(2));
    await until(() => raw.text().endsWith("\r\n\r\nok"), "ok");
    const posts = [3, 4].map((id) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${packet(id)}`);
    raw.send(`${posts.join("")}POST ${path} HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${packet(5)}`);
    await raw.end();
    assert.equal(raw.text().split("\r\n\r\nok").length - 1, 5);
    let got = "";
    while (got.split("43").length < 6) got += `${await s.poll()}\x1e`;
    assert.equal(got, [1, 2, 3, 4, 5].map((id) => `43${id}["ü"]\x1e`).join(""));
  });

  test("packets wait, at most 16 in a payload, and within maxPayload", async () => {
    const small = await startServer({ args: ["--max-payload", "1000"] });
    const s = await Session.open({ url: `${small.url}/socket.io/?EIO=4&transport=polling` });
    for (let i = 0; i < 40; i++) await s.post(`42${i}["message-with-ack",${i}]`);
    for (let i = 0; i < 3; i++) await s.post(`42["message","${"x".repeat(400)}"]`);
    const batches = [];
    while (batches.flat().length < 43) batches.push((await s.poll()).split("\x1e"));
    assert.deepEqual(batches.map((b) => b.length), [16, 16, 10, 1]);
    assert.deepEqual(batches.flat().slice(0, 40), Array.from({ length: 40 }, (_, i) => `43${i}[${i}]`));
    // A single packet goes, however long it is.
    await s.post(`451-["message",{"_placeholder":true,"num":0}]\x1eb${Buffer.alloc(690, 7).toString("base64")}`);
    assert.equal(await s.poll(), `451-["message-back",{"_placeholder":true,"num":0}]\x1eb${Buffer.alloc(690, 7).toString("base64")}`);
    await small.stop();
  });

  test("the end: of the client, of the server", async () => {
    const s = await Session.open();
    const waiting = s.poll();
    await sleep(30);
    assert.equal(await s.post("1"), "ok");
    assert.equal(await waiting, "6");
    assert.ok(await s.gone());
    const t = await Session.open();
    await t.post(`42["server-close"]`);
    assert.equal(await t.poll(), "41");
    assert.equal(await t.poll(), "1", "in a payload of its own");
    assert.ok(await t.gone());
  });
});

test("heartbeats over polling, and a client that does not answer", async () => {
  const quick = await startServer({ args: ["--ping-interval", "200", "--ping-timeout", "200"] });
  const s = await Session.open({ url: `${quick.url}/socket.io/?EIO=4&transport=polling` });
  for (let i = 0; i < 3; i++) {
    assert.equal(await s.poll(), "2");
    await s.post("3");
  }
  assert.equal(await s.poll(), "2");
  assert.equal(await s.poll(), "1");
  assert.ok(await s.gone());
  const direction = await Session.open({ url: `${quick.url}/socket.io/?EIO=4&transport=polling` });
  assert.equal((await direction.send("2")).status, 400);
  assert.equal(await quick.stop(), 0);
});

test("Engine.IO itself says every message back", async () => {
  const s = await Session.open({ join: false, url: base.replace("/socket.io/", "/engine.io/") });
  await s.post("4hello\x1ebAQIDBA==\x1e4");
  assert.equal(await s.poll(), "4hello\x1ebAQIDBA==\x1e4");
  const ws = await s.probe();
  ws.send("5");
  ws.send("4over\x1ethere");
  await until(() => ws.heard.includes("4over\x1ethere"));
  ws.close();
});

describe("other origins", () => {
  const headers = (answer) => Object.fromEntries([...answer.headers].filter(([n]) => n.startsWith("access-") || n === "vary"));
  test("all, and a preflight", async () => {
    const open = await startServer({ args: ["--cors", "*"] });
    const url = `${open.url}/socket.io/?EIO=4&transport=polling`;
    assert.deepEqual(headers(await fetch(url, { headers: { origin: "http://a" } })), { "access-control-allow-origin": "*" });
    const refused = await fetch(`${open.url}/socket.io/?EIO=4`, { headers: { origin: "http://a" } });
    assert.deepEqual([refused.status, headers(refused)], [400, { "access-control-allow-origin": "*" }]);
    const preflight = await fetch(url, { method: "OPTIONS", headers: { origin: "http://a", "access-control-request-headers": "x-a" } });
    assert.equal(preflight.status, 204);
    assert.deepEqual(headers(preflight), {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
      "access-control-allow-headers": "x-a",
      vary: "Access-Control-Request-Headers",
    });
    await open.stop();
  });
  test("a list", async () => {
    const some = await startServer({ args: ["--cors", "http://a,https://b:1"] });
    const url = `${some.url}/socket.io/?EIO=4&transport=polling`;
    assert.deepEqual(headers(await fetch(url, { headers: { origin: "https://b:1" } })), { "access-control-allow-origin": "https://b:1", vary: "Origin" });
    assert.deepEqual(headers(await fetch(url, { headers: { origin: "http://c" } })), { vary: "Origin" });
    await some.stop();
  });
});

test("a cookie for balancers, once", async () => {
  const sticky = await startServer({ args: ["--cookie", "io"] });
  const answer = await fetch(`${sticky.url}/socket.io/?EIO=4&transport=polling`);
  const sid = /"sid":"([^"]+)"/.exec(await answer.text())[1];
  assert.equal(answer.headers.get("set-cookie"), `io=${sid}; Path=/; HttpOnly; SameSite=Lax`);
  const posted = await fetch(`${sticky.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: "POST", body: "40" });
  assert.equal(posted.headers.get("set-cookie"), null);
  await sticky.stop();
});

describe("the upgrade", () => {
  test("the GET that waits is let go, again if the client polls again; the queue goes on over the WebSocket", async () => {
    const s = await Session.open();
    const waiting = s.poll();
    await sleep(30);
    const ws = await s.probe();
    assert.equal(await waiting, "6");
    const start = Date.now();
    assert.equal(await s.poll(), "6");
    assert.ok(Date.now() - start >= 90, "not without rest");
    await s.post(`427["message-with-ack",7]`);
    ws.send("5");
    await until(() => ws.heard.includes("437[7]"), "the queue");
    ws.send(`428["transport"]`);
    await until(() => ws.heard.includes(`438["websocket"]`));
    assert.deepEqual(await error(await s.get()), refusal(3, "Bad request"));
    assert.deepEqual(await error(await s.send("3")), refusal(3, "Bad request"));
    const second = s.websocket();
    await second.closed;
    assert.equal(ws.readyState, WebSocket.OPEN);
    ws.close();
    await until(() => s.gone(), "the end");
  });

  const wrong = [
    ["a message in front of the probe", (ws) => ws.send("4x")],
    ["5 without a probe", (ws) => ws.send("5")],
    ["a plain ping", (ws) => ws.send("2")],
    ["bytes", (ws) => ws.send(Buffer.from("2probe"))],
    ["the end", (ws) => ws.close()],
    ["no WebSocket", (ws) => ws._socket.write("hello")],
    ["a lost connection", (ws) => ws._socket.destroy()],
    ["something else behind the probe", async (ws) => { ws.send("2probe"); await sleep(20); ws.send("4x"); }],
  ];
  for (const [what, act] of wrong) {
    test(`${what}: the probe fails, the session lives, and may try again`, async () => {
      const s = await Session.open();
      const ws = s.websocket();
      ws.on("error", () => {});
      await once(ws, "open");
      await s.post(`421["message-with-ack",1]`);
      await act(ws);
      await ws.closed;
      assert.match(await s.poll(), /^431\[1\]$|^6$/);
      if (s.last === "6") assert.equal(await s.poll(), "431[1]");
      const again = await s.probe();
      again.send("5");
      again.send(`422["transport"]`);
      await until(() => again.heard.includes(`432["websocket"]`));
      again.close();
    });
  }

  test("it must be done in time; a second probe meanwhile is closed", async () => {
    const quick = await startServer({ args: ["--upgrade-timeout", "300"] });
    const s = await Session.open({ url: `${quick.url}/socket.io/?EIO=4&transport=polling` });
    const ws = await s.probe();
    const second = s.websocket();
    await second.closed;
    assert.equal(ws.readyState, WebSocket.OPEN);
    await ws.closed;
    await s.post(`421["transport"]`);
    assert.equal(await s.poll(), `431["polling"]`);
    await quick.stop();
  });

  // Numbered messages in both directions while the client moves, at any moment.
  const rounds = Number(process.env.ROUNDS ?? 10);
  const count = Number(process.env.MESSAGES ?? 500);
  test(`${rounds} upgrades with ${count} messages in both directions: none lost, twice or out of order`, { timeout: 3_000_000 }, async () => {
    for (let round = 0; round < rounds; round++) {
      const s = await Session.open();
      const heard = [];
      const take = (text) => heard.push(...text.split("\x1e").filter((p) => p.startsWith("42")).map((p) => JSON.parse(p.slice(2))[1]));
      let [next, paused, polling] = [0, false, true];
      const poller = (async () => {
        while (!paused) take(await s.poll());
        polling = false;
      })();
      const half = Math.floor(Math.random() * count);
      const poster = (async () => {
        while (next < half) {
          const n = Math.min(half - next, 1 + Math.floor(Math.random() * 20));
          await s.post(Array.from({ length: n }, () => `42["message",${next++}]`).join("\x1e"));
        }
      })();
      await sleep(Math.random() * 20);
      const ws = await s.probe();
      ws.heard.length = 0;
      ws.on("message", (d) => take(d.toString()));
      await sleep(Math.random() * 10);
      // As a client does: the POSTs are done, the GET that waits is let go, and then it moves.
      await poster;
      paused = true;
      await poller;
      assert.ok(!polling);
      ws.send("5");
      while (next < count) ws.send(`42["message",${next++}]`);
      await until(() => heard.length >= count, "all of them", 20_000);
      await sleep(5);
      assert.deepEqual(heard, Array.from({ length: count }, (_, i) => i), `round ${round}`);
      ws.close();
    }
  });
});

test("clients that vanish at every stage are forgotten, and hold nothing", { timeout: 600_000 }, async () => {
  const each = Number(process.env.VANISHING ?? 40);
  const quick = await startServer({
    args: ["--ping-interval", "2000", "--ping-timeout", "2000", "--connect-timeout", "3000", "--upgrade-timeout", "2000", "--log", "info", "--max-connections", "30000"],
  });
  const url = `${quick.url}/socket.io/?EIO=4&transport=polling`;
  const path = (s) => s.url.slice(quick.url.length);
  const stages = {
    "no poll": async () => void (await Session.open({ join: false, url })),
    "no pong": async () => void (await Session.open({ url })),
    "half a post": async () => {
      const s = await Session.open({ url });
      const raw = await Raw.connect(quick.port);
      raw.send(`POST ${path(s)} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n42[`);
      await sleep(5);
      raw.destroy();
    },
    "half an upgrade": async () => {
      const s = await Session.open({ url });
      (await s.probe())._socket.destroy();
    },
    "a GET that is given up": async () => {
      const s = await Session.open({ url });
      const raw = await Raw.connect(quick.port);
      raw.send(`GET ${path(s)} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await sleep(5);
      raw.destroy();
    },
    "no CONNECT, a poll": async () => {
      const s = await Session.open({ join: false, url });
      void s.get().catch(() => {});
    },
  };
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${quick.child.pid}/status`, "utf8"))[1]);
  const ended = () => quick.log().split(": ended: ").length - 1;
  let opened = 0;
  const kept = [];
  // What the allocator keeps of the first wave, the second one uses again.
  for (let wave = 0; wave < 2; wave++) {
    for (const act of Object.values(stages)) {
      for (let i = 0; i < each; i += 20) {
        const n = Math.min(20, each - i);
        await Promise.all(Array.from({ length: n }, act));
        opened += n;
      }
    }
    await until(() => ended() === opened, "every session ended", 60_000);
    // The server keeps what it closed itself for 30 s, so that the client's next GET learns it.
    await sleep(each > 100 ? 31_000 : 300);
    assert.equal(ended(), opened, "each once");
    kept.push(rss());
  }
  console.log(`${opened} sessions: ${kept} KiB after each wave`);
  assert.ok(kept[1] - kept[0] < (each > 100 ? 1024 : 2048), `${opened} sessions: ${kept} KiB after each wave`);
  const s = await Session.open({ url });
  await s.post("1");
  assert.equal(await quick.stop(), 0);
});
