// What the host of `chat` and `server` does with clients that read slowly or not at all.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Raw, frame, moveAndGo, sleep, startServer, until } from "./support.js";

test("E4: a client that reads none of its answers is ended, however many requests it sent", async () => {
  const server = await startServer({ args: ["--max-connections", "1"] });
  const raw = await Raw.connect(server.port);
  raw.socket.pause();
  raw.send("GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(124_188));
  const isFree = async () => (await fetch(`${server.url}/socket.io/?EIO=4`).catch(() => ({}))).status === 400;
  await sleep(1000);
  assert.equal(await isFree(), false);
  await until(isFree, "room for another", 20_000);
  raw.destroy();
  await server.stop();
});

test("E5: a slow client that answers pings lives", async () => {
  const args = ["--ping-interval", "300", "--ping-timeout", "2000", "--max-queue", "50000000"];
  const server = await startServer({ args });
  const raw = await Raw.open(server.port);
  for (let i = 0; i < 14; i++) raw.send(frame(`42["message","${"x".repeat(900_000)}"]`));
  let answered = 0;
  for (const end = Date.now() + 8000; Date.now() < end && !raw.ended; ) {
    raw.socket.pause();
    await sleep(150);
    raw.socket.resume();
    await sleep(5);
    for (const pings = raw.frames().filter((f) => f.payload.length === 1).length; answered < pings; answered++) raw.send(frame("3"));
  }
  assert.ok(!raw.ended, server.log());
  raw.destroy();
  await server.stop();
});

test("a malformed request does not take away the memory that all sockets are read into", async () => {
  const server = await startServer({ args: ["--threads", "1"] });
  const computed = () => Number(readFileSync(`/proc/${server.child.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  const many = Buffer.concat(Array(30_000).fill(frame(`42["nothing","${"x".repeat(1000)}"]`)));
  const least = async () => {
    let least = Infinity;
    for (let i = 0; i < 4; i++) {
      const raw = await Raw.open(server.port);
      const before = computed();
      raw.send(Buffer.concat([many, frame('42["message","last"]')]));
      await until(() => raw.events().some(([name]) => name === "message-back"), "the last answer", 20_000);
      least = Math.min(least, computed() - before);
      raw.destroy();
    }
    return least;
  };
  const before = await least();
  const bad = await Raw.connect(server.port);
  bad.send("GET\r\n\r\n");
  await bad.end();
  assert.equal(bad.status(), 400);
  const after = await least();
  assert.ok(after < 1.5 * before, `${before.toFixed(1)} ms before, ${after.toFixed(1)} ms after`);
  await server.stop();
});

test("a session ends whose WebSocket is gone at the moment of its upgrade", async () => {
  const server = await startServer();
  await moveAndGo(server);
  await until(() => /: ended: transport (close|error)/.test(server.log()), () => `its end: ${server.log()}`, 3000);
  await server.stop();
});
