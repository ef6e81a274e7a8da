// What the axum example does at its ends: clients that do not read, WebSockets that vanish in a probe, farewells, refusals.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Raw, example, frame, moveAndGo, request, sleep, start, startServer, until } from "./support.js";

const AXUM = process.env.AXUM ?? example("axum");
let app, server;
before(async () => {
  app = await start(AXUM, { args: ["--ping-interval", "500", "--ping-timeout", "1000"] });
  server = await startServer();
});
after(() => Promise.all([app.stop(), server.stop()]));

const url = () => `${app.url}/socket.io/?EIO=4&transport=polling`;
async function open() {
  const sid = JSON.parse((await (await fetch(url())).text()).slice(1)).sid;
  await fetch(`${url()}&sid=${sid}`, { method: "POST", body: "40" });
  assert.match(await (await fetch(`${url()}&sid=${sid}`)).text(), /^40/);
  return sid;
}
const metrics = async () => (await (await fetch(`${app.url}/metrics`)).text()).match(/\d+$/gm).map(Number);

test("E1: a client that does not read is ended", async () => {
  const raw = await Raw.open(app.port);
  raw.socket.pause();
  for (let i = 0; i < 12; i++) raw.send(frame(`42["message","${"x".repeat(900_000)}"]`));
  await until(async () => (await metrics())[1] === 0, "gone", 10_000);
  raw.destroy();
});

test("a WebSocket on which nothing happens costs nothing", { skip: process.platform !== "linux" }, async () => {
  const raw = await Raw.open(app.port);
  const ticks = async () => {
    const fields = (await readFile(`/proc/${app.child.pid}/stat`, "utf8")).split(" ");
    return Number(fields[13]) + Number(fields[14]);
  };
  await sleep(100);
  const before = await ticks();
  await sleep(400);
  const spent = (await ticks()) - before;
  assert.ok(spent <= 5, `${spent} ticks of a processor in 400 ms`);
  raw.destroy();
});

test("E2: a WebSocket that is reset in a probe: the session lives, and may try again", async () => {
  const sid = await open();
  const raw = await Raw.connect(app.port);
  raw.send(request({}, { query: `EIO=4&transport=websocket&sid=${sid}` }));
  await until(() => raw.text().includes("\r\n\r\n"));
  raw.send(frame("2probe"));
  raw.socket.resetAndDestroy();
  await sleep(200);
  const again = await Raw.connect(app.port);
  again.send(request({}, { query: `EIO=4&transport=websocket&sid=${sid}` }));
  await until(() => again.text().includes("\r\n\r\n"));
  again.send(Buffer.concat([frame("2probe"), frame("5")]));
  await until(() => again.texts().includes("3probe"), "3probe");
  again.send(frame("41"));
  again.destroy();
});

test("E3: a POST that ended the session: what was answered, then the close packet, in a payload of its own", async () => {
  const sid = await open();
  const get = async () => (await fetch(`${url()}&sid=${sid}`)).text();
  assert.equal((await fetch(`${url()}&sid=${sid}`, { method: "POST", body: '421["ask"]\x1e4x' })).status, 200);
  assert.equal(await get(), "431[]");
  assert.equal(await get(), "1");
  assert.match(await get(), /"code":1/);
});

test("E9: both hosts refuse alike", async () => {
  const cases = [
    request({}, { query: "EIO=3&transport=websocket" }),
    request({}, { query: "EIO=4&transport=websocket&sid=none" }),
    request({ "Sec-WebSocket-Version": "12" }),
    request({ "Sec-WebSocket-Key": "x" }),
    request({}, { query: "EIO=4&transport=polling" }),
    "GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "PUT /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n",
    request({}, { method: "POST" }),
    request({}, { method: "POST", query: "EIO=4&transport=websocket&sid=none" }),
    request({ Upgrade: "websocket, h2c" }, { query: "EIO=3&transport=websocket" }),
    request({ Upgrade: "h2c" }),
    request({ Connection: "keep-alive" }),
    request({ "Content-Length": "3" }) + "abc",
    "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST /socket.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "DELETE /socket.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /socket.io/?EIO=4&transport=webtransport HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /socket.io/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n",
  ];
  const ask = async (port, text) => {
    const raw = await Raw.connect(port);
    raw.send(text);
    await until(() => raw.text().includes("\r\n\r\n"), text);
    await sleep(100);
    raw.destroy();
    const [head, body] = raw.text().split("\r\n\r\n");
    const ours = /^(HTTP|content-type|allow|upgrade|sec-websocket-version)/i;
    return [head.split("\r\n").filter((line) => ours.test(line)).map((line) => line.toLowerCase()).sort(), body];
  };
  for (const text of cases) assert.deepEqual(await ask(app.port, text), await ask(server.port, text), text);
});

test("a session ends whose WebSocket is gone at the moment of its upgrade", async () => {
  await moveAndGo(app);
  await until(async () => (await metrics()).every((n) => n === 0), "its end", 3000);
});
