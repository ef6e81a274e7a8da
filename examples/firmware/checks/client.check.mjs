// The program `client` on its boards, against Socket.IO on Node, servers of raw bytes, and our own examples.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { boardWithModem, built, group, noteNeeds, require, ROOT, serve, serveRaw, sizes, sleep, startExample, symbols, until } from "./support.mjs";

const { io: connect } = require("socket.io-client");

const M3 = "thumbv7m-none-eabi";

/** The boards, and the bytes that the program may need there: flash, static memory, stack. */
const BOARDS = {
  "Cortex-M3": { target: M3, flash: 36_000, memory: 1300, stack: 2000 },
  "Cortex-M0 code": { target: "thumbv6m-none-eabi", flash: 40_000, memory: 1300, stack: 2200 },
  "RISC-V": { target: "riscv32imc-unknown-none-elf", flash: 43_000, memory: 1300, stack: 2000 },
};

const sum = (...files) => files.reduce((total, file) => file.reduce((all, byte) => all + byte, total), 0);
const file = (length) => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + 3) % 256));

for (const [name, { target, ...budget }] of Object.entries(BOARDS)) {
  group(`client on ${name}`, async (check) => {
    const server = await serve();
    const { board, modem, stop } = await boardWithModem(target, "client", server.port);
    try {
      await check("connects, with its credentials, over a WebSocket", async () => {
        await board.says("connected");
        const { handshake, conn } = server.socket;
        assert.deepEqual([handshake.auth, conn.transport.name], [{ token: "board-7" }, "websocket"]);
      });
      await check("says a reading each second, none left out", async () => {
        await until(() => server.readings.length >= 4, "four readings");
        const [first, , , last] = server.readings;
        assert.deepEqual(server.readings.slice(0, 4).map((r) => [r.name, r.number]), [0, 1, 2, 3].map((i) => ["board", first.number + i]));
        assert.ok(last.at - first.at > 2000, `${last.at - first.at} ms for three seconds`);
      });
      await check("hears that its readings arrived", () => board.says(`reading ${server.readings[2].number} arrived`));
      await check("answers questions, each once and in order", async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => server.ask("question")));
        assert.equal(answers.length, 20);
        assert.ok(answers.every((answer) => answer >= 4), `${answers}`);
      });
      await check("takes files, in one message and in two", async () => {
        assert.equal(await server.ask("file", file(600)), sum(file(600)));
        assert.equal(await server.ask("files", { a: file(900) }, "and", file(1)), sum(file(900), file(1)));
      });
      await check("needs no more flash, memory and stack than it may", async () => {
        const needs = { ...sizes(target, "client"), stack: await server.ask("stack") };
        console.log(`       client on ${name}: ${needs.flash} bytes of flash, ${needs.memory} of static memory, ${needs.stack} of stack`);
        noteNeeds(`client on ${name}`, needs);
        for (const [what, most] of Object.entries(budget)) assert.ok(needs[what] > 0 && needs[what] <= most, `${what}: ${needs[what]} of ${most}`);
      });
      await check("has no allocator and nothing of core::fmt", () => {
        const names = symbols(target, "client");
        assert.ok(names.length > 20);
        assert.deepEqual(names.filter((symbol) => /alloc::|__rust_alloc|core::fmt|core::panicking/.test(symbol)), []);
      });
      await check("goes back when the server was restarted, and goes on with its readings", async () => {
        const last = server.readings.at(-1).number;
        await server.stop();
        await board.says("disconnected");
        await sleep(1500);
        const again = await serve({ port: server.port });
        try {
          await until(() => again.readings.length > 1, "readings after the restart", 30_000);
          assert.ok(again.readings[0].number > last);
          assert.ok((await again.ask("question")) >= again.readings[1].number);
        } finally {
          await again.stop();
        }
      });
      assert.ok(modem.calls >= 2 && !board.hasEnded);
    } finally {
      stop();
      await server.stop();
    }
  });
}

