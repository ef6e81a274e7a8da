// The program `client` against `socket.io` on Node with the server's side in view: what it is told, and what it does.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Server as Server48 } from "socket.io";
import { Server as Server41 } from "socket.io-4-1";
import { until } from "./support.js";
import { line, PATIENCE, printed, Terminal, WAYS } from "./terminal.js";

const VERSIONS = { "4.8.4": Server48, "4.1.3": Server41 };
const NUMBERS = [...Array(100).keys()];

/** What breaks the protocol, as messages of Engine.IO. */
const GARBAGE = {
  "an unknown packet": ["9"],
  "JSON that ends early": ['2["x"'],
  "no JSON": ["2hello"],
  "an event that is no array": ['2{"a":1}'],
  "an event without a name": ["2[]"],
  "a reserved name": ['2["disconnect"]'],
  "an acknowledgement that is no array": ['31{"a":1}'],
  "a binary message from nowhere": [Buffer.from([1, 2])],
  "a text in the place of an attachment": ['51-["x",{"_placeholder":true,"num":0}]', '2["y"]'],
  "an attachment that does not exist": ['51-["x",{"_placeholder":true,"num":7}]', Buffer.from([1])],
  "1,000 attachments": ['51000-["x",{"_placeholder":true,"num":0}]'],
  "nothing": [""],
};

