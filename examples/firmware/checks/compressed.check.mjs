// The program `compressed` on a Cortex-M3, against the package `ws` on Node.
import assert from "node:assert/strict";
import { once } from "node:events";
import { boardWithModem, group, noteNeeds, require, sizes, symbols, until } from "./support.mjs";

const { WebSocketServer } = require("ws");

const M3 = "thumbv7m-none-eabi";
const BUDGET = { flash: 29_000, memory: 5400, stack: 4800 };

/** The same numbers for the same seed. */
function random(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % below;
  };
}

/** Texts and bytes of all kinds: short and long, with repetitions near and far, and noise. */
function* messages(count, seed, most) {
  const below = random(seed);
  for (let i = 0; i < count; i++) {
    const length = Math.min(most, [0, 1, 63, 64, below(300), below(900), 1000][below(7)]);
    if (below(3) === 0) {
      yield Buffer.from(Array.from({ length: Math.min(length, 500) }, () => below(below(2) ? 4 : 256)));
    } else {
      const words = ["temperature", "{\"value\":", "21.5", "},", "漢字", "é", "aaaaaaaaaaaa", `${i}`];
      let text = "";
      while (Buffer.byteLength(text) < length) text += words[below(words.length)];
      yield text;
    }
  }
}

/** A server that keeps the readings, and asks. */
async function serve(perMessageDeflate, more = {}) {
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate, ...more });
  await once(wss, "listening");
  const server = { wss, port: wss.address().port, readings: [], closes: [], links: 0 };
  wss.on("connection", (socket, request) => {
    server.socket = socket;
    server.links++;
    server.offer = request.headers["sec-websocket-extensions"];
    const waiting = [];
    socket.on("message", (data, isBinary) => {
      if (!isBinary && data.toString().startsWith('{"reading":')) return server.readings.push(data.toString());
      waiting.shift()?.(isBinary ? data : data.toString());
    });
    socket.on("close", (code) => server.closes.push(code)).on("error", () => {});
    socket.ask = async (message) => {
      let answer;
      waiting.push((data) => (answer = { data }));
      socket.send(message);
      return (await until(() => answer, () => `an answer to ${message.length} bytes`)).data;
    };
  });
  server.stop = () => (server.socket?.terminate(), wss.close());
  return server;
}

const terms = ({ _extensions }) => _extensions["permessage-deflate"]?.params;

/** All messages come back as they are. 1,000 bytes are the most that the board can unpack; of what is not compressed it takes half of that. */
async function echoes(server, count, seed, most = 1000) {
  for (const message of messages(count, seed, most)) assert.deepEqual(await server.socket.ask(message), message);
}

const TAKEOVERS = {
  "the window is kept in both directions": {},
  "each message of the server for itself": { serverNoContextTakeover: true },
  "each message of the board for itself": { clientNoContextTakeover: true },
  "a server that unpacks with a window of 256 bytes": { clientMaxWindowBits: 8 },
};

for (const [what, options] of Object.entries(TAKEOVERS)) {
  group(`compressed, ${what}`, async (check) => {
    const server = await serve({ threshold: 0, ...options });
    const { board, stop } = await boardWithModem(M3, "compressed", server.port);
    try {
      await check("the server and the board agree, and understand each other", async () => {
        await board.says("connected, compressed");
        assert.equal(server.offer, "permessage-deflate; server_max_window_bits=9; client_max_window_bits");
        const agreed = terms(server.socket);
        assert.equal(agreed.server_max_window_bits, 9);
        assert.equal(agreed.client_max_window_bits ?? 15, options.clientMaxWindowBits ?? 15);
        await echoes(server, 120, 7);
        assert.deepEqual([server.links, server.closes], [1, []]);
      });
    } finally {
      stop();
      server.stop();
    }
  });
}

group("compressed, what it needs", async (check) => {
  const server = await serve({ threshold: 0 });
  const { board, modem, stop } = await boardWithModem(M3, "compressed", server.port);
  const firsts = [];
  modem.toServer = (bytes) => (firsts.push(bytes), bytes);
  try {
    await check("its readings are a fifth of their text on the wire, since each is like the one before", async () => {
      await board.says("connected, compressed");
      await until(() => server.readings.length >= 5, "five readings");
      const frames = firsts.slice(-3);
      assert.ok(frames.every((frame) => frame[0] === 0xc1 && frame.length < 38), `${frames.map((f) => f.length)} bytes`);
      const [reading] = server.readings.slice(-1);
      assert.deepEqual(JSON.parse(reading).sensors.map(({ name }) => name), ["temperature", "humidity", "pressure", "voltage"]);
      assert.ok(reading.length > 145);
    });
    await check("needs no more flash, memory and stack than it may, after messages of all kinds", async () => {
      await echoes(server, 60, 11);
      const needs = { ...sizes(M3, "compressed"), stack: Number(await server.socket.ask("stack")) };
      console.log(`       compressed: ${needs.flash} bytes of flash, ${needs.memory} of static memory, ${needs.stack} of stack`);
      noteNeeds("compressed", needs);
      for (const [kind, most] of Object.entries(BUDGET)) assert.ok(needs[kind] > 0 && needs[kind] <= most, `${kind}: ${needs[kind]} of ${most}`);
    });
    await check("has no allocator and nothing of core::fmt; and what does not compress links nothing of it", () => {
      const names = symbols(M3, "compressed");
      assert.deepEqual(names.filter((symbol) => /alloc::|__rust_alloc|core::fmt|core::panicking/.test(symbol)), []);
      assert.ok(names.some((symbol) => /flate/.test(symbol)));
      assert.deepEqual(symbols(M3, "client").filter((symbol) => /flate/.test(symbol)), []);
    });
  } finally {
    stop();
    server.stop();
  }
});

group("compressed, disturbed", async (check) => {
  const server = await serve({ threshold: 0 });
  const { board, modem, stop } = await boardWithModem(M3, "compressed", server.port);
  try {
    await board.says("connected, compressed");
    await check("16 KiB from 60 bytes have no room: it says so, leaves the message out, and understands the next ones", async () => {
      server.socket.send("x".repeat(16 * 1024));
      await board.says("too large: 1537 bytes");
      await echoes(server, 20, 3);
      assert.deepEqual([server.links, server.closes], [1, []]);
    });
    await check("a bomb of 20 MB ends the connection with the code 1009, and the board calls again", async () => {
      server.socket.send(Buffer.alloc(20_000_000));
      await until(() => server.closes.length > 0, "the end", 30_000);
      assert.deepEqual(server.closes, [1009]);
      await board.says("connected, compressed", 2);
      await echoes(server, 20, 5);
    });
    await check("behind a line that was cut both windows are empty again", async () => {
      modem.cut();
      await board.says("connected, compressed", 3);
      await echoes(server, 20, 9);
    });
  } finally {
    stop();
    server.stop();
  }
  const plain = await serve(false);
  const second = await boardWithModem(M3, "compressed", plain.port);
  try {
    await check("a server that does not compress is spoken to without", async () => {
      await second.board.says("connected, plain");
      await echoes(plain, 20, 13, 480);
      assert.equal(terms(plain.socket), undefined);
    });
  } finally {
    second.stop();
    plain.stop();
  }
});