group("client, long", async (check) => {
  const server = await serve({ pingInterval: 300, pingTimeout: 20_000, acknowledges: (number) => number !== 3 });
  const { board, stop } = await boardWithModem(M3, "client", server.port);
  try {
    await board.says("connected");
    await check("a reading that nobody acknowledges is given up, and later ones are said", async () => {
      await board.says("reading 3 was not acknowledged", 1, 20_000);
      await until(() => server.readings.at(-1).number > 4, "later readings");
    });
    await check("keeps the connection over ten heartbeats", async () => {
      let pongs = 0;
      server.socket.conn.on("packet", ({ type }) => (pongs += type === "pong" ? 1 : 0));
      await until(() => pongs >= 10, () => `${pongs} pongs`, 20_000);
      assert.deepEqual([server.sockets.length, board.lines("closed").length], [1, 0]);
    });
    await check("a message of 16 KiB has no room in 1 KiB: it says the exact size, and the connection lives", async () => {
      const text = "x".repeat(16 * 1024);
      server.socket.emit("story", text);
      // As it is on the wire: the packet, without the header of the frame.
      const size = `42["story","${text}"]`.length;
      await board.says(`too large: ${size} bytes`);
      assert.ok((await server.ask("question")) > 4);
      assert.deepEqual([server.sockets.length, board.lines("closed").length], [1, 0]);
    });
    await check("the largest message that fits is taken, and one byte more is not", async () => {
      // The inbox has 1,024 bytes. 4 of them are the header of the frame.
      const question = (size) => "x".repeat(size - '4210["question",""]'.length);
      const fits = server.ask("question", question(1000));
      assert.ok((await fits) > 4);
      const before = board.lines("too large").length;
      server.socket.emit("story", "x".repeat(1025 - '42["story",""]'.length));
      await board.says("too large: 2048 bytes", 1);
      assert.equal(board.lines("too large").length, before + 1);
    });
    await check("the server takes it out of the room: it asks again, over the same connection", async () => {
      const { links } = server;
      server.socket.disconnect();
      await board.says("disconnected: io server disconnect");
      await until(() => server.sockets.length === 2, "the board again");
      assert.ok((await server.ask("question")) > 4);
      assert.equal(server.links, links);
    });
    await check("sleeps while nothing happens", async () => {
      const used = () => {
        const fields = readFileSync(`/proc/${board.pid}/stat`, "utf8").split(") ")[1].split(" ");
        return (Number(fields[11]) + Number(fields[12])) * 10;
      };
      const before = used();
      await sleep(3000);
      const ms = used() - before;
      assert.ok(ms < 900, `${ms} ms of the processor in 3 s`);
    });
  } finally {
    stop();
    await server.stop();
  }
});

group("client, defmt", async (check) => {
  const server = await serve({ middleware: (socket, next) => next(server.links > 1 ? new Error("no") : undefined) });
  const { board, modem, stop } = await boardWithModem(M3, "client-defmt", server.port);
  /** The lines so far, by the decoder of `defmt`, which knows the texts from the program. */
  const lines = () => {
    const print = path.join(ROOT, "target/tools/bin/defmt-print");
    const options = ["-e", built(M3, "client-defmt"), "--log-format", "{t} {L} {s}"];
    return execFileSync(print, options, { input: board.frames, encoding: "utf8" }).trim().split("\n");
  };
  const says = (text) => until(() => lines().some((line) => text.test(line)), () => `${text} in:\n${lines().join("\n")}`);
  try {
    await check("a line for the opening, for the end and its reason, and for what is refused, each with its time", async () => {
      // Frames stand in front of it, in what has come on both streams.
      await board.says(/connected$/);
      await says(/^\d+\.\d{3} INFO +the session is open$/);
      modem.cut();
      await says(/^\d+\.\d{3} INFO +the session has ended: TransportClose/);
      await says(/^\d+\.\d{3} INFO +the server refused namespace 0$/);
      const { flash } = sizes(M3, "client-defmt");
      console.log(`       client with defmt: ${flash} bytes of flash, ${flash - sizes(M3, "client").flash} more than without`);
    });
    await check("the program without the feature has nothing of it", () => {
      const names = (program) => symbols(M3, program).filter((symbol) => /defmt/.test(symbol)).length;
      assert.ok(names("client-defmt") > 10);
      assert.equal(names("client"), 0);
    });
  } finally {
    stop();
    await server.stop();
  }
});