for (const [version, Server] of Object.entries(VERSIONS)) {
  for (const [way, transports] of Object.entries(WAYS)) {
    describe(`client against socket.io ${version}, ${way}`, { timeout: 180_000 }, () => {
      let shared;
      const running = [];
      const servers = [];

      const serve = async (options, port = 0) => {
        const http = createServer();
        const io = new Server(http, options);
        http.listen(port, "127.0.0.1");
        await once(http, "listening");
        const server = { io, port: http.address().port, url: `http://127.0.0.1:${http.address().port}` };
        server.sockets = [];
        io.on("connection", (socket) => server.sockets.push(socket));
        server.stop = () => {
          io.close();
          http.closeAllConnections();
        };
        servers.push(server);
        return server;
      };
      const begin = (url, options) => {
        const client = Terminal.start(url, { transports, ...options });
        running.push(client);
        return client;
      };
      /** A client and the server's socket in its first namespace. */
      const open = async (options, { io, url } = shared) => {
        const client = begin(url, options);
        const { id, ns } = await client.next("connect");
        return [client, await until(() => io.of(ns).sockets.get(id), "the socket")];
      };
      /** The events that a socket hears from now on. */
      const hears = (socket) => {
        const heard = [];
        socket.onAny((...args) => heard.push(args));
        return heard;
      };
      const ended = (socket) => new Promise((done) => socket.on("disconnect", done));
      const length = (list, count) => until(() => list.length >= count && list, `${count} of ${list.length}`, PATIENCE);

      before(async () => (shared = await serve()));
      after(async () => {
        await Promise.all(running.map((client) => client.stop()));
        servers.forEach((server) => server.stop());
      });

      test("query, path, header fields and credentials reach the server, at each connection", async () => {
        const server = await serve({ path: "/elsewhere/io/" });
        const [, socket] = await open(
          { path: "/elsewhere/io/", header: ["X-Token: a: b", "User-Agent: mine"], auth: { token: 1 } },
          { ...server, url: `${server.url}/?room=a%20b&x=` },
        );
        const { query, headers, auth } = socket.handshake;
        assert.equal(query.room, "a b");
        assert.equal(query.x, "");
        assert.equal(query.EIO, "4");
        assert.equal(query.transport, transports[0]);
        assert.equal(headers["x-token"], "a: b");
        assert.equal(headers["user-agent"], "mine");
        assert.equal(headers.host, `127.0.0.1:${server.port}`);
        assert.deepEqual(auth, { token: 1 });
        socket.conn.close();
        const [, next] = await length(server.sockets, 2);
        assert.deepEqual(next.handshake.auth, { token: 1 });
        assert.equal(next.handshake.headers["x-token"], "a: b");
        assert.equal(next.handshake.query.room, "a b");
      });

      test("the server sees the last transport, and one link", async () => {
        const server = await serve();
        const [client, socket] = await open({}, server);
        await until(() => socket.conn.transport.name === transports.at(-1), "the upgrade", PATIENCE);
        socket.emit("a", 1);
        assert.deepEqual(await client.hear("a"), [1]);
        assert.equal(server.io.engine.clientsCount, 1);
      });

      test("refused by middleware with data of any shape; then the exit code is 1", async () => {
        const server = await serve();
        const refuse = (data) => server.io.use((_, next) => next(Object.assign(new Error("später \"nie\""), data)));
        refuse({ data: { list: [1, { a: null }], text: "漢" } });
        const client = begin(server.url, { auth: { token: "wrong" } });
        assert.equal(await client.exit(), 1);
        assert.deepEqual(client.of("refused"), [
          { what: "refused", ns: "/", message: "später \"nie\"", data: { list: [1, { a: null }], text: "漢" } },
        ]);
      });

      test("refused at a reconnection: the exit code is 1", async () => {
        const server = await serve();
        let isOpen = true;
        server.io.use((_, next) => next(isOpen ? undefined : new Error("banned")));
        const [client, socket] = await open({}, server);
        isOpen = false;
        socket.conn.close();
        assert.equal(await client.exit(), 1);
        assert.deepEqual(client.of("refused"), [{ what: "refused", ns: "/", message: "banned" }]);
      });

      test("three namespaces on one link, events and acknowledgements each to its own", async () => {
        const server = await serve();
        const names = ["/", "/a", "/ä漢"];
        names.forEach((name) => server.io.of(name));
        const heard = {};
        for (const name of names) {
          server.io.of(name).on("connection", (socket) => {
            heard[name] = hears(socket);
            socket.on("ask", (n, answer) => answer(name, n));
          });
        }
        const client = begin(server.url, { namespace: names, respond: true });
        for (const ns of names) await client.next("connect", { ns });
        client.type(...names.flatMap((ns) => [`${ns} say ${JSON.stringify(ns)}`, `${ns} ?ask 1`]));
        for (const ns of names) {
          assert.deepEqual((await client.next("answer", { ns })).args, [ns, 1]);
          assert.deepEqual(heard[ns][0], ["say", ns]);
          const [socket] = server.io.of(ns).sockets.values();
          assert.deepEqual(await new Promise((done) => socket.emit("q", ns, done)), ns);
        }
        assert.equal(server.io.engine.clientsCount, 1);
        assert.equal(await client.end(), 0);
      });

      test("a dynamic namespace, and one that does not fit it", async () => {
        const server = await serve();
        server.io.of(/^\/room-\d+$/).on("connection", (socket) => socket.emit("welcome", socket.nsp.name));
        const client = begin(server.url, { namespace: ["/room-7", "/room-x", "/room-42"] });
        assert.deepEqual(await client.hear("welcome", 1, "/room-7"), ["/room-7"]);
        assert.deepEqual(await client.hear("welcome", 1, "/room-42"), ["/room-42"]);
        assert.equal((await client.next("refused", { ns: "/room-x" })).message, "Invalid namespace");
      });

      test("names of any kind, both ways", async () => {
        const [client, socket] = await open();
        const heard = hears(socket);
        const names = ["a b", "ä漢🦀", "\"quoted\\\"", "__proto__", "toString", "5", "message"];
        names.forEach((name) => socket.emit(name, 1));
        client.type(...names.map((name) => line(JSON.stringify(name), 1)));
        await length(heard, names.length);
        assert.deepEqual(heard, names.map((name) => [name, 1]));
        for (const name of names) assert.deepEqual(await client.hear(name), [1]);
        socket.emit(5, 2);
        await client.next("event", { name: "5", args: [2] });
      });

      test("nested buffers both ways, in events and in acknowledgements", async () => {
        const [client, socket] = await open({ respond: true });
        const value = { a: [Buffer.from([1]), { b: Buffer.alloc(0) }], c: "text", d: [[Buffer.from("漢")]] };
        socket.on("ask", (v, answer) => answer({ back: v }, Buffer.from([9])));
        assert.deepEqual(await new Promise((done) => socket.emit("q", value, done)), value);
        assert.deepEqual(await client.hear("q"), [printed(value)]);
        assert.deepEqual(await client.ask("ask", value), [{ back: printed(value) }, printed(Buffer.from([9]))]);
      });

      test("answers that come late and in another order go to their questions", async () => {
        const [client, socket] = await open();
        const late = [];
        socket.on("q", (n, answer) => late.push([n, answer]));
        client.type(...NUMBERS.map((n) => `?q ${n}`));
        await length(late, 100);
        late.reverse().forEach(([n, answer]) => answer(n));
        await client.next("answer", {}, 100);
        assert.deepEqual(client.of("answer").map((note) => note.args[0]), NUMBERS.toReversed());
      });

      test("an answer to nothing and an answer given twice are ignored", async () => {
        const [client, socket] = await open();
        const write = (text) => socket.conn.write(text);
        write('312345["nothing"]');
        socket.on("q", (answer) => {
          answer(1);
          write("30[2]");
        });
        assert.deepEqual(await client.ask("q"), [1]);
        assert.deepEqual(await client.ask("q"), [1]);
        assert.equal(client.of("answer").length, 2);
        assert.equal(client.of("disconnect").length, 0);
      });

      test("its end is told to the server: client namespace disconnect", async () => {
        const server = await serve();
        const [client, socket] = await open({}, server);
        const reason = ended(socket);
        assert.equal(await client.end(), 0);
        assert.equal(await reason, "client namespace disconnect");
        await until(() => server.io.engine.clientsCount === 0, "the end of the link", PATIENCE);
      });

      test("killed: the server sees the transport end", async () => {
        const [client, socket] = await open();
        const reason = ended(socket);
        await client.stop("SIGKILL");
        assert.match(await reason, /^transport (close|error)$/);
      });

      test("disconnect(true) with all namespaces: each is told, exit code 1", async () => {
        const server = await serve();
        // With three, 4.1.3 closes its WebSocket before it has sent the last DISCONNECT.
        const names = version === "4.1.3" ? ["/", "/a"] : ["/", "/a", "/b"];
        names.forEach((name) => server.io.of(name));
        const client = begin(server.url, { namespace: names });
        for (const ns of names) await client.next("connect", { ns });
        server.sockets[0].disconnect(true);
        assert.equal(await client.exit(), 1);
        const told = client.of("disconnect");
        assert.deepEqual(told.map((note) => note.ns).sort(), names);
        assert.ok(told.every((note) => note.reason === "io server disconnect"), client.tail());
      });

      test("the link closed by the server: all namespaces come back, with new ids", async () => {
        const server = await serve();
        server.io.of("/a");
        const client = begin(server.url, { namespace: ["/", "/a"] });
        for (const ns of ["/", "/a"]) await client.next("connect", { ns });
        server.sockets[0].conn.close();
        for (const ns of ["/", "/a"]) {
          assert.equal((await client.next("disconnect", { ns })).reason, "transport close");
          const [first, second] = [await client.next("connect", { ns }), await client.next("connect", { ns }, 2)];
          assert.notEqual(first.id, second.id);
        }
      });

      test("pings are answered, and the client lives on", async () => {
        const server = await serve({ pingInterval: 100, pingTimeout: 10_000 });
        const [client, socket] = await open({}, server);
        let pongs = 0;
        socket.conn.on("packet", ({ type }) => (pongs += type === "pong"));
        await until(() => pongs >= 5, "pongs", PATIENCE);
        socket.emit("a");
        await client.hear("a");
        assert.equal(client.of("disconnect").length, 0);
      });

      test("five clients: a broadcast reaches each once", async () => {
        const server = await serve();
        const clients = await Promise.all(Array.from({ length: 5 }, () => open({ respond: true }, server)));
        // What 4.1.3 broadcasts with a buffer is no packet.
        const values = version === "4.1.3" ? [1] : [1, Buffer.from([2])];
        server.io.emit("all", ...values);
        for (const [client] of clients) assert.deepEqual(await client.hear("all"), printed(values));
        for (const [client] of clients) assert.equal(client.heard("all").length, 1);
        if (version === "4.8.4") {
          assert.deepEqual(await server.io.timeout(PATIENCE).emitWithAck("who", "x"), Array(5).fill("x"));
        }
      });

      test("10,000 events at once arrive in order, those with buffers too", async () => {
        const [client, socket] = await open();
        const numbers = [...Array(10_000).keys()];
        numbers.forEach((n) => (n % 100 ? socket.emit("n", n) : socket.emit("n", n, Buffer.from([1]))));
        await client.hear("n", numbers.length);
        assert.deepEqual(client.heard("n").map(([n]) => n), numbers);
      });

      test("events of 300 kB, text and binary, both ways", async () => {
        const [client, socket] = await open();
        const heard = hears(socket);
        const [text, buffer] = ["ä".repeat(150_000), Buffer.alloc(300_000, 7)];
        socket.emit("big", text, buffer);
        assert.deepEqual(await client.hear("big"), [text, printed(buffer)]);
        client.type(line("big", text, buffer));
        await length(heard, 1);
        assert.deepEqual(heard, [["big", text, buffer]]);
      });

      test("more than maxHttpBufferSize: the link ends, the client comes back", async () => {
        const server = await serve({ maxHttpBufferSize: 1000 });
        const [client] = await open({}, server);
        client.type(line("big", "x".repeat(2000)));
        await client.next("disconnect");
        await client.next("connect", {}, 2);
        const [, socket] = await length(server.sockets, 2);
        socket.emit("a", 1);
        assert.deepEqual(await client.hear("a"), [1]);
      });

      test("compression and cookies change nothing", async () => {
        const server = await serve({ perMessageDeflate: true, httpCompression: { threshold: 1 }, cookie: { name: "io" } });
        const [client, socket] = await open({}, server);
        socket.on("q", (text, answer) => answer(text));
        assert.deepEqual(await client.ask("q", "x".repeat(5000)), ["x".repeat(5000)]);
      });

      if (way === "upgrade") {
        test("allowUpgrades: false leaves it at polling", async () => {
          const server = await serve({ allowUpgrades: false });
          const [client, socket] = await open({}, server);
          socket.on("q", (answer) => answer(socket.conn.transport.name));
          for (let i = 0; i < 10; i++) assert.deepEqual(await client.ask("q"), ["polling"]);
        });

        test("a server without WebSocket", async () => {
          const server = await serve({ transports: ["polling"] });
          const [client, socket] = await open({}, server);
          socket.on("q", (answer) => answer(socket.conn.transport.name));
          assert.deepEqual(await client.ask("q"), ["polling"]);
        });
      }

      if (version === "4.8.4") {
        const recovering = { connectionStateRecovery: { maxDisconnectionDuration: 60_000 } };

        // 4.1.3 does not tell how much it takes.
        test("a small maxPayload: many events go in many bodies", async () => {
          const server = await serve({ maxHttpBufferSize: 1000 });
          const [client, socket] = await open({}, server);
          const heard = hears(socket);
          client.type(...NUMBERS.map((n) => line("n", n, "ä".repeat(40))));
          await length(heard, 100);
          assert.deepEqual(heard.map(([, n]) => n), NUMBERS);
          assert.equal(client.of("disconnect").length, 0);
        });

        test("recovery: 100 missed events come once, in order, before anything new", async () => {
          const server = await serve(recovering);
          const client = begin(server.url, { delay: 1 });
          const { id } = await client.next("connect");
          const socket = await until(() => server.io.of("/").sockets.get(id), "the socket");
          socket.join("room");
          socket.emit("n", -1);
          await client.hear("n");
          socket.conn.close();
          await client.next("disconnect");
          NUMBERS.forEach((n) => (n % 10 ? server.io.to("room").emit("n", n) : server.io.to("room").emit("n", n, Buffer.from([1]))));
          const back = await client.next("connect", {}, 2);
          assert.equal(back.recovered, true);
          assert.equal(back.id, id);
          server.io.to("room").emit("n", 100);
          await client.hear("n", 102);
          assert.deepEqual(client.heard("n").map(([n]) => n), [-1, ...NUMBERS, 100]);
        });

        test("recovery is not to be had: a new id, and no missed event", async () => {
          const server = await serve(recovering);
          const client = begin(server.url, { delay: 1 });
          const { id } = await client.next("connect");
          server.sockets[0].emit("n", 1);
          await client.hear("n");
          const { port } = server;
          server.stop();
          await client.next("disconnect");
          const other = await serve(recovering, port);
          const back = await client.next("connect", {}, 2);
          assert.equal(back.recovered, false);
          assert.notEqual(back.id, id);
          other.io.emit("n", 2);
          await client.hear("n", 2);
          assert.deepEqual(client.heard("n").map(([n]) => n), [1, 2]);
        });
      }

      for (const [name, messages] of Object.entries(GARBAGE)) {
        test(`garbage, ${name}: parse error, and the client comes back`, async () => {
          const server = await serve();
          const [client, socket] = await open({}, server);
          // Engine.IO's `write` takes what Socket.IO would refuse.
          messages.forEach((message) => socket.conn.write(message));
          assert.equal((await client.next("disconnect")).reason, "parse error");
          const [, next] = await length(server.sockets, 2);
          next.emit("a", 1);
          assert.deepEqual(await client.hear("a"), [1]);
        });
      }
    });
  }
}
