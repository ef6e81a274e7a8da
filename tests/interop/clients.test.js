// Stock clients against the chat, WebSocket transport.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io as io48 } from "socket.io-client";
import { io as io41 } from "socket.io-client-4-1";
import io2 from "socket.io-client-2";
import { Raw, sleep, startChat, until } from "./support.js";

for (const [version, io] of [["4.8.4", io48], ["4.1.3", io41]]) {
  describe(`socket.io-client ${version}`, () => {
    let chat;
    const sockets = [];
    const open = async (name, { namespace = "", ...options } = {}) => {
      const socket = io(chat.url + namespace, { transports: ["websocket"], forceNew: true, reconnection: false, ...options });
      socket.seen = [];
      for (const event of ["allMessage", "newMessage", "globalMsg", "users", "typing", "notice"]) {
        socket.on(event, (arg) => socket.seen.push([event, arg]));
      }
      socket.of = (event) => socket.seen.filter(([e]) => e === event).map(([, arg]) => arg);
      sockets.push(socket);
      await until(() => socket.connected, "connected");
      if (name) {
        socket.emit("user-name", name);
        await until(() => socket.of("users").some((u) => u.names.includes(name)), "named");
      }
      return socket;
    };
    before(async () => (chat = await startChat({ args: ["--log", "debug"] })));
    after(async () => {
      sockets.forEach((s) => s.disconnect());
      assert.equal(await chat.stop(), 0, chat.log());
    });

    test("names, joined and left, seen by the others only", async () => {
      const ann = await open("Ann");
      const bob = await open("Bob");
      await until(() => ann.of("globalMsg").some((m) => m === "Bob joined the chat"), "joined");
      bob.disconnect();
      await until(() => ann.of("globalMsg").some((m) => m === "Bob left the chat"), "left");
      assert.ok(!bob.of("globalMsg").some((m) => m.includes("Bob")));
      assert.ok(!ann.of("globalMsg").some((m) => m.includes("Ann")));
      ann.disconnect();
    });

    test("a message reaches everybody, its sender too, and newcomers find it in the history", async () => {
      const [a, b] = [await open("A"), await open("B")];
      a.emit("sendMessage", { name: "A", message: "hello" });
      for (const s of [a, b]) await until(() => s.of("newMessage").length === 1, "newMessage");
      assert.deepEqual(b.of("newMessage"), [{ name: "A", message: "hello" }]);
      const before = b.of("allMessage").length;
      const c = await open();
      await until(() => c.of("allMessage").length > 0, "history");
      assert.deepEqual(c.of("allMessage")[0].at(-1), { name: "A", message: "hello" });
      await until(() => b.of("allMessage").length > before, "everybody gets it when somebody connects");
      [a, b, c].forEach((s) => s.disconnect());
    });

    test("1,000 messages in order, from one and from two at once", async () => {
      const [a, b, c] = [await open("A"), await open("B"), await open("C")];
      for (let i = 0; i < 1000; i++) a.emit("sendMessage", { name: "A", message: `${i}` });
      await until(() => [a, b, c].every((s) => s.of("newMessage").length >= 1000), "1,000 messages", 10000);
      for (const s of [a, b, c]) assert.deepEqual(s.of("newMessage").map((m) => m.message), [...Array(1000).keys()].map(String));
      for (let i = 0; i < 500; i++) for (const s of [a, b]) s.emit("sendMessage", { name: "x", message: `${s === a} ${i}` });
      await until(() => [a, b, c].every((s) => s.of("newMessage").length >= 2000), "2,000 messages", 10000);
      for (const from of [true, false]) {
        const got = c.of("newMessage").slice(1000).map((m) => m.message.split(" ")).filter(([f]) => f === `${from}`);
        assert.deepEqual(got.map(([, i]) => Number(i)), [...Array(500).keys()]);
      }
      assert.deepEqual(b.of("newMessage"), c.of("newMessage"), "the same order for everybody");
      [a, b, c].forEach((s) => s.disconnect());
    });

    test("odd text comes back as it went", async () => {
      const a = await open("A");
      const odd = ["🦀🎉 emoji 👩‍👩‍👧", "漢字 かな", "\"quotes\" \\back\\slashes\\", "a\nb\r\nc\td", "\u0000\u0001\u001f", "<script>alert(1)</script>",
        "a\u2028b\u2029", "é".repeat(2000), "[\"json\"]", "__proto__", "\ud83e\udd80", "\ufffe\uffff"];
      for (const message of odd) a.emit("sendMessage", { name: "A", message });
      await until(() => a.of("newMessage").length === odd.length, "all of them");
      assert.deepEqual(a.of("newMessage").map((m) => m.message), odd);
      a.disconnect();
    });

    test("what is no message is ignored, and the history stays clean", async () => {
      const [a, b] = [await open("A"), await open("B")];
      const deep = (n) => (n === 0 ? 1 : [deep(n - 1)]);
      const odd = [1, null, true, "text", [], {}, { name: "A" }, { message: "x" }, { name: 1, message: 2 }, { name: "A", message: null },
        { name: "A", message: "" }, { name: "", message: "x" }, { name: "A", message: "x".repeat(2001) }, { name: "n".repeat(41), message: "x" },
        { name: "A", message: { a: 1 } }, deep(40), [{ name: "A", message: "x" }]];
      for (const arg of odd) a.emit("sendMessage", arg);
      a.emit("sendMessage");
      a.emit("sendMessage", Buffer.from([1, 2, 3]));
      a.emit("sendMessage", { name: "A", message: Buffer.from("x") });
      for (const arg of [1, null, {}, [], "", " ", "n".repeat(41)]) a.emit("user-name", arg);
      for (const arg of [1, null, {}, "yes"]) a.emit("typing", arg);
      a.emit("unknown-event", 1, 2, 3);
      const answer = await new Promise((done) => a.emit("sendMessage", 7, done));
      assert.equal(answer, false);
      assert.equal(await new Promise((done) => a.emit("sendMessage", { name: "A", message: "good", extra: [deep(20)] }, done)), true);
      await until(() => b.of("newMessage").length === 1, "the good one");
      const c = await open();
      await until(() => c.of("allMessage").length > 0, "history");
      for (const said of c.of("allMessage")[0]) {
        assert.deepEqual(Object.keys(said).sort(), ["message", "name"]);
        assert.ok(typeof said.name === "string" && typeof said.message === "string" && said.message.length > 0);
      }
      assert.ok(a.connected && b.connected);
      [a, b, c].forEach((s) => s.disconnect());
    });

    test("an unknown namespace is refused and the main one goes on", async () => {
      const a = await open("A");
      const other = a.io.socket("/nowhere");
      const error = await new Promise((done) => { other.on("connect_error", done); other.connect(); });
      assert.equal(error.message, "Invalid namespace");
      assert.equal(await new Promise((done) => a.emit("sendMessage", { name: "A", message: "still here" }, done)), true);
      a.disconnect();
    });

    test("typing is told to the others", async () => {
      const [a, b] = [await open("A"), await open("B")];
      a.emit("typing", true);
      await until(() => b.of("typing").length === 1, "typing");
      assert.deepEqual(b.of("typing")[0], { name: "A", typing: true });
      assert.equal(a.of("typing").length, 0);
      [a, b].forEach((s) => s.disconnect());
    });

    test("50 clients hear each other", async () => {
      const all = await Promise.all([...Array(50).keys()].map(() => open()));
      all[7].emit("sendMessage", { name: "7", message: "to all" });
      for (const s of all) await until(() => s.of("newMessage").length === 1, "newMessage");
      all.forEach((s) => s.disconnect());
    });

    test("idle over many heartbeats, and a client that stops answering is dropped", async () => {
      const quick = await startChat({ args: ["--ping-interval", "300", "--ping-timeout", "400"] });
      const a = io(quick.url, { transports: ["websocket"], forceNew: true, reconnection: false });
      const heard = [];
      a.on("globalMsg", (m) => heard.push(m));
      await until(() => a.connected, "connected");
      const mute = await Raw.open(quick.port);
      mute.send(Buffer.concat([]));
      const { frame } = await import("./support.js");
      mute.send(frame(`42["user-name","Mute"]`));
      const start = Date.now();
      await mute.end(3000);
      assert.ok(Date.now() - start > 300 && Date.now() - start < 2000);
      await until(() => heard.includes("Mute left the chat"), "left");
      await sleep(3000);
      assert.ok(a.connected, "ten heartbeats later");
      a.disconnect();
      await quick.stop();
    });

    test("a client comes back by itself when the server does", async () => {
      const first = await startChat();
      const a = io(first.url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 200 });
      await until(() => a.connected, "connected");
      await first.stop("SIGKILL");
      await until(() => !a.connected, "disconnected");
      const second = await startChat({ listen: `127.0.0.1:${first.port}` });
      await until(() => a.connected, "connected again");
      a.disconnect();
      await second.stop();
    });
  });
}

test("a client of Socket.IO 2 is refused in words", async () => {
  const chat = await startChat();
  const url = `${chat.url}/socket.io/?EIO=3&transport=websocket`;
  const answer = await fetch(url.replace("websocket", "polling"));
  assert.deepEqual([answer.status, await answer.json()], [400, { code: 5, message: "Unsupported protocol version" }]);
  const socket = io2(chat.url, { transports: ["websocket"], reconnection: false });
  await new Promise((done) => socket.on("connect_error", done));
  socket.close();
  const good = await Raw.open(chat.port);
  good.destroy();
  await chat.stop();
});
