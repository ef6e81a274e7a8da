// The program `client`: nothing that waits is left behind, whatever the sizes of its memory, and nothing that has come is lost at the end of a line.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { Server } from "socket.io";
import { example, until } from "./support.js";
import { line, PATIENCE, Program, Terminal, WAYS } from "./terminal.js";

const frame = (text) => {
  const payload = Buffer.from(text);
  assert.ok(payload.length < 126);
  return Buffer.concat([Buffer.from([0x81, payload.length]), payload]);
};

/** A Socket.IO server over WebSocket that does nothing but `serve(socket)`, once the client is connected. */
async function startRaw(serve) {
  const server = net.createServer((socket) => {
    let head = "";
    socket.setNoDelay(true).on("error", () => {});
    socket.on("data", (bytes) => {
      if (head.endsWith("\r\n\r\n")) return;
      head += bytes.toString("latin1");
      const key = /Sec-WebSocket-Key: (.*)\r/.exec(head)[1];
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.write(frame('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'));
      socket.write(frame('40{"sid":"b"}'));
      serve(socket);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

for (const [way, transports] of Object.entries(WAYS)) {
  test(`events that do not fit into the outbox at once are sent without a wait, ${way}`, { timeout: PATIENCE }, async () => {
    const server = new Server(0, { pingInterval: 60_000, pingTimeout: 60_000, transports });
    const got = [];
    let reason;
    server.on("connection", (socket) => {
      socket.on("number", (n) => got.push(n)).on("disconnect", (why) => (reason = why));
    });
    const numbers = [...Array(300).keys()];
    const emit = numbers.map((n) => line("number", n, "x".repeat(100)));
    const client = Terminal.start(`http://127.0.0.1:${server.httpServer.address().port}`, { transports, emit });
    await until(() => got.length === numbers.length, () => `all events; so far: ${got.length}`, 5000);
    assert.deepEqual(got, numbers);
    assert.equal(await client.end(), 0);
    await until(() => reason, "the end", 5000);
    assert.equal(reason, "client namespace disconnect");
    await server.close();
  });
}

test("what arrives just before the end of the line is told", { timeout: PATIENCE }, async () => {
  const EACH = 20;
  let connections = 0;
  const server = await startRaw((socket) => {
    const number = ++connections;
    let n = 0;
    const next = () => {
      if (n === EACH) return socket.end();
      socket.write(frame(`42["e",${number},${n++}]`));
      setImmediate(next);
    };
    setTimeout(next, 5);
  });
  const client = Terminal.start(server.url, { transports: ["websocket"], delay: 0.02 });
  await client.next("disconnect", {}, 50);
  const events = client.heard("e");
  await client.stop();
  server.close();
  for (let number = 1; number <= 50; number++) {
    assert.equal(events.filter(([of]) => of === number).length, EACH, `of connection ${number}`);
  }
});

for (const [way, transports] of Object.entries(WAYS)) {
  test(`without input, what is to be emitted arrives before the end, in each namespace, ${way}`, { timeout: PATIENCE }, async () => {
    const server = new Server(0, { transports });
    const got = [];
    for (const name of ["/a", "/slow"]) {
      server.of(name).use((_, next) => setTimeout(next, name === "/slow" ? 300 : 0));
      server.of(name).on("connection", (socket) => socket.on("number", (n) => got.push([name, n])));
    }
    const emit = ["/slow number 1", "/a number 2", "/slow number 3"];
    const client = Terminal.start(`http://127.0.0.1:${server.httpServer.address().port}/a`, { transports, namespace: "/slow", emit });
    assert.equal(await client.end(), 0);
    await server.close();
    assert.deepEqual(got.sort(), [["/a", 2], ["/slow", 1], ["/slow", 3]]);
  });

  test(`what is typed during an outage arrives after it, also if the input has ended, ${way}`, { timeout: PATIENCE }, async () => {
    const got = [];
    const serve = (port) => {
      const server = new Server(port, { transports });
      server.on("connection", (socket) => socket.on("number", (n) => got.push(n)));
      return server;
    };
    const first = serve(0);
    const { port } = first.httpServer.address();
    const client = Terminal.start(`http://127.0.0.1:${port}`, { transports });
    await client.next("connect");
    await first.close();
    await client.next("disconnect");
    client.type("number 1", "number 2");
    client.child.stdin.end();
    await client.next("failed", { attempt: 2 });
    const second = serve(port);
    assert.equal(await client.exit(), 0);
    await second.close();
    assert.deepEqual(got, [1, 2]);
  });
}

test("a byte that is no UTF-8 does not end the input", { timeout: PATIENCE }, async () => {
  const server = new Server(0);
  server.on("connection", (socket) => socket.on("echo", (value, answer) => answer(value)));
  const client = Terminal.start(`http://127.0.0.1:${server.httpServer.address().port}`);
  await client.next("connect");
  client.child.stdin.write(Buffer.concat([Buffer.from('?echo "a'), Buffer.from([0xff]), Buffer.from('"\n?echo "b"\n')]));
  await client.next("answer", { args: ["b"] });
  assert.deepEqual(client.of("answer")[0].args, ["a\ufffd"]);
  assert.equal(await client.end(), 0);
  await server.close();
});

for (const [what, options] of Object.entries({
  "a field that cannot be sent": { header: "Host: elsewhere" },
  "a field with a line break": { header: "A: b\r\nC: d" },
  "a path without a slash": { path: "socket.io" },
  "a namespace with a comma": { namespace: "/a,b" },
})) {
  test(`wrong usage: ${what}`, { timeout: PATIENCE }, async () => {
    const server = await startRaw(() => {});
    assert.equal(await Terminal.start(server.url, options).exit(5000), 2);
    server.close();
  });
}

test("two_kilobytes goes on behind a message that is too large", { timeout: PATIENCE }, async () => {
  const server = new Server(0);
  let connections = 0;
  server.on("connection", (socket) => connections++ === 0 && socket.emit("large", "x".repeat(2000)));
  const url = `http://127.0.0.1:${server.httpServer.address().port}`;
  const client = new Program(process.env.TWO_KILOBYTES ?? example("two_kilobytes"), [url, "--for", "4"]);
  await until(() => connections === 2, () => `another connection; it said ${client.tail()}`, 5000);
  assert.equal(await client.exit(), 0);
  await server.close();
});