group("client, refused", async (check) => {
  let knocks = 0;
  const server = await serve({ middleware: (_, next) => next(++knocks <= 2 ? new Error("not yet") : undefined) });
  const { board, stop } = await boardWithModem(M3, "client", server.port);
  try {
    await check("a refused namespace is told, and asked for again over the same connection", async () => {
      await board.says("refused", 2);
      await board.says("connected");
      assert.deepEqual([knocks, server.links], [3, 1]);
      await until(() => server.readings.length > 0, "a reading");
    });
  } finally {
    stop();
    await server.stop();
  }
});

group("client, cut", async (check) => {
  const server = await serve({ pingInterval: 300, pingTimeout: 1200 });
  let isReachable = true;
  const { board, modem, stop } = await boardWithModem(M3, "client", () => isReachable && server.port);
  const again = async (n) => {
    await board.says("connected", n, 30_000);
    await until(() => server.socket?.connected && server.sockets.length >= n, "the server's side");
  };
  try {
    await again(1);
    await check("a line that is cut in the middle of a frame to the board", async () => {
      modem.toBoard = (bytes) => {
        modem.toBoard = (same) => same;
        setImmediate(() => modem.cut());
        return bytes.subarray(0, bytes.length >> 1);
      };
      server.socket.emit("story", "x".repeat(400));
      await again(2);
      assert.equal(await server.ask("file", file(300)), sum(file(300)), "nothing of the half frame is left");
    });
    await check("a line that is cut in the middle of a frame from the board", async () => {
      modem.toServer = (bytes) => {
        modem.toServer = (same) => same;
        setImmediate(() => modem.cut());
        return bytes.subarray(0, bytes.length >> 1);
      };
      await again(3);
      assert.ok((await server.ask("question")) > 0);
    });
    await check("a line that is silent: the missing heartbeat is noticed, and the board dials anew", async () => {
      const { calls } = modem;
      modem.toBoard = () => Buffer.alloc(0);
      await board.says("closed: ping timeout", 1, 20_000);
      modem.toBoard = (bytes) => bytes;
      await again(4);
      assert.ok(modem.calls > calls);
    });
    await check("no carrier: it dials again and again, and waits longer each time", async () => {
      const times = [];
      modem.on("dial", () => times.push(performance.now()));
      isReachable = false;
      modem.cut();
      await until(() => times.length >= 4, "four calls", 30_000);
      isReachable = true;
      const [first, second, third] = [1, 2, 3].map((i) => times[i] - times[i - 1]);
      assert.ok(third > first && second > 400, `${[first, second, third].map(Math.round)}`);
      await again(5);
    });
    await check("fifty connections later the stack is no deeper than after five", async () => {
      const before = await server.ask("stack");
      for (let i = 0; i < 50; i++) {
        modem.cut();
        await again(6 + i);
      }
      assert.equal(await server.ask("stack"), before);
      assert.ok(before > 500 && before < 2048, `${before} bytes`);
    });
  } finally {
    stop();
    await server.stop();
  }
});

