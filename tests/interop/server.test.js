// Stock clients against the server, on every transport.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { io as io48, Manager as Manager48 } from "socket.io-client";
import { io as io41, Manager as Manager41 } from "socket.io-client-4-1";
import { frame, Raw, SERVER, sleep, startNginx, startServer, until } from "./support.js";
import { BINARIES, VALUES } from "./values.js";

const bytes = (...list) => Buffer.from(list);

const ALL = [["websocket"], ["polling"], ["polling", "websocket"]];
const clients = [["4.8.4", io48, Manager48, ALL], ["4.1.3", io41, Manager41, ALL]];
for (const minor of [2, 3, 4, 5, 6, 7]) {
  const { io, Manager } = await import(`socket.io-client-4-${minor}`);
  clients.push([`4.${minor}`, io, Manager, [["polling", "websocket"]]]);
}
for (const [version, io, Manager, transports] of clients.flatMap(([v, io, M, all]) => all.map((t) => [v, io, M, t]))) {
  describe(`socket.io-client ${version}, ${transports.join(" then ")}`, { timeout: 120000 }, () => {
    let server;
    const sockets = [];
    const plain = { transports, reconnection: false };
    const connect = (namespace = "", options = {}) => watch(io(server.url + namespace, { ...plain, forceNew: true, ...options }));
    /** Two namespaces on one link. */
    const both = async (second) => {
      const manager = new Manager(server.url, plain);
      const [a, b] = [watch(manager.socket("/")), watch(manager.socket(second))];
      [a, b].forEach((s) => s.connect());
      await until(() => a.connected, "connected");
      return [a, b];
    };
    const watch = (socket) => {
      socket.heard = [];
      socket.onAny((...args) => socket.heard.push(args));
      socket.of = (name) => socket.heard.filter(([n]) => n === name).map(([, ...args]) => args);
      socket.next = (name, count = 1) => until(() => socket.of(name).length >= count && socket.of(name)[count - 1], name);
      socket.ended = new Promise((done) => socket.on("disconnect", done));
      socket.refused = new Promise((done) => socket.on("connect_error", done));
      sockets.push(socket);
      return socket;
    };
    const open = async (namespace, options) => {
      const socket = connect(namespace, options);
      await until(() => socket.connected, "connected");
      return socket;
    };
    const ask = (socket, ...args) => new Promise((done) => socket.emit(...args, (...answer) => done(answer)));

    before(async () => (server = await startServer({ args: ["--log", "debug"] })));
    after(async () => {
      sockets.forEach((s) => s.disconnect());
      assert.equal(await server.stop(), 0, server.log());
    });

    // 1 to 14: every type of JSON comes back as it went, as an event and as an acknowledgement.
    for (const [name, args] of Object.entries(VALUES)) {
      test(`${name}: back and acknowledged`, async () => {
        const s = await open();
        s.emit("message", ...args);
        assert.deepEqual(await s.next("message-back"), args);
        assert.deepEqual(await ask(s, "message-with-ack", ...args), args);
        s.disconnect();
      });
    }

    // 15 to 20: binary.
    for (const [name, args] of Object.entries(BINARIES)) {
      test(`binary, ${name}: back and acknowledged`, async () => {
        const s = await open();
        s.emit("message", ...args);
        assert.deepEqual(await s.next("message-back"), args);
        assert.deepEqual(await ask(s, "message-with-ack", ...args), args);
        s.disconnect();
      });
    }

    test("21: eleven attachments end the connection", async () => {
      const s = await open();
      s.emit("message", ...Array.from({ length: 11 }, () => bytes(1)));
      await s.ended;
    });

    test("22: auth is told, and is {} without one", async () => {
      const s = await open("", { auth: { token: "123", list: [1] } });
      assert.deepEqual(await s.next("auth"), [{ token: "123", list: [1] }]);
      const t = await open();
      assert.deepEqual(await t.next("auth"), [{}]);
      [s, t].forEach((x) => x.disconnect());
    });

    test("23: an acknowledgement that the server asks for, text and binary", async () => {
      const s = await open();
      s.on("please-ack", (value, answer) => answer(value, "and", { more: bytes(7) }));
      s.emit("ask-ack", { a: 1 });
      assert.deepEqual(await s.next("ack-was"), [{ a: 1 }, "and", { more: bytes(7) }]);
      s.emit("ask-ack", bytes(1, 2));
      assert.deepEqual(await s.next("ack-was", 2), [bytes(1, 2), "and", { more: bytes(7) }]);
      s.disconnect();
    });

    test("24: 100 acknowledgements in flight in both directions, answered out of order", async () => {
      const s = await open();
      const waiting = [];
      s.on("please-ack", (value, answer) => {
        waiting.push([value, answer]);
        if (waiting.length === 100) for (const [v, a] of waiting.reverse()) a(v);
      });
      for (let i = 0; i < 100; i++) s.emit("ask-ack", i);
      const own = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(s, "message-with-ack", i)));
      assert.deepEqual(own, Array.from({ length: 100 }, (_, i) => [i]));
      await s.next("ack-was", 100);
      assert.deepEqual(s.of("ack-was").map(([v]) => v).sort((a, b) => a - b), [...Array(100).keys()]);
      s.disconnect();
    });

    test("25: two namespaces on one link do not hear each other", async () => {
      const [a, b] = await both("/custom");
      await until(() => b.connected, "connected");
      assert.equal(a.io, b.io, "one link");
      assert.notEqual(a.id, b.id);
      b.emit("message", "custom");
      assert.deepEqual(await b.next("message-back"), ["custom"]);
      assert.deepEqual(a.of("message-back"), []);
      b.disconnect();
      assert.deepEqual(await ask(a, "message-with-ack", 1), [1], "the other namespace lives");
      a.disconnect();
    });

    test("26: a namespace is refused with message and data, and the link lives", async () => {
      const [a, denied] = await both("/denied");
      const error = await denied.refused;
      assert.equal(error.message, "not authorized");
      assert.deepEqual(error.data, { code: 7 });
      assert.deepEqual(await ask(a, "message-with-ack", 1), [1]);
      a.disconnect();
    });

    test("27: an unknown namespace is refused in the reference's words", async () => {
      assert.equal((await connect("/nowhere").refused).message, "Invalid namespace");
    });

    test("28: a client that leaves a namespace may come back to it", async () => {
      const s = await open();
      const id = s.id;
      s.disconnect();
      assert.equal(await s.ended, "io client disconnect");
      await sleep(50); // 4.1.3 closes its link behind the event
      s.connect();
      await until(() => s.connected);
      assert.notEqual(s.id, id);
      assert.deepEqual(await ask(s, "message-with-ack", 1), [1]);
      s.disconnect();
    });

    test("29: server-disconnect ends one namespace", async () => {
      const [a, b] = await both("/custom");
      await until(() => b.connected, "connected");
      b.emit("server-disconnect");
      assert.equal(await b.ended, "io server disconnect");
      assert.deepEqual(await ask(a, "message-with-ack", 1), [1]);
      a.disconnect();
    });

    test("30: server-close ends the connection, all namespaces first", async () => {
      const [a, b] = await both("/custom");
      await until(() => b.connected, "connected");
      a.emit("server-close");
      assert.equal(await a.ended, "io server disconnect");
      assert.equal(await b.ended, "io server disconnect");
      await until(() => a.io.engine.readyState === "closed", "the link is closed");
    });

    test("31: rooms: join, to-room reaches the others in it once, leave", async () => {
      const [a, b, c] = [await open(), await open(), await open()];
      assert.deepEqual(await ask(a, "join", "r"), ["r"]);
      assert.deepEqual(await ask(b, "join", "r"), ["r"]);
      assert.deepEqual(await ask(b, "join", "r"), ["r"], "twice is once");
      a.emit("to-room", "r", "hello");
      assert.deepEqual(await b.next("room-message"), ["hello"]);
      assert.deepEqual(await ask(b, "leave", "r"), ["r"]);
      a.emit("to-room", "r", "again");
      for (const s of [a, b, c]) await ask(s, "message-with-ack");
      assert.deepEqual([a, b, c].map((s) => s.of("room-message")), [[], [["hello"]], []]);
      [a, b, c].forEach((s) => s.disconnect());
    });

    test("32: the room of a socket's own id", async () => {
      const [a, b] = [await open(), await open()];
      a.emit("to-room", b.id, "private");
      assert.deepEqual(await b.next("room-message"), ["private"]);
      assert.deepEqual((await ask(b, "rooms"))[0], [b.id]);
      assert.deepEqual(a.of("room-message"), []);
      [a, b].forEach((s) => s.disconnect());
    });

    test("33: rooms of one name in two namespaces are two", async () => {
      const [a, b] = [await open(), await open("/custom")];
      await ask(a, "join", "same");
      await ask(b, "join", "same");
      a.emit("to-room", "same", "x");
      await ask(a, "message-with-ack");
      await ask(b, "message-with-ack");
      assert.deepEqual(b.of("room-message"), []);
      [a, b].forEach((s) => s.disconnect());
    });

    test("34: odd names of rooms: empty, long, unicode, quotes", async () => {
      const [a, b] = [await open(), await open()];
      for (const room of ["", "x".repeat(256), "комната 🦀", "\"\\\n", "__proto__"]) {
        assert.deepEqual(await ask(b, "join", room), [room]);
        a.emit("to-room", room, room);
        await until(() => b.of("room-message").some(([text]) => text === room), room);
      }
      [a, b].forEach((s) => s.disconnect());
    });

    test("34b: rooms of one socket are limited, and so are their names", async () => {
      const a = await open();
      assert.deepEqual(await ask(a, "join", "x".repeat(257)), [false]);
      const joined = await Promise.all(Array.from({ length: 1010 }, (_, i) => ask(a, "join", `many-${i}`)));
      assert.equal(joined.filter(([room]) => room).length, 999, "and the room of its own id");
      a.disconnect();
    });

    test("35: broadcast reaches every other in the namespace, binary included", async () => {
      const [a, b, c] = [await open(), await open(), await open("/custom")];
      a.emit("broadcast", "to all");
      assert.deepEqual(await b.next("broadcast-message"), ["to all"]);
      a.emit("broadcast", bytes(1, 2, 3));
      assert.deepEqual(await b.next("broadcast-message", 2), [bytes(1, 2, 3)]);
      await ask(a, "message-with-ack");
      assert.deepEqual([a.of("broadcast-message"), c.of("broadcast-message")], [[], []]);
      [a, b, c].forEach((s) => s.disconnect());
    });

    test("36: who disconnects is in no room any more", async () => {
      const [a, b] = [await open(), await open()];
      await ask(b, "join", "r");
      b.disconnect();
      await sleep(50);
      b.connect();
      await until(() => b.connected);
      a.emit("to-room", "r", "x");
      await ask(a, "message-with-ack");
      await ask(b, "message-with-ack");
      assert.deepEqual(b.of("room-message"), []);
      [a, b].forEach((s) => s.disconnect());
    });

    test("37: the transport is named", async () => {
      const s = await open();
      const last = transports.at(-1);
      await until(() => s.io.engine.transport.name === last, "the upgrade");
      assert.deepEqual(await ask(s, "transport"), [last]);
      s.disconnect();
    });

    test("38: 2,000 events and as many acknowledgements in order", async () => {
      const s = await open();
      for (let i = 0; i < 2000; i++) s.emit("message", i);
      const acks = [];
      for (let i = 0; i < 2000; i++) s.emit("message-with-ack", i, (v) => acks.push(v));
      await s.next("message-back", 2000);
      await until(() => acks.length === 2000);
      assert.deepEqual(s.of("message-back").map(([v]) => v), [...Array(2000).keys()]);
      assert.deepEqual(acks, [...Array(2000).keys()]);
      s.disconnect();
    });

    test("39: an event that nobody handles is ignored, and so is an unasked acknowledgement", async () => {
      const s = await open();
      s.emit("no such event", 1);
      s.emit("__proto__", 1);
      s.emit("toString");
      assert.deepEqual(await ask(s, "message-with-ack", 1), [1]);
      s.disconnect();
    });

    test("40: what a client emits before it is connected arrives", async () => {
      const s = connect();
      s.emit("message", "early");
      assert.deepEqual(await s.next("message-back"), ["early"]);
      s.disconnect();
    });

    test("41: volatile and compress(false) of the client arrive", async () => {
      const s = await open();
      s.volatile.emit("message", "volatile");
      s.compress(false).emit("message", "plain");
      await s.next("message-back", 2);
      s.disconnect();
    });

    test("42: a client's timeout runs out when nobody acknowledges", async () => {
      const s = await open();
      if (!s.timeout) return;
      const error = await new Promise((done) => s.timeout(100).emit("message", 1, (e) => done(e)));
      assert.match(error.message, /timed out/);
      s.disconnect();
    });

    test("43: a message over --max-payload ends the connection", async () => {
      const small = await startServer({ args: ["--max-payload", "1000"] });
      const s = io(small.url, { transports: ["websocket"], forceNew: true, reconnection: false });
      const ended = new Promise((done) => s.on("disconnect", done));
      await until(() => s.connected);
      assert.equal(s.io.engine.maxPayload ?? 1000, 1000);
      s.emit("message", "x".repeat(2000));
      assert.match(await ended, /transport (close|error)/);
      assert.equal(await small.stop(), 0);
    });

    test("44: heartbeats, and a client that does not answer is dropped", async () => {
      const quick = await startServer({ args: ["--ping-interval", "200", "--ping-timeout", "200", "--log", "debug"] });
      const s = io(quick.url, { transports: ["websocket"], forceNew: true, reconnection: false });
      let pings = 0;
      s.io.on("ping", () => pings++);
      await until(() => pings >= 4, "pings");
      assert.ok(s.connected);
      const raw = await Raw.open(quick.port);
      await raw.end(3000);
      assert.match(quick.log(), /ping timeout/);
      s.disconnect();
      assert.equal(await quick.stop(), 0);
    });

    test("45: --connect-timeout ends who joins nothing", async () => {
      const quick = await startServer({ args: ["--connect-timeout", "300"] });
      const raw = await Raw.open(quick.port, { join: false });
      await raw.end(2000);
      const joined = await Raw.open(quick.port);
      await sleep(600);
      assert.ok(!joined.ended);
      joined.destroy();
      assert.equal(await quick.stop(), 0);
    });

    test("46: --path", async () => {
      const other = await startServer({ args: ["--path", "/other/"] });
      const s = io(other.url, { path: "/other/", transports: ["websocket"], forceNew: true, reconnection: false });
      await until(() => s.connected);
      s.disconnect();
      const wrong = io(other.url, { transports: ["websocket"], forceNew: true, reconnection: false });
      await new Promise((done) => wrong.on("connect_error", done));
      assert.equal(await other.stop(), 0);
    });

    test("47: localhost is both loopback addresses", async () => {
      const both = await startServer({ listen: "localhost:0" });
      for (const host of ["127.0.0.1", "[::1]"]) {
        const s = io(`http://${host}:${both.port}`, { transports: ["websocket"], forceNew: true, reconnection: false });
        await until(() => s.connected, host);
        s.disconnect();
      }
      assert.equal(await both.stop(), 0);
    });

    // Over polling a client older than 4.5 does not look at maxPayload, and sends all of them in one body.
    const isBounded = transports.includes("websocket") || version.startsWith("4.8");
    test("48: 100 messages of 200,000 bytes at once all come back", { skip: !isBounded }, async () => {
      const s = await open();
      const [big, acks] = [Buffer.alloc(200_000, 7), []];
      for (let i = 0; i < 100; i++) s.emit("message-with-ack", i, big, (n, b) => acks.push([n, b.length]));
      await until(() => acks.length === 100 || !s.connected, "all of them", 20_000);
      assert.deepEqual(acks, Array.from({ length: 100 }, (_, i) => [i, 200_000]));
      s.disconnect();
    });
  });
}

