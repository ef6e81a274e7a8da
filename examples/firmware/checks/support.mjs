// What the checks stand on: groups that run side by side, boards in QEMU, a Socket.IO server on Node.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { appendFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { Modem } from "../modem.mjs";

const here = import.meta.dirname;
export const ROOT = path.join(here, "../../..");
export const require = createRequire(path.join(ROOT, "tests/interop/package.json"));
const { Server } = require("socket.io");

/** Where the programs of boards are: `built(target, program)`. */
export const built = (target, program) => path.join(process.env.BUILT ?? path.join(ROOT, "target/board"), target, "release", program);
/** Where the programs of this machine are. */
export const example = (name) => path.join(process.env.EXAMPLES ?? path.join(ROOT, "target/release/examples"), name);

/** The bytes of a program in flash, and those of its static memory, by the sections of its file. */
export function sizes(target, program) {
  const sections = execFileSync("llvm-size-22", ["-A", built(target, program)], { encoding: "utf8" });
  const bytes = (names) => [...sections.matchAll(/^(\.\S+) +(\d+)/gm)].reduce((all, [, name, size]) => all + (names.test(name) ? Number(size) : 0), 0);
  return { flash: bytes(/^\.(vector_table|text|rodata|data)/), memory: bytes(/^\.(data|bss|uninit)$/) };
}

/** Notes what a program needs, for the table that `.ci/boards` makes. */
export function noteNeeds(program, { flash, memory, stack }) {
  const lines = Object.entries({ flash, static: memory, stack }).map(([what, bytes]) => `${program}\t${what}\t${bytes}\n`);
  appendFileSync(process.env.NEEDS ?? path.join(ROOT, "target/board/needs.tsv"), lines.join(""));
}

/** The names in a program. */
export const symbols = (target, program) => execFileSync("llvm-nm-22", ["-C", built(target, program)], { encoding: "utf8" }).split("\n");

process.setMaxListeners(0);

const counts = { passed: 0, failed: 0 };
const groups = [];

/** A group of checks: `run(check)` calls `await check("what holds", async () => …)`. The groups run side by side. */
export function group(name, run) {
  groups.push({ name, run });
}

/** Runs the groups whose names contain `filter`. Returns whether all checks passed. */
export async function runAll(filter = "") {
  const chosen = groups.filter(({ name }) => name.includes(filter));
  await Promise.all(
    chosen.map(async ({ name, run }) => {
      const say = (what, error) => {
        counts[error ? "failed" : "passed"]++;
        console.log(`${error ? "FAILED" : "ok    "} ${name}: ${what}`);
        if (error) console.log(`       ${error.stack ?? error}`.replaceAll("\n", "\n       "));
      };
      try {
        await run(async (what, body) => {
          try {
            await body();
            say(what);
          } catch (error) {
            say(what, error);
          }
        });
      } catch (error) {
        say("the group", error);
      }
    }),
  );
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0;
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `check` gives something, and returns it. */
export async function until(check, what, ms = 15_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${typeof what === "function" ? what() : what}`);
    await sleep(10);
  }
}

const MACHINES = {
  arm: ["qemu-system-arm", "-M", "lm3s6965evb"],
  riscv: ["qemu-system-riscv32", "-M", "virt", "-bios", "none"],
};

/** A board in QEMU, with what it reports. */
export class Board {
  report = "";
  /** What the program has written to the standard output of semihosting: the frames of `defmt`, if it prints any. */
  frames = Buffer.alloc(0);
  #child;

  constructor(target, program, options) {
    const [qemu, ...machine] = MACHINES[target.startsWith("riscv") ? "riscv" : "arm"];
    const host = ["-nographic", "-monitor", "none", "-semihosting-config", "enable=on,target=native"];
    this.#child = spawn(qemu, [...machine, ...host, ...options, "-kernel", built(target, program)], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout.on("data", (bytes) => (this.frames = Buffer.concat([this.frames, bytes])));
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on("data", (text) => (this.report += text));
    process.once("exit", () => this.stop());
  }

  get pid() {
    return this.#child.pid;
  }

  get hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The lines that begin with `text`, or that a pattern fits. */
  lines(text) {
    return this.report.split("\n").filter((line) => (typeof text === "string" ? line.startsWith(text) : text.test(line)));
  }

  /** Waits until such a line has been reported `n` times. */
  says(text, n = 1, ms) {
    return until(() => this.lines(text).length >= n, () => `'${text}' ${n} times in:\n${this.report}`, ms);
  }

  stop() {
    this.#child.kill("SIGKILL");
  }
}

/** A board with a modem that dials `port`, which may be a function. */
export async function boardWithModem(target, program, port) {
  const modem = new Modem(() => {
    const to = typeof port === "function" ? port() : port;
    return to ? net.connect(to, "127.0.0.1") : null;
  });
  const line = await modem.listen();
  const board = new Board(target, program, ["-serial", `tcp:127.0.0.1:${line}`]);
  return { board, modem, stop: () => (board.stop(), modem.close()) };
}

/** A Socket.IO server on Node. It acknowledges the readings and remembers them. */
export async function serve({ port = 0, middleware, acknowledges = () => true, ...options } = {}) {
  const http = createServer();
  const io = new Server(http, { pingInterval: 25_000, pingTimeout: 20_000, ...options });
  const server = { io, readings: [], sockets: [], links: 0 };
  if (middleware) io.use(middleware);
  io.engine.on("connection", () => server.links++);
  io.on("connection", (socket) => {
    server.socket = socket;
    server.sockets.push(socket);
    socket.on("sendMessage", ({ name, message }, ack) => {
      server.readings.push({ name, number: Number(message), at: performance.now() });
      if (acknowledges(Number(message))) ack(true);
    });
  });
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  server.port = http.address().port;
  server.ask = (...question) => server.socket.timeout(30_000).emitWithAck(...question);
  server.stop = async () => {
    if (!http.listening) return;
    io.disconnectSockets(true);
    const closed = once(http, "close");
    io.close();
    http.closeAllConnections();
    await closed;
  };
  return server;
}

/** A server of raw bytes: `answer(request, socket)` is called with the head of each request. */
export async function serveRaw(answer) {
  const sockets = new Set();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    let head = "";
    let isAnswered = false;
    socket.on("error", () => {}).on("data", (bytes) => {
      head += bytes.toString("latin1");
      if (!isAnswered && head.includes("\r\n\r\n")) {
        isAnswered = true;
        answer(head, socket);
      }
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: listener.address().port,
    stop() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}

/** One of the examples, which says where it listens. */
export async function startExample(name, args = []) {
  const child = spawn(example(name), ["--listen", "127.0.0.1:0", ...args], { stdio: ["ignore", "pipe", "ignore"] });
  process.once("exit", () => child.kill("SIGKILL"));
  let text = "";
  child.stdout.on("data", (bytes) => (text += bytes));
  const port = Number(await until(() => /:(\d+)\//.exec(text)?.[1], `the address of ${name}`));
  return { port, stop: () => child.kill("SIGKILL") };
}
