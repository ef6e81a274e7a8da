// System calls for each message, by strace: the servers of this crate beside socketioxide. The least is a look that finds the message, a read and a
// write for a question, and a write for a delivery. With one message on its way the counts do not depend on how busy the machine is; with more of
// them, a server that is slow finds several in one look.
//
// `--check` runs ours alone, and fails if one needs more than `MOST` in each of three runs: on a busy machine threads wake each other more often.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frame, sleep } from "../interop/support.js";
import { openMany } from "./common.mjs";

const path = (name) => new URL(name, import.meta.url).pathname;
const example = (name) => path(`../../target/release/examples/${name}`);
const listen = ["--listen", "127.0.0.1:0", "--log", "warn"];
const SOCKET_IO = {
  "server (sansocket-tokio)": [example("server"), ...listen],
  socketioxide: [path("../../target/load/socketioxide/release/socketioxide-server")],
};
const text = "x".repeat(40);
const [ROUNDS, MORE] = [200, 1200];
const MOST = { "an acknowledgement, 1 connections": 3.1, "an acknowledgement, 100 connections": 3.1, "a delivery to 100": 1.2, "an echo, 1 connections": 3.1, "an echo, 100 connections": 3.1 };
const isCheck = process.argv.includes("--check");

/** The calls of one run, by name. */
async function traced(command, act) {
  const folder = mkdtempSync(join(tmpdir(), "calls-"));
  // With `--seccomp-bpf` only these calls stop the server.
  const traced = ["read", "readv", "recvfrom", "recvmsg", "write", "writev", "sendto", "sendmsg", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "futex"];
  const child = spawn("strace", ["-ff", "-qq", "--seccomp-bpf", "-e", `trace=${traced}`, "-o", join(folder, "calls"), ...command], { stdio: ["ignore", "pipe", "inherit"] });
  const line = String(await new Promise((done) => child.stdout.once("data", done)));
  const close = await act(Number(/:(\d+)\//.exec(line)[1]));
  // Of strace and the server; its own signal may come too early for the last lines.
  const pids = readdirSync(folder).map((name) => Number(name.split(".").pop())).sort((a, b) => a - b);
  process.kill(pids[0], "SIGTERM");
  await once(child, "exit");
  close();
  const calls = {};
  for (const name of readdirSync(folder)) {
    for (const [, call] of readFileSync(join(folder, name), "utf8").matchAll(/^(\w+)\(/gm)) calls[call] = (calls[call] ?? 0) + 1;
  }
  rmSync(folder, { recursive: true });
  return calls;
}

async function until(done) {
  const end = Date.now() + 60_000;
  while (!done()) {
    if (Date.now() > end) throw new Error("lost");
    await new Promise(setImmediate);
  }
}

/** Each of `n` clients asks, and all have their answers before they ask again. */
const acknowledgements = (n) => ({
  what: `an acknowledgement, ${n} connections`,
  units: n,
  programs: SOCKET_IO,
  run: (rounds) => async (port) => {
    let got = 0;
    const sockets = await openMany(port, n, (_, t) => t[1] === 0x33 && got++);
    await sleep(50);
    const packet = frame(`420["message-with-ack","${text}"]`);
    for (let r = 1; r <= rounds; r++) {
      sockets.forEach((s) => s.write(packet));
      await until(() => got >= r * n);
    }
    return () => sockets.forEach((s) => s.destroy());
  },
});

const deliveries = (n) => ({
  what: `a delivery to ${n}`,
  units: n - 1,
  programs: SOCKET_IO,
  run: (rounds) => async (port) => {
    let got = 0;
    const sockets = await openMany(port, n, (_, t) => t.subarray(0, 20).includes("broadcast-m") && got++);
    await sleep(50);
    for (let r = 1; r <= rounds; r++) {
      sockets[0].write(frame(`42["broadcast","${text}"]`));
      await until(() => got >= r * (n - 1));
    }
    return () => sockets.forEach((s) => s.destroy());
  },
});

/** A WebSocket that was opened, and the bytes that come after its handshake. */
async function websocket(port, onBytes) {
  const socket = net.connect(port, "127.0.0.1").setNoDelay(true);
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
  const [head] = await once(socket, "data");
  if (!String(head).startsWith("HTTP/1.1 101")) throw new Error(String(head));
  return socket.on("data", onBytes);
}

const echoes = (n) => ({
  what: `an echo, ${n} connections`,
  units: n,
  programs: { "echo_server (drive on Tokio)": [example("echo_server"), ...listen] },
  run: (rounds) => async (port) => {
    const packet = frame(text);
    // A server masks nothing.
    const size = packet.length - 4;
    let got = 0;
    const sockets = await Promise.all(Array.from({ length: n }, () => websocket(port, (d) => (got += d.length))));
    for (let r = 1; r <= rounds; r++) {
      sockets.forEach((s) => s.write(packet));
      await until(() => got >= r * n * size);
    }
    return () => sockets.forEach((s) => s.destroy());
  },
});

const sum = (calls, names) => Object.entries(calls).reduce((all, [name, n]) => all + (names.test(name) ? n : 0), 0);
const COLUMNS = { reads: /^(read|recv)/, writes: /^(write|send)/, "looks and wake-ups": /^epoll_p?wait/, "epoll_ctl, futex": /^(epoll_ctl|futex)/, all: /./ };
console.log(`| system calls for | server | ${Object.keys(COLUMNS).join(" | ")} |\n|---|---|${"---|".repeat(Object.keys(COLUMNS).length)}`);
let failed = false;
for (const { what, units, programs, run } of [acknowledgements(1), acknowledgements(100), deliveries(100), echoes(1), echoes(100)]) {
  const divisor = Math.max(1, units / 10);
  const [few, more] = [ROUNDS, MORE].map((rounds) => Math.ceil(rounds / divisor));
  for (const [name, command] of Object.entries(programs)) {
    if (isCheck && name === "socketioxide") continue;
    let each;
    for (let tries = isCheck ? 3 : 1; tries > 0 && !(each?.(/./) <= MOST[what]); tries--) {
      const [one, two] = [await traced(command, run(few)), await traced(command, run(more))];
      each = (names) => (sum(two, names) - sum(one, names)) / ((more - few) * units);
    }
    console.log(`| ${what} | ${name} | ${Object.values(COLUMNS).map((names) => each(names).toFixed(2)).join(" | ")} |`);
    if (isCheck && each(/./) > MOST[what]) {
      console.error(`${name}: ${each(/./).toFixed(2)} calls for ${what}, more than ${MOST[what]}`);
      failed = true;
    }
  }
}
process.exit(failed ? 1 : 0);