test("behind nginx, on every transport", async () => {
  const server = await startServer();
  const nginx = await startNginx(server.port);
  for (const transports of ALL) {
    const s = io48(`http://127.0.0.1:${nginx.port}`, { transports, forceNew: true, reconnection: false });
    await until(() => s.connected && s.io.engine.transport.name === transports.at(-1), "connected");
    const values = ["ü", bytes(1, 2), { a: [bytes()] }];
    for (let i = 0; i < 50; i++) assert.deepEqual(await new Promise((done) => s.emit("message-with-ack", ...values, (...all) => done(all))), values);
    s.disconnect();
  }
  await nginx.stop();
  assert.equal(await server.stop(), 0);
});

// What breaks the protocol ends that connection and no other.
describe("bytes of our choice", () => {
  let server;
  before(async () => (server = await startServer({ args: ["--log", "debug"] })));
  after(async () => assert.equal(await server.stop(), 0, server.log()));
  const fatal = {
    "a second CONNECT": ["40"],
    "an event to a namespace that is not joined": [`42/custom,["x"]`],
    "CONNECT_ERROR": [`44{"message":"x"}`],
    "a text packet where an attachment is due": [`451-["message",{"_placeholder":true,"num":0}]`, `42["x"]`],
    "a placeholder that names no attachment": [`451-["message",{"_placeholder":true,"num":1}]`],
    "CVE-2022-2421": [`451-["message",{"_placeholder":true,"num":"splice"}]`],
    "CVE-2023-32695": [`42[{"toString":"foo"}]`],
    "CVE-2026-33151": [`4999-["message"]`],
    "no attachments": [`450-["message"]`],
    "a reserved name": [`42["disconnect"]`],
    "no JSON": [`42["a"`],
    "nothing": ["4"],
    "JSON nested 100,000 deep": [`42["message",${"[".repeat(100000)}${"]".repeat(100000)}]`],
    "an id above 2^64": [`4218446744073709551616["message"]`],
  };
  for (const [name, packets] of Object.entries(fatal)) {
    test(`${name} ends the connection`, async () => {
      const [raw, other] = [await Raw.open(server.port), await Raw.open(server.port)];
      for (const packet of packets) raw.send(frame(packet));
      await raw.end();
      other.send(frame(`420["message-with-ack",1]`));
      await until(() => other.texts().includes("430[1]"), "others live");
      other.destroy();
    });
  }
  test("a binary message where none is due ends the connection", async () => {
    const raw = await Raw.open(server.port);
    raw.send(frame("\x01", { opcode: 2 }));
    await raw.end();
  });
  test("an acknowledgement that nobody asked for is ignored", async () => {
    const raw = await Raw.open(server.port);
    raw.send(frame("435[1]"));
    raw.send(frame(`42007["message-with-ack",1]`));
    await until(() => raw.texts().includes("437[1]"));
    raw.destroy();
  });
  test("an unknown namespace may be asked for again", async () => {
    const raw = await Raw.open(server.port, { join: false });
    for (const packet of ["40/no,", "40/no,", "40"]) raw.send(frame(packet));
    await until(() => raw.texts().filter((t) => t === `44/no,{"message":"Invalid namespace"}`).length === 2);
    await until(() => raw.texts().some((t) => t.startsWith(`40{"sid":`)));
    raw.destroy();
  });
  test("the program says what is wrong in one sentence", () => {
    for (const args of [["--listen", "nonsense"], ["--path", "x"], ["--listen", `127.0.0.1:${server.port}`]]) {
      const { status, stderr } = spawnSync(SERVER, args, { encoding: "utf8", timeout: 5000 });
      assert.equal(status, 2, args.join(" "));
      assert.match(stderr, /^server: [^\n]*\n$/);
    }
  });
});
