// `chat_terminal` and a stock client in one room of `chat`.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { io } from "socket.io-client";
import { CHAT, example, sleep, start, startChat, until } from "./support.js";
import { PATIENCE, Program } from "./terminal.js";

describe("chat_terminal", { timeout: 120_000 }, () => {
  let chat;
  let running = [];
  const enter = (name, ...args) => {
    const terminal = new Program(example("chat_terminal"), [chat.url, "--name", name, ...args]);
    running.push(() => terminal.stop());
    return terminal;
  };
  const shows = (terminal, text, count = 1) =>
    until(() => terminal.lines.filter((l) => (text instanceof RegExp ? text.test(l) : l === text)).length >= count, () => `${text}; it showed ${terminal.tail()}`, PATIENCE);
  /** A browser, as far as the server can tell. */
  const browser = async (name) => {
    const socket = io(chat.url, { forceNew: true, reconnectionDelay: 50 });
    socket.heard = [];
    socket.onAny((event, arg) => socket.heard.push([event, arg]));
    socket.on("connect", () => socket.emit("user-name", name));
    running.push(() => socket.disconnect());
    await until(() => socket.connected, "connected", PATIENCE);
    return socket;
  };
  const hears = (socket, event, arg) =>
    until(() => socket.heard.some(([e, a]) => e === event && JSON.stringify(a) === JSON.stringify(arg)), () => `${event} ${JSON.stringify(arg)} in ${JSON.stringify(socket.heard)}`, PATIENCE);

  beforeEach(async () => (chat = await startChat()));
  afterEach(async () => {
    await Promise.all(running.map((stop) => stop()));
    running = [];
    await chat.stop("SIGKILL");
  });

  test("two terminals and a browser in one room", async () => {
    const ben = await browser("Ben");
    const ann = enter("Ann");
    await hears(ben, "globalMsg", "Ann joined the chat");
    const cy = enter("漢字");
    await shows(ann, "* 漢字 joined the chat");
    ann.type("hello");
    for (const terminal of [ann, cy]) await shows(terminal, "Ann: hello");
    await hears(ben, "newMessage", { name: "Ann", message: "hello" });
    ben.emit("sendMessage", { name: "Ben", message: "wie geht's 🦀" });
    for (const terminal of [ann, cy]) await shows(terminal, "Ben: wie geht's 🦀");
    const everybody = () => {
      ann.type("/who");
      return sleep(20).then(() => ann.lines.find((l) => ["* 3 here: ", "Ann", "Ben", "漢字"].every((part) => l.includes(part))));
    };
    await until(everybody, "/who", PATIENCE);
    ann.type("/name Anna");
    await shows(cy, "* Ann is now Anna");
    ann.type("again", "/quit");
    await shows(cy, "Anna: again");
    assert.equal(await ann.exit(), 0);
    await shows(cy, "* Anna left the chat");
    ben.disconnect();
    await shows(cy, "* Ben left the chat");
    assert.equal(await cy.end(), 0);
    assert.equal(cy.lines.filter((l) => l === "Ann: hello").length, 1);
  });

  test("newcomers see the history, once, though it is told at each arrival", async () => {
    const ann = enter("Ann");
    ann.type(...Array.from({ length: 20 }, (_, i) => `line ${i}`));
    await shows(ann, "Ann: line 19");
    const bob = enter("Bob");
    await shows(bob, "Ann: line 19");
    await browser("Ben");
    await shows(bob, "* Ben joined the chat");
    const history = bob.lines.filter((l) => l.startsWith("Ann: "));
    assert.deepEqual(history, Array.from({ length: 20 }, (_, i) => `Ann: line ${i}`));
    assert.equal(ann.lines.filter((l) => l.startsWith("Ann: ")).length, 20);
  });

  test("the server restarts: names come back, what was typed meanwhile is said once", async () => {
    const ann = enter("Ann");
    await shows(ann, /^\* connected to/);
    const bob = enter("Bob");
    await shows(ann, "* Bob joined the chat");
    await chat.stop("SIGKILL");
    await shows(ann, /^\* disconnected: transport/);
    ann.type("are you there?", "and now?");
    await shows(ann, /next attempt/);
    chat = await start(CHAT, { listen: `127.0.0.1:${chat.port}` });
    for (const terminal of [ann, bob]) {
      await shows(terminal, /^\* connected to/, 2);
      await shows(terminal, "Ann: and now?");
    }
    const ben = await browser("Ben");
    await until(() => ben.heard.some(([event, arg]) => event === "users" && ["Ann", "Bob", "Ben"].every((n) => arg.names.includes(n))), "names", PATIENCE);
    for (const text of ["Ann: are you there?", "Ann: and now?"]) assert.equal(ann.lines.filter((l) => l === text).length, 1, ann.tail());
  });

  test("what the server does not take is said; control characters are not printed", async () => {
    const ben = await browser("Ben");
    const ann = enter("Ann");
    await shows(ann, /^\* connected to/);
    ann.type("x".repeat(3000));
    await shows(ann, "* the server did not take that message");
    ben.emit("sendMessage", { name: "Ben", message: "red \u001b[31m and \u009b31m" });
    await shows(ann, "Ben: red \ufffd[31m and \ufffd31m");
  });

  test("nobody there: exit code 3 at the end of the input; wrong usage: 2", async () => {
    const { url } = chat;
    await chat.stop("SIGKILL");
    const ann = enter("Ann");
    assert.equal(await ann.end(), 3, ann.tail());
    assert.match(ann.lines.join("\n"), /cannot be reached/);
    const nobody = new Program(example("chat_terminal"), [url, "--name", ""]);
    assert.equal(await nobody.exit(), 2);
    assert.match(nobody.errors, /1 to 40/);
  });
});
