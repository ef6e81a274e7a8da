// The server under load beside Node's socket.io and socketioxide, in one run: CPU per acknowledgement, per delivery to all, and per delivery in
// rooms of ten; and the floor: a server under the same load that only reads and writes (floor.c).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { frame, sleep } from "../interop/support.js";
import http from "node:http";
import { cpu, openMany, poll, rss } from "./common.mjs";

const path = (name) => new URL(name, import.meta.url).pathname;
const programs = {
  sansocket: [path("../../target/release/examples/server"), "--listen", "127.0.0.1:0", "--max-connections", "20000", "--log", "warn"],
  "socket.io": [process.execPath, path("node-server.mjs")],
  socketioxide: [path("../../target/load/socketioxide/release/socketioxide-server")],
  floor: [process.env.FLOOR],
};
const text = "x".repeat(40);
// The bytes of what the floor sends, and to whom.
const ANSWERS = [`430["${text}"]`.length + 2, "answer"];
const DELIVERIES = [`42["broadcast-message","${text}"]`.length + 2, "deliver"];
const MANY = Number(process.env.MANY ?? 10_000);

/** Runs `act` against a fresh server with `n` connections. */
async function against(command, n, onText, act) {
  const child = spawn("taskset", ["-c", "0", ...command], { stdio: ["ignore", "pipe", "inherit"] });
  const line = String(await new Promise((done) => child.stdout.once("data", done)));
  const port = Number(/:(\d+)\//.exec(line)[1]);
  const before = { rss: rss(child.pid), cpu: cpu(child.pid) };
  const sockets = await openMany(port, n, onText);
  const accept = (cpu(child.pid) - before.cpu) / n;
  await sleep(n > 1000 ? 1000 : 100);
  const idle = (rss(child.pid) - before.rss) / n;
  /** CPU of the server for each of `units`. */
  const measure = async (units, work) => {
    const begin = cpu(child.pid);
    await work();
    return (cpu(child.pid) - begin) / units;
  };
  const result = await act(sockets, measure, { accept, idle, port });
  sockets.forEach((s) => s.destroy());
  child.kill("SIGTERM");
  return result;
}
async function wait(done, what) {
  const end = Date.now() + 60_000;
  while (!done()) {
    assert.ok(Date.now() < end, `${what}: lost`);
    await new Promise(setImmediate);
  }
}

const figures = {};
for (const [name, command] of Object.entries(programs)) {
  const row = (figures[name] = {});
  const isFloor = name === "floor";
  const [answering, delivering] = [ANSWERS, DELIVERIES].map((what) => (isFloor ? [...command, ...what] : command));
  for (const n of [1, 100, 1000]) {
    let got = 0;
    row[`an acknowledgement, ${n} connections`] = await against(answering, n, (_, t) => t[1] === 0x33 && got++, (sockets, measure) => {
      const rounds = n === 1 ? 8000 : 60_000 / n;
      const packet = frame(`420["message-with-ack","${text}"]`);
      return measure(rounds * n, async () => {
        for (let r = 1; r <= rounds; r++) {
          sockets.forEach((s) => s.write(packet));
          await wait(() => got >= r * n, `${name}: acknowledgements`);
        }
      });
    });
  }
  for (const n of [1000, MANY]) {
    let got = 0;
    const hear = (_, t) => t.subarray(0, 20).includes("broadcast-m") && got++;
    row[`a delivery to ${n}`] = await against(delivering, n, hear, async (sockets, measure, { accept, idle }) => {
      if (n === MANY && !isFloor) Object.assign(row, { "accepting one": accept, "KiB of an idle one": idle });
      const rounds = Math.max(5, 100_000 / n);
      const each = await measure(rounds * (n - 1), async () => {
        for (let r = 1; r <= rounds; r++) {
          sockets[0].write(frame(`42["broadcast","${text}"]`));
          await wait(() => got >= r * (n - 1), `${name}: a broadcast to ${n}`);
        }
      });
      assert.equal(got, rounds * (n - 1), "each once");
      return each;
    });
  }
  if (isFloor) break;
  let [joined, got] = [0, 0];
  const hear = (_, t) => (t[1] === 0x33 ? joined++ : t.subarray(0, 20).includes("room-message") && got++);
  row[`a delivery in ${MANY / 10} rooms of 10`] = await against(command, MANY, hear, async (sockets, measure) => {
    const rooms = MANY / 10;
    sockets.forEach((s, i) => s.write(frame(`420["join","room ${i % rooms}"]`)));
    await wait(() => joined === MANY, `${name}: joins`);
    const rounds = 5;
    const each = await measure(rounds * rooms * 9, async () => {
      for (let r = 1; r <= rounds; r++) {
        for (let room = 0; room < rooms; room++) sockets[room].write(frame(`42["to-room","room ${room}","${text}"]`));
        await wait(() => got >= r * rooms * 9, `${name}: rooms`);
      }
    });
    assert.equal(got, rounds * rooms * 9, "each once");
    return each;
  });
  row["an acknowledgement over polling, 100 clients"] = await against(command, 0, null, async (_, measure, { port }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 200 });
    const clients = await Promise.all(Array.from({ length: 100 }, () => poll(port, agent)));
    const rounds = 50;
    const answers = [];
    const each = await measure(rounds * 100, async () => {
      for (let r = 0; r < rounds; r++) {
        const ask = async (client) => {
          let answer = await client.ask(`42${r}["message-with-ack","${text}"]`);
          // What it says on joining may come in a payload of its own.
          while (!answer.includes(`43${r}[`)) answer = await client.drain();
          answers.push(answer);
        };
        await Promise.all(clients.map(ask));
      }
    });
    assert.equal(answers.length, rounds * 100);
    await Promise.all(clients.map((c) => c.leave()));
    agent.destroy();
    return each;
  });
  console.log(`measured ${name}`);
}
const { sansocket: mine, "socket.io": node, socketioxide: oxide, floor } = figures;
console.log("| us of the server's CPU, or KiB | sansocket | x socket.io | x socketioxide | x floor |\n|---|---|---|---|---|");
for (const [what, n] of Object.entries(mine)) {
  console.log(`| ${what} | ${n.toFixed(2)} | ${(n / node[what]).toFixed(2)} | ${(n / oxide[what]).toFixed(2)} | ${floor[what] ? (n / floor[what]).toFixed(2) : ""} |`);
}
process.exit(0);
