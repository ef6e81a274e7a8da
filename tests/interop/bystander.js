// A client in a thread of its own that measures its round trips, one after the other.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { frame, request } from "./support.js";

/** A masked text frame whose key is zero, which is legal and cheap to make by the hundred thousand. */
export function text(payload) {
  const body = Buffer.from(payload);
  const size = body.length;
  const head = size < 126 ? [0x81, 0x80 | size] : size < 65536 ? [0x81, 0xfe, size >> 8, size & 255] : undefined;
  return head ? Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), body]) : frame(body);
}

/** A raw client in the main namespace; `onText` sees each packet, and heartbeats are answered. */
export class Client {
  onText = () => {};
  isOver = false;
  #rest = Buffer.alloc(0);
  #isOpen = false;
  #opened;

  /** `undefined` when the server refuses one more. */
  static async open(port) {
    const client = new Client();
    client.socket = net.connect(port, "127.0.0.1");
    client.socket.setNoDelay(true);
    const opened = new Promise((done) => (client.#opened = done));
    client.over = new Promise((done) => client.socket.on("error", () => {}).on("close", () => done((client.isOver = true))));
    client.socket.on("data", (d) => client.#read(d));
    client.socket.write(request());
    await Promise.race([opened, client.over]);
    return client.isOver ? undefined : client;
  }

  #read(data) {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, data]) : data;
    if (!this.#isOpen) {
      const at = this.#rest.indexOf("\r\n\r\n");
      if (at < 0) return;
      this.#isOpen = true;
      this.#rest = this.#rest.subarray(at + 4);
      this.send(text("40"));
    }
    let at = 0;
    for (const all = this.#rest; all.length - at >= 2; ) {
      let [from, size] = [at + 2, all[at + 1] & 127];
      if (size >= 126) {
        const long = size === 126 ? 2 : 6;
        if (size === 127) from += 2;
        if (all.length < from + long) break;
        size = all.readUIntBE(from, long);
        from += long;
      }
      if (all.length < from + size) break;
      if ((all[at] & 15) === 1) this.#packet(all.toString("latin1", from, from + size));
      at = from + size;
    }
    this.#rest = this.#rest.subarray(at);
  }

  #packet(packet) {
    if (packet === "2") this.send(text("3"));
    else if (packet.startsWith("40")) this.#opened();
    else this.onText(packet);
  }

  /** Sends, and waits while the socket takes no more. */
  async send(bytes) {
    if (!this.isOver && !this.socket.write(bytes)) await Promise.race([once(this.socket, "drain"), this.over]);
  }

  /** Sends `bytes` and a question behind them; all that came until its answer, or until the end of the connection. */
  async exchange(bytes, onText = () => {}) {
    const answered = new Promise((done) => (this.onText = (packet) => (packet === '43999999999["behind"]' ? done() : onText(packet))));
    await this.send(bytes);
    await this.send(text('42999999999["message-with-ack","behind"]'));
    await Promise.race([answered, this.over]);
  }

  destroy() {
    this.socket.destroy();
  }
}

/** The bystander, from outside its thread. */
export class Bystander {
  static async start({ port, child }) {
    const bystander = new Bystander();
    bystander.worker = new Worker(new URL(import.meta.url), { workerData: { port, pid: child.pid } });
    await once(bystander.worker, "message");
    return bystander;
  }

  /**
   * Its waits while `work` goes on, in milliseconds: by the clock, and `busy`, the longest time that the server computed during one wait. A busy machine
   * lengthens the first, not the second. The kernel updates that time at each tick, so it is exact to some milliseconds.
   */
  async during(work) {
    this.worker.postMessage("begin");
    await once(this.worker, "message");
    await work();
    // A wait that has begun is a part of it.
    this.worker.postMessage("end");
    const [waits] = await once(this.worker, "message");
    const clock = waits.map(({ clock }) => clock).sort((a, b) => a - b);
    const at = (share) => clock[Math.min(clock.length - 1, Math.floor(share * clock.length))];
    return { p50: at(0.5), p99: at(0.99), most: clock.at(-1), busy: Math.max(...waits.map(({ busy }) => busy)) };
  }

  async stop() {
    await this.worker.terminate();
  }
}

if (!isMainThread && workerData?.port) {
  const client = await Client.open(workerData.port);
  const question = text('421["message-with-ack","bystander"]');
  // The server has one thread.
  const computed = () => Number(readFileSync(`/proc/${workerData.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  let waits = [];
  let command;
  parentPort.on("message", (name) => (command = name));
  parentPort.postMessage("open");
  for (;;) {
    const answered = new Promise((done) => (client.onText = (packet) => packet === '431["bystander"]' && done()));
    const [start, before] = [performance.now(), computed()];
    client.send(question);
    await Promise.race([answered, client.over]);
    if (client.isOver) throw new Error("the bystander lost its connection");
    waits.push({ clock: performance.now() - start, busy: computed() - before });
    await pause(1);
    if (command === "begin") waits = [];
    if (command) parentPort.postMessage(waits);
    command = undefined;
  }
}
