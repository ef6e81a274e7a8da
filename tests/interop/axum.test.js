// The axum example with the stock client: every transport, the app's own routes beside it, an end that everybody is told.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { example, start, until } from "./support.js";

const AXUM = process.env.AXUM ?? example("axum");
let app;
before(async () => (app = await start(AXUM, { args: ["--ping-interval", "500", "--ping-timeout", "2000"] })));
after(() => app.stop());

async function connect(transports, url = app.url) {
  const socket = io(url, { transports, forceNew: true, reconnection: false, auth: { token: 1 } });
  socket.heard = [];
  socket.onAny((...args) => socket.heard.push(args));
  socket.ended = new Promise((done) => socket.on("disconnect", done));
  await until(() => socket.connected && socket.heard.length > 0, "connected");
  await until(() => socket.io.engine.transport.name === transports.at(-1), "the transport");
  return socket;
}
const metrics = async () => (await (await fetch(`${app.url}/metrics`)).text()).match(/\d+$/gm).map(Number);

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
  test(transports.join(" then "), async () => {
    const [a, b] = [await connect(transports), await connect(transports)];
    assert.deepEqual(a.heard[0], ["auth", { token: 1 }]);
    const file = Buffer.from([1, 2, 3]);
    a.emit("message", "ü", { file }, 3);
    await until(() => a.heard.length === 2);
    assert.deepEqual(a.heard[1], ["message-back", "ü", { file }, 3]);
    assert.deepEqual(await a.emitWithAck("ask", file), file);
    const big = Buffer.alloc(300_000, 7);
    assert.deepEqual(await a.emitWithAck("ask", big), big);
    for (let i = 0; i < 300; i++) b.emit("broadcast", i, file);
    await until(() => a.heard.length === 302, "broadcasts");
    assert.deepEqual(a.heard.slice(2), Array.from({ length: 300 }, (_, i) => ["broadcast-message", i, file]));
    assert.deepEqual(await metrics(), transports.at(-1) === "polling" ? [2, 0] : [0, 2]);
    // A heartbeat or two.
    await new Promise((done) => setTimeout(done, 1100));
    assert.ok(a.connected && b.connected);
    a.disconnect();
    b.disconnect();
    await until(async () => (await metrics()).join() === "0,0", "gone");
  });
}

test("beside the app's own routes, with its layers, for every origin", async () => {
  assert.equal(await (await fetch(`${app.url}/health`)).text(), "ok\n");
  const answer = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`, { headers: { origin: "http://a" } });
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  assert.match(await answer.text(), /^0\{"sid":"[\w-]{20}","upgrades":\["websocket"\]/);
  assert.equal((await fetch(`${app.url}/socket.io/?EIO=4`)).status, 400);
  assert.equal((await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`, { method: "OPTIONS", headers: { origin: "http://a" } })).status, 204);
  await until(async () => (await metrics()).join() === "0,0", "the session without a client ended", 10_000);
});

test("a graceful end: sessions of every kind are told", async () => {
  const other = await start(AXUM, {});
  const sockets = [await connect(["websocket"], other.url), await connect(["polling"], other.url), await connect(["polling", "websocket"], other.url)];
  const code = other.stop();
  for (const socket of sockets) assert.equal(await socket.ended, "transport close");
  assert.equal(await code, 0);
});
