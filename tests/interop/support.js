// The program under test, and a raw peer that sends bytes of our choice.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { randomBytes } from "node:crypto";

process.setMaxListeners(0);

export const example = (name) => path.join(import.meta.dirname, "../../target/release/examples", name);
export const CHAT = process.env.CHAT ?? example("chat");
export const SERVER = process.env.SERVER ?? example("server");

/** Starts the chat on a free port; `stop` ends it by its pid. */
export const startChat = (options) => start(CHAT, options);
/** Starts the server likewise. */
export const startServer = (options) => start(SERVER, options);

/** Starts a program of `examples` likewise, which says `ws://…`. */
export const startExample = (name, options) => start(example(name), options);

export async function start(program, { args = [], listen = "127.0.0.1:0", env } = {}) {
  const [command, ...first] = [program].flat();
  const child = spawn(command, [...first, ...(listen ? ["--listen", listen, ...args] : args)], { stdio: ["ignore", "pipe", "pipe"], env: env ?? process.env });
  // A test that fails leaves it running; `--test-force-exit` ends the tests then, and this ends it.
  process.once("exit", () => child.kill("SIGKILL"));
  let log = "";
  child.stderr.on("data", (d) => (log += d));
  let line = "";
  for await (const chunk of child.stdout) {
    line += chunk;
    if (line.includes("\n")) break;
  }
  const port = Number(/(?:http|ws):\/\/[^ ]*:(\d+)\//.exec(line)?.[1]);
  if (!port) throw new Error(`no address in: ${line} ${log}`);
  return {
    child,
    port,
    url: `http://127.0.0.1:${port}`,
    log: () => log,
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode) return child.exitCode;
      child.kill(signal);
      const [code] = await once(child, "exit");
      return code;
    },
  };
}

