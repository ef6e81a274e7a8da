// The modem at the serial line of a board: it makes TCP connections for it. `board/src/modem.rs` says what goes over the line.
//   node modem.mjs [PORT-OF-THE-SERVER] [PORT-OF-THE-LINE]      3000 and 4000 if not given; both on this machine
// Start it first, then the board: QEMU connects to it. As a module it is what the checks cut and disturb.
import { EventEmitter } from "node:events";
import { once } from "node:events";
import net from "node:net";

const LARGEST = 255;

/** Emits "dial", "connected", "ended". */
export class Modem extends EventEmitter {
  /** The calls so far, and the connection of the call. */
  calls = 0;
  call = null;
  /** What goes to the board, and what comes from it: functions from bytes to bytes. */
  toBoard = (bytes) => bytes;
  toServer = (bytes) => bytes;
  #dial;
  #line = null;
  #number = 0;
  #held = Buffer.alloc(0);
  #listener;

  /** `dial` opens a connection to the server: a socket that connects, or `null` if there is no carrier. */
  constructor(dial) {
    super();
    this.#dial = dial;
  }

  /** Waits for the board on a port of this machine. Returns the port. */
  async listen(port = 0) {
    this.#listener = net.createServer((line) => this.#plug(line)).listen(port, "127.0.0.1");
    await once(this.#listener, "listening");
    return this.#listener.address().port;
  }

  /** Ends the call, as a network does that fails. */
  cut() {
    this.call?.destroy();
  }

  close() {
    this.cut();
    this.#line?.destroy();
    this.#listener.close();
  }

  #plug(line) {
    this.#line = line.setNoDelay(true);
    this.#held = Buffer.alloc(0);
    line.on("data", (bytes) => this.#hear(bytes)).on("error", () => {}).on("close", () => this.cut());
  }

  #hear(bytes) {
    this.#held = Buffer.concat([this.#held, bytes]);
    for (;;) {
      const [first] = this.#held;
      const length = first > 0 ? 1 + first : 3;
      if (first === undefined || this.#held.length < length) return;
      const packet = this.#held.subarray(0, length);
      this.#held = this.#held.subarray(length);
      if (first > 0) {
        const data = this.toServer(Buffer.from(packet.subarray(1)));
        if (data.length > 0 && this.call?.writable) this.call.write(data);
      } else if (packet[1] === 0x44) {
        this.#begin(packet[2]);
      } else {
        this.#hangUp();
      }
    }
  }

  #begin(number) {
    this.#hangUp();
    this.calls++;
    this.#number = number;
    this.emit("dial");
    const call = this.#dial();
    if (!call) return this.#control("N");
    this.call = call.setNoDelay(true);
    call.on("error", () => {});
    call.on("connect", () => {
      if (this.call !== call) return;
      this.#control("C");
      this.emit("connected");
    });
    call.on("data", (bytes) => {
      if (this.call !== call) return;
      const data = this.toBoard(bytes);
      for (let at = 0; at < data.length; at += LARGEST) {
        const piece = data.subarray(at, at + LARGEST);
        this.#line.write(Buffer.concat([Buffer.of(piece.length), piece]));
      }
    });
    call.on("end", () => call.end());
    call.on("close", () => {
      if (this.call !== call) return;
      this.call = null;
      this.#control("N");
      this.emit("ended");
    });
  }

  #hangUp() {
    const { call } = this;
    this.call = null;
    call?.end();
    // Who does not answer the end is left.
    if (call) setTimeout(() => call.destroy(), 1000).unref();
  }

  #control(letter) {
    if (this.#line.writable) this.#line.write(Buffer.of(0, letter.charCodeAt(0), this.#number));
  }
}

if (process.argv[1] === import.meta.filename) {
  const [server = "3000", line = "4000"] = process.argv.slice(2);
  const modem = new Modem(() => net.connect(Number(server), "127.0.0.1"));
  for (const event of ["dial", "connected", "ended"]) modem.on(event, () => console.log(`modem: ${event}`));
  console.log(`modem: the board's line is port ${await modem.listen(Number(line))}, the server is port ${server}`);
}
