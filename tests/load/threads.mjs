// Two threads: acknowledgements and deliveries per second with their latencies, beside ourselves on one thread and socketioxide on two, in interleaved
// rounds of one run. The load shares the two cores: what counts are the ratios.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { frame, sleep } from "../interop/support.js";
import { cpu, openMany } from "./common.mjs";

const path = (name) => new URL(name, import.meta.url).pathname;
const server = process.env.SERVER ?? path("../../target/release/examples/server");
const mine = (threads) => [server, "--listen", "127.0.0.1:0", "--max-connections", "20000", "--log", "warn", "--threads", `${threads}`];
const programs = {
  "two threads": mine(2),
  "one thread": mine(1),
  "socketioxide, two": [path("../../target/load/socketioxide/release/socketioxide-server"), "2"],
};
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const text = "x".repeat(40);

async function against(command, n, act) {
  const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
  const line = String(await new Promise((done) => child.stdout.once("data", done)));
  let hear = () => {};
  const sockets = await openMany(Number(/:(\d+)\//.exec(line)[1]), n, (i, t) => hear(i, t));
  await sleep(100);
  const [begun, used] = [performance.now(), cpu(child.pid)];
  const { count, latencies } = await act(sockets, (f) => (hear = f));
  const seconds = (performance.now() - begun) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (part) => latencies[Math.floor(part * (latencies.length - 1))];
  const result = { rate: count / seconds, cpu: (cpu(child.pid) - used) / count, p50: at(0.5), p99: at(0.99) };
  sockets.forEach((s) => s.destroy());
  child.kill("SIGTERM");
  return result;
}

/** Each connection asks again as soon as it has its answer. */
const acknowledgements = (n, total) => (sockets, hear) =>
  new Promise((done) => {
    const packet = frame(`420["message-with-ack","${text}"]`);
    const [asked, latencies] = [new Array(n), []];
    let left = total - n;
    const ask = (i) => ((asked[i] = performance.now()), sockets[i].write(packet));
    hear((i, t) => {
      if (t[1] !== 0x33) return;
      latencies.push(performance.now() - asked[i]);
      if (left-- > 0) ask(i);
      else if (latencies.length === total) done({ count: total, latencies });
    });
    sockets.forEach((_, i) => ask(i));
  });

/** One says something when all others have heard what it said before. */
const deliveries = (rounds) => async (sockets, hear) => {
  const latencies = [];
  let [heard, said] = [0, 0];
  let next;
  hear((_, t) => {
    if (!t.subarray(0, 20).includes("broadcast-m")) return;
    latencies.push(performance.now() - said);
    if (++heard % (sockets.length - 1) === 0) next();
  });
  for (let r = 0; r < rounds; r++) {
    const all = new Promise((done) => (next = done));
    said = performance.now();
    sockets[0].write(frame(`42["broadcast","${text}"]`));
    await all;
  }
  assert.equal(heard, rounds * (sockets.length - 1), "each once");
  return { count: heard, latencies };
};

const tests = {
  "acknowledgements, 100 connections": [100, acknowledgements(100, 30_000)],
  "acknowledgements, 1000 connections": [1000, acknowledgements(1000, 50_000)],
  "deliveries to 1000": [1000, deliveries(50)],
};
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
for (const [what, [n, act]] of Object.entries(tests)) {
  const rows = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
  for (let r = 0; r < ROUNDS; r++) for (const [name, command] of Object.entries(programs)) rows[name].push(await against(command, n, act));
  console.log(`| ${what} | per second | us CPU each | p50 ms | p99 ms |\n|---|---|---|---|---|`);
  for (const [name, list] of Object.entries(rows)) {
    const of = (key) => median(list.map((row) => row[key]));
    console.log(`| ${name} | ${of("rate").toFixed(0)} | ${of("cpu").toFixed(2)} | ${of("p50").toFixed(2)} | ${of("p99").toFixed(2)} |`);
  }
}
process.exit(0);
