// The chat under load: memory of idle connections, CPU of a broadcast beside the floor, nothing lost, one who never reads.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { frame, sleep, until } from "../interop/support.js";
import { cpu, open, openMany, rss } from "./common.mjs";

const chat = process.env.CHAT ?? new URL("../../target/release/examples/chat", import.meta.url).pathname;
const IDLE = Number(process.env.IDLE ?? 10_000);
const LISTENERS = 1000;

async function start(args) {
  const child = spawn("taskset", ["-c", "0", chat, "--listen", "127.0.0.1:0", "--max-connections", "20000", "--log", "warn", ...args]);
  let log = "";
  child.stderr.on("data", (d) => (log += d));
  const line = await new Promise((done) => child.stdout.once("data", done));
  const port = Number(/:(\d+)\//.exec(line)[1]);
  return { child, port, log: () => log };
}

{
  const server = await start([]);
  const before = rss(server.child.pid);
  const sockets = await openMany(server.port, IDLE);
  await sleep(2000);
  const each = (rss(server.child.pid) - before) / IDLE;
  console.log(`idle: ${IDLE} connections, ${each.toFixed(2)} KiB resident each in the whole process (goal 4)`);
  sockets.forEach((s) => s.destroy());
  await sleep(1500);
  assert.equal(server.child.exitCode, null, server.log());
  server.child.kill("SIGTERM");
  assert.ok(each <= 4, "over the goal");
}

{
  const server = await start(["--max-queue", "300000"]);
  const got = new Array(LISTENERS).fill(0);
  let total = 0;
  const sockets = await openMany(server.port, LISTENERS, (i, text) => {
    const at = text.indexOf(`"message":"`);
    if (at < 0 || text[3] !== 0x6e && !text.subarray(0, 16).includes("newMessage")) return;
    const n = Number(text.subarray(at + 11, at + 19).toString());
    assert.equal(n, got[i], `message ${n} where ${got[i]} was due, connection ${i}`);
    got[i]++;
    total++;
  });
  await sleep(500);
  const say = (n) => frame(`42["sendMessage",{"name":"speaker","message":"${String(n).padStart(8, "0")}${"x".repeat(16)}"}]`);
  let sent = 0;
  const figures = {};
  for (const flight of [1, 4]) {
    const rounds = 400 / flight;
    const begin = cpu(server.child.pid);
    for (let r = 0; r < rounds; r++) {
      sockets[0].write(Buffer.concat([...Array(flight).keys()].map(() => say(sent++))));
      while (total < sent * LISTENERS) await new Promise(setImmediate);
    }
    figures[flight] = (cpu(server.child.pid) - begin) / (rounds * flight * LISTENERS);
  }
  assert.deepEqual([...new Set(got)], [sent], "nothing lost");
  const size = `42["newMessage",{"name":"speaker","message":"${"x".repeat(24)}"}]`.length + 2;
  const floor = Object.fromEntries(execFileSync(process.env.FLOOR, [`${size}`], { encoding: "utf8" }).trim().split("\n").map((l) => l.split(" ").map(Number)));
  for (const flight of [1, 4]) {
    console.log(`broadcast to ${LISTENERS}, ${flight} in flight: ${figures[flight].toFixed(2)} us CPU per delivery, floor ${floor[flight].toFixed(2)}, ratio ${(figures[flight] / floor[flight]).toFixed(2)}`);
  }

  // One who never reads.
  const deaf = await open(server.port, 0);
  deaf.pause();
  deaf.write(frame(`42["user-name","Deaf"]`));
  let left = false;
  sockets[1].on("data", (d) => { if (d.includes("Deaf left the chat")) left = true; });
  const long = "y".repeat(1800);
  const start2 = Date.now();
  while (!left && Date.now() - start2 < 60_000) {
    sockets[0].write(Buffer.concat([...Array(20).keys()].map(() => frame(`42["sendMessage",{"name":"s","message":"${String(sent++).padStart(8, "0")}${long}"}]`))));
    await until(() => total >= sent * LISTENERS || left, "the others hear all", 60_000);
  }
  assert.ok(left, "dropped");
  await until(() => total === sent * LISTENERS, "the others heard all", 20_000);
  console.log(`one who never reads was dropped after ${sent - 400} messages; the ${LISTENERS} others missed none of ${sent}`);
  sockets.forEach((s) => s.destroy());
  server.child.kill("SIGTERM");
}
console.log("3 passed, 0 failed");
process.exit(0);