/** nginx in front of a port, as its manual says for WebSockets. */
export async function startNginx(to) {
  const folder = mkdtempSync(path.join(tmpdir(), "nginx-"));
  const free = net.createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address();
  free.close();
  await once(free, "close");
  writeFileSync(path.join(folder, "nginx.conf"), `
    daemon off; pid ${folder}/pid; error_log ${folder}/error; worker_processes 1;
    events { worker_connections 256; }
    http {
      access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      server { listen 127.0.0.1:${port}; location / {
        proxy_pass http://127.0.0.1:${to}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_set_header Host $host;
      } }
    }`);
  const child = spawn("/usr/sbin/nginx", ["-c", path.join(folder, "nginx.conf"), "-p", folder], { stdio: "ignore" });
  process.once("exit", () => child.kill("SIGKILL"));
  const knock = () => new Promise((done) => net.connect(port, "127.0.0.1").on("connect", function () { this.end(); done(true); }).on("error", () => done(false)));
  await until(knock, "nginx", 10_000);
  return { port, async stop() { child.kill("SIGTERM"); await once(child, "exit"); rmSync(folder, { recursive: true }); } };
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(check, what = "it", ms = 5000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${typeof what === "function" ? what() : what}`);
    await sleep(10);
  }
}

export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

export function request(lines = {}, { method = "GET", version = "1.1", query = "EIO=4&transport=websocket" } = {}) {
  const fields = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "keep-alive, Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    ...lines,
  };
  const text = Object.entries(fields)
    .flatMap(([name, value]) => [value].flat().filter((v) => v !== undefined).map((v) => `${name}: ${v}\r\n`))
    .join("");
  return `${method} /socket.io/?${query} HTTP/${version}\r\n${text}\r\n`;
}

/** A masked frame. */
export function frame(payload, { opcode = 1, fin = true, rsv = 0, masked = true, length } = {}) {
  const body = Buffer.from(payload);
  const size = length ?? BigInt(body.length);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const bit = masked ? 0x80 : 0;
  if (size < 126n) head.push(bit | Number(size));
  else if (size < 65536n) head.push(bit | 126, Number(size >> 8n), Number(size & 255n));
  else {
    head.push(bit | 127);
    for (let i = 7n; i >= 0n; i--) head.push(Number((size >> (8n * i)) & 255n));
  }
  if (!masked) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  return Buffer.concat([Buffer.from(head), key, body.map((b, i) => b ^ key[i % 4])]);
}

/** A raw connection. `received` is all that came, `ended` whether the server closed. */
export class Raw {
  #whole = Buffer.alloc(0);
  #since = [];
  #frames = [];
  #parsed = 0;
  ended = false;

  static async connect(port) {
    const raw = new Raw();
    raw.socket = net.connect(port, "127.0.0.1");
    raw.socket.on("data", (d) => raw.#since.push(d));
    raw.socket.on("error", () => (raw.ended = true));
    raw.socket.on("close", () => (raw.ended = true));
    raw.socket.on("end", () => (raw.ended = true));
    await once(raw.socket, "connect");
    raw.socket.setNoDelay(true);
    return raw;
  }

  /** An open WebSocket, joined to the namespace unless told otherwise. */
  static async open(port, { join = true } = {}) {
    const raw = await Raw.connect(port);
    raw.send(request());
    await until(() => raw.text().includes("\r\n\r\n"), "101");
    if (!raw.text().startsWith("HTTP/1.1 101")) throw new Error(raw.text());
    await until(() => raw.texts().length > 0, "open packet");
    if (join) {
      raw.send(frame("40"));
      await until(() => raw.texts().some((t) => t.startsWith("40")) || raw.ended, "40");
      if (raw.ended) throw new Error(`ended instead of 40 (own port ${raw.socket.localPort}): ${raw.texts()}`);
    }
    return raw;
  }

  send(bytes) {
    this.socket.write(bytes);
  }

  get received() {
    if (this.#since.length > 0) this.#whole = Buffer.concat([this.#whole, ...this.#since.splice(0)]);
    return this.#whole;
  }

  text() {
    return this.received.toString("latin1");
  }

  status() {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.text())?.[1]);
  }

  /** The frames behind the head. Each is parsed once, however often this is called. */
  frames() {
    const received = this.received;
    if (this.#parsed === 0) this.#parsed = received.indexOf("\r\n\r\n") + 4;
    if (this.#parsed < 4) this.#parsed = 0;
    let rest = received.subarray(this.#parsed);
    while (this.#parsed > 0 && rest.length >= 2) {
      let size = rest[1] & 127;
      let from = 2;
      if (size === 126) {
        if (rest.length < 4) break;
        size = rest.readUInt16BE(2);
        from = 4;
      } else if (size === 127) {
        if (rest.length < 10) break;
        size = Number(rest.readBigUInt64BE(2));
        from = 10;
      }
      if (rest.length < from + size) break;
      this.#frames.push({ opcode: rest[0] & 15, masked: rest[1] > 127, payload: rest.subarray(from, from + size) });
      rest = rest.subarray(from + size);
      this.#parsed += from + size;
    }
    return this.#frames;
  }

  texts() {
    return this.frames().filter((f) => f.opcode === 1).map((f) => f.payload.toString());
  }

  events() {
    return this.texts().filter((t) => t.startsWith("42")).map((t) => JSON.parse(t.slice(2)));
  }

  /** The server's close code, 1005 for none in its frame. */
  closeCode() {
    const close = this.frames().find((f) => f.opcode === 8);
    return close && (close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005);
  }

  async end(ms = 5000) {
    await until(() => this.ended, "end of the connection", ms);
  }

  destroy() {
    this.socket.destroy();
  }
}

/** A session that moves to a WebSocket whose client is gone before it is told so. */
export async function moveAndGo(server) {
  const open = await (await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`)).text();
  const raw = await Raw.connect(server.port);
  raw.send(request({}, { query: `EIO=4&transport=websocket&sid=${JSON.parse(open.slice(1)).sid}` }));
  await until(() => raw.status() === 101, "101");
  server.child.kill("SIGSTOP");
  await sleep(100);
  raw.send(Buffer.concat([frame("2probe"), frame("5")]));
  await sleep(100);
  raw.socket.resetAndDestroy();
  await sleep(100);
  server.child.kill("SIGCONT");
}