const accept = (head) => createHash("sha1").update(`${/Sec-WebSocket-Key: (.*)\r/i.exec(head)[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
const upgrade = (head, key = accept(head)) => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`;
const text = (bytes) => Buffer.concat([Buffer.of(0x81, bytes.length), Buffer.from(bytes)]);
const OPEN = text('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}');

/** What a server may send that is not right, and what the board then says. */
const GARBAGE = {
  "noise": [() => Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 31 + 7) % 256)), "closed"],
  "an answer of HTTP that refuses": [() => "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "closed"],
  "a head without end": [() => `HTTP/1.1 101 Switching Protocols\r\nX: ${"x".repeat(3000)}`, "too large: 2048 bytes"],
  "the accept key of another": [(head) => upgrade(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "closed"],
  "another first packet": [(head) => Buffer.concat([Buffer.from(upgrade(head)), text("hello")]), "closed"],
  "a masked frame": [(head) => Buffer.concat([Buffer.from(upgrade(head)), OPEN, Buffer.of(0x81, 0x81, 0, 0, 0, 0, 0x32)]), "closed"],
  "reserved bits": [(head) => Buffer.concat([Buffer.from(upgrade(head)), OPEN, Buffer.of(0xf1, 1, 0x32)]), "closed"],
  "text that is not UTF-8": [(head) => Buffer.concat([Buffer.from(upgrade(head)), OPEN, Buffer.of(0x81, 3, 0x34, 0x32, 0xff)]), "closed"],
  "an event without JSON": [(head) => Buffer.concat([Buffer.from(upgrade(head)), OPEN, text('42["a"')]), "closed: parse error"],
};

group("client, garbage", async (check) => {
  const server = await serve();
  let answer;
  const raw = await serveRaw((head, socket) => socket.write(answer(head)));
  let port = server.port;
  const { board, modem, stop } = await boardWithModem(M3, "client", () => port);
  try {
    await board.says("connected");
    for (const [what, [garbage, says]] of Object.entries(GARBAGE)) {
      await check(`${what}: the call is ended, and the next server is served`, async () => {
        const [connected, said, { calls }] = [board.lines("connected").length, board.lines(says).length, modem];
        [answer, port] = [garbage, raw.port];
        modem.cut();
        // The cut itself ends a connection; what is looked for comes behind it.
        await until(() => modem.calls === calls + 1, "a call to the raw server");
        const cuts = says === "closed" ? 2 : 1;
        await board.says(says, said + cuts, 20_000);
        port = server.port;
        await board.says("connected", connected + 1, 20_000);
        assert.ok((await server.ask("question")) > 0);
      });
    }
  } finally {
    stop();
    raw.stop();
    await server.stop();
  }
});

group("client, our own servers", async (check) => {
  const chat = await startExample("chat");
  const { board, stop } = await boardWithModem(M3, "client", chat.port);
  const guest = connect(`http://127.0.0.1:${chat.port}`);
  const heard = [];
  guest.on("newMessage", (said) => heard.push(said));
  try {
    await check("the example `chat`: a guest reads the readings, and the board hears that they arrived", async () => {
      await board.says("connected");
      await until(() => heard.filter(({ name }) => name === "board").length >= 2, "the readings");
      await board.says(`reading ${heard.find(({ name }) => name === "board").message} arrived`);
    });
    await check("the history of `chat` outgrows the board's memory, and it goes on", async () => {
      for (let i = 0; i < 3; i++) await guest.timeout(5000).emitWithAck("sendMessage", { name: "guest", message: "x".repeat(500) });
      const newcomer = connect(`http://127.0.0.1:${chat.port}`, { forceNew: true });
      await board.says("too large: ");
      newcomer.close();
      const { length } = heard;
      await until(() => heard.length > length + 1, "later readings");
      assert.equal(board.lines("closed").length, 0);
    });
  } finally {
    stop();
    guest.close();
    chat.stop();
  }
  const own = await startExample("server");
  const second = await boardWithModem(M3, "client", own.port);
  try {
    await check("the example `server`: it connects, and what nobody acknowledges is told", async () => {
      await second.board.says("connected");
      await second.board.says(/was not acknowledged/, 1, 20_000);
    });
  } finally {
    second.stop();
    own.stop();
  }
});
