// The program `client` against servers that all do the same (`peers/server.js` says what), on every transport.
// `PEER='program argument…'` tests that server instead.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { example, start, until } from "./support.js";
import { line, PATIENCE, printed, Terminal, WAYS } from "./terminal.js";
import { BINARIES, VALUES } from "./values.js";

const node = [process.execPath, path.join(import.meta.dirname, "peers/server.js")];
const PEERS = {
  "socket.io 4.8.4": { program: node, args: ["socket.io"] },
  "socket.io 4.1.3": { program: node, args: ["socket.io-4-1"] },
  "our own server": { program: example("server") },
};
const peers = process.env.PEER ? { [path.basename(process.env.PEER)]: { program: process.env.PEER.split(" ") } } : PEERS;

/** What a server cannot do, by what its name contains. */
const LACKS = [
  ["server.py", ["server-close"]],
  // It takes an object for a placeholder by the name of its first member.
  ["socketioxide", ["server-close", "data of a refusal", "a buffer beside what looks like a placeholder"]],
];

const NUMBERS = [...Array(100).keys()];

for (const [peer, { program, args }] of Object.entries(peers)) {
  const lacks = LACKS.find(([name]) => peer.includes(name))?.[1] ?? [];
  for (const [way, transports] of Object.entries(WAYS)) {
    describe(`client against ${peer}, ${way}`, { timeout: 180_000 }, () => {
      let server;
      /** Serves the tests that only ask. */
      let shared;
      const running = [];

      const begin = (options, namespace = "") => {
        const client = Terminal.start(server.url + namespace, { transports, ...options });
        running.push(client);
        return client;
      };
      const open = async (options, namespace) => {
        const client = begin(options, namespace);
        await client.next("connect");
        return client;
      };

      before(async () => {
        server = await start(program, { args });
        shared = await open({ respond: true });
      });
      after(async () => {
        await Promise.all(running.map((client) => client.stop()));
        await server.stop("SIGKILL");
      });

      for (const [name, args] of Object.entries({ ...VALUES, ...BINARIES })) {
        test(`${name}: back, acknowledged by the server, acknowledged by the client`, { skip: lacks.includes(name) }, async () => {
          const count = (event) => shared.heard(event).length + 1;
          const [back, was] = [count("message-back"), count("ack-was")];
          shared.type(line("message", ...args), line("ask-ack", ...args));
          assert.deepEqual(await shared.hear("message-back", back), printed(args));
          assert.deepEqual(await shared.hear("ack-was", was), printed(args));
          assert.deepEqual(await shared.ask("message-with-ack", ...args), printed(args));
        });
      }

      test("300,000 characters: back and acknowledged", async () => {
        const text = "ä漢🦀x".repeat(30_000);
        const back = shared.heard("message-back").length + 1;
        shared.type(line("message", text));
        assert.deepEqual(await shared.hear("message-back", back), [text]);
        assert.deepEqual(await shared.ask("message-with-ack", text), [text]);
      });

      test("connects over the first transport, and ends well at the end of the input", async () => {
        const client = await open();
        const [note] = client.of("connect");
        assert.equal(note.ns, "/");
        assert.match(note.id, /./);
        assert.equal(note.recovered, false);
        // Some servers answer only after the upgrade.
        assert.ok(transports.includes(note.transport), note.transport);
        assert.equal(await client.end(), 0);
        assert.deepEqual(client.of("end"), [{ what: "end", reason: "closed" }]);
        assert.equal(client.errors, "");
      });

      test("ends over the last transport", async () => {
        const client = await open();
        await until(async () => (await client.ask("transport"))[0] === transports.at(-1), "the upgrade", PATIENCE);
        assert.equal(await client.end(), 0);
        assert.equal(client.of("connect").length, 1);
        assert.deepEqual(client.of("failed"), []);
      });

      test("credentials are told, and are {} without any", async () => {
        const auth = { token: "漢\"1", list: [1, { a: null }] };
        assert.deepEqual(await (await open({ auth })).hear("auth"), [auth]);
        assert.deepEqual(await (await open()).hear("auth"), [{}]);
      });

      test("without --respond nobody answers, and all goes on", async () => {
        const client = await open();
        client.type(line("ask-ack", 1));
        await client.next("event", { name: "please-ack", asks: true, args: [1] });
        assert.deepEqual(await client.ask("message-with-ack", 2), [2]);
        assert.deepEqual(client.heard("ack-was"), []);
      });

      test("100 acknowledgements in flight both ways, one in ten with a file", async () => {
        const client = await open({ respond: true });
        const values = (n) => (n % 10 ? [n, String(n)] : [n, Buffer.from([n])]);
        client.type(...NUMBERS.flatMap((n) => [`?${line("message-with-ack", ...values(n))}`, line("ask-ack", ...values(n))]));
        await client.next("answer", {}, 100);
        await client.hear("ack-was", 100);
        const sorted = (all) => all.sort(([a], [b]) => a - b);
        assert.deepEqual(sorted(client.of("answer").map((note) => note.args)), NUMBERS.map(values).map(printed));
        assert.deepEqual(sorted(client.heard("ack-was")), NUMBERS.map(values).map(printed));
        assert.deepEqual(client.of("no_answer"), []);
      });

      test("an acknowledgement that does not come times out, and nothing else does", async () => {
        const client = await open({ "ack-timeout": 0.2 });
        client.type("?nobody-answers 1");
        assert.deepEqual(await client.next("no_answer"), { what: "no_answer", ns: "/", name: "nobody-answers", reason: "timed out" });
        client.type(line("message", 1));
        assert.deepEqual(await client.hear("message-back"), [1]);
        assert.equal(client.of("no_answer").length, 1);
      });

      test("at the end of the input it waits for the answers", async () => {
        const client = begin();
        client.type("?message-with-ack 1", "message 2", "?message-with-ack 3");
        assert.equal(await client.end(), 0);
        assert.deepEqual(client.of("answer").map((note) => note.args), [[1], [3]]);
      });

      test("two namespaces on one link", async () => {
        const client = await open({ namespace: ["/", "/custom"], auth: { a: 1 } });
        await client.next("connect", { ns: "/custom" });
        assert.deepEqual(await client.hear("auth", 1, "/"), [{ a: 1 }]);
        assert.deepEqual(await client.hear("auth", 1, "/custom"), [{ a: 1 }]);
        client.type("message 1", "/custom message 2", "/custom ?message-with-ack 3", "?message-with-ack 4");
        assert.deepEqual(await client.hear("message-back", 1, "/"), [1]);
        assert.deepEqual(await client.hear("message-back", 1, "/custom"), [2]);
        assert.deepEqual((await client.next("answer", { ns: "/custom" })).args, [3]);
        assert.deepEqual((await client.next("answer", { ns: "/" })).args, [4]);
        assert.equal(await client.end(), 0);
      });

      test("the path of the URL names the namespace", async () => {
        const client = await open({}, "/custom");
        assert.equal(client.of("connect")[0].ns, "/custom");
        assert.deepEqual(await client.ask("message-with-ack", 1), [1]);
        assert.equal(client.of("answer")[0].ns, "/custom");
      });

      const refusal = { what: "refused", ns: "/denied", message: "not authorized", ...(lacks.includes("data of a refusal") ? {} : { data: { code: 7 } }) };
      test("refused by the application: message, data, exit code 1", async () => {
        const client = begin({}, "/denied");
        assert.equal(await client.exit(), 1);
        assert.deepEqual(client.of("refused"), [refusal]);
        assert.deepEqual(client.of("connect"), []);
        assert.deepEqual(client.of("end"), [{ what: "end", reason: "closed: no namespace is left" }]);
      });

      test("one namespace refused, one unknown, while others live", async () => {
        const client = await open({ namespace: ["/denied", "/", "/nowhere", "/custom"] });
        assert.deepEqual(await client.next("refused", { ns: "/denied" }), refusal);
        assert.match((await client.next("refused", { ns: "/nowhere" })).message, /^(Invalid namespace|Unable to connect)$/);
        await client.next("connect", { ns: "/custom" });
        client.type("/ ?message-with-ack 1", "/custom ?message-with-ack 2");
        await client.next("answer", { ns: "/", args: [1] });
        await client.next("answer", { ns: "/custom", args: [2] });
        assert.equal(await client.end(), 0);
        assert.equal(client.of("connect").length, 2);
      });

      test("a question for a namespace that is refused ends at its time", async () => {
        const client = await open({ namespace: ["/", "/denied"], "ack-timeout": 0.2 });
        await client.next("refused");
        client.type("/denied ?message 1");
        assert.equal((await client.next("no_answer")).ns, "/denied");
        assert.equal(await client.end(), 0);
      });

      test("removed by the server: it does not come back, exit code 1", async () => {
        const client = await open();
        client.type("server-disconnect");
        assert.equal(await client.exit(), 1);
        assert.deepEqual(client.of("disconnect"), [{ what: "disconnect", ns: "/", reason: "io server disconnect" }]);
        assert.equal(client.of("connect").length, 1);
      });

      test("removed from one namespace: the other lives", async () => {
        const client = await open({ namespace: ["/", "/custom"] });
        await client.next("connect", { ns: "/custom" });
        client.type("?never", "server-disconnect");
        assert.equal((await client.next("disconnect")).ns, "/");
        assert.equal((await client.next("no_answer")).reason, "disconnected");
        client.type("/custom ?message-with-ack 1");
        assert.deepEqual((await client.next("answer")).args, [1]);
        assert.equal(await client.end(), 0);
      });

      test("removed, and the link closed by the server: exit code 1", { skip: lacks.includes("server-close") }, async () => {
        const client = await open({ namespace: ["/", "/custom"] });
        await client.next("connect", { ns: "/custom" });
        client.type("server-close");
        assert.equal(await client.exit(), 1);
        assert.deepEqual(client.of("disconnect").map((note) => note.reason), ["io server disconnect", "io server disconnect"]);
        assert.equal(client.of("connect").length, 2);
      });

      test("10,000 events there and back, each once and in order", async () => {
        const client = await open();
        const numbers = [...Array(10_000).keys()];
        client.type(...numbers.map((n) => `message ${n}`));
        await client.hear("message-back", numbers.length);
        assert.deepEqual(client.heard("message-back").flat(), numbers);
      });

      test("texts and files in turn, in two namespaces, stay in order", async () => {
        const client = await open({ namespace: ["/", "/custom"] });
        const values = NUMBERS.map((n) => (n % 3 ? [n] : [n, Buffer.alloc(n, n)]));
        client.type(...values.flatMap((v) => [line("message", ...v), `/custom ${line("message", ...v)}`]));
        await client.hear("message-back", 100, "/");
        await client.hear("message-back", 100, "/custom");
        assert.deepEqual(client.heard("message-back"), values.map(printed));
        assert.deepEqual(client.heard("message-back", "/custom"), values.map(printed));
      });

      test("--emit once connected, in order, before what is typed", async () => {
        const client = begin({ emit: ["message 1", "?message-with-ack 2", "message 3"] });
        client.type("message 4");
        await client.hear("message-back", 3);
        assert.deepEqual(client.heard("message-back").flat(), [1, 3, 4]);
        assert.deepEqual((await client.next("answer")).args, [2]);
      });

      test("--for ends it in time, with exit code 0", async () => {
        const client = await open({ for: 1.5, emit: ["message 1"] });
        await client.hear("message-back");
        client.child.stdin.end();
        assert.equal(await client.exit(), 0);
        assert.deepEqual(client.of("end"), [{ what: "end", reason: "closed" }]);
      });

      test("Ctrl-C ends it in order", async () => {
        const client = await open();
        assert.equal(await client.stop("SIGINT"), 0);
        assert.deepEqual(client.of("end"), [{ what: "end", reason: "closed" }]);
      });

      test("what is wrong in a line is said, and not sent", async () => {
        const client = await open();
        client.type("message hello", "message 1,", "message [1", "/nowhere x 1", "message @/no/such/file", "disconnect 1", 'message "open', "message {]}");
        await client.next("error", {}, 8);
        client.type("message 1");
        assert.deepEqual(await client.hear("message-back"), [1]);
        assert.deepEqual(client.heard("message-back"), [[1]]);
      });

      test("packets are shown as they go", async () => {
        const client = await open({ packets: true });
        client.type("message 1,{}", line("message", Buffer.from([1, 2])));
        await client.hear("message-back", 2);
        const shown = (direction) => client.of("packet", { direction }).map((note) => note.text ?? note.binary);
        assert.ok(shown("sent").includes("40"));
        assert.ok(shown("sent").includes('42["message",1,{}]'));
        assert.ok(shown("sent").includes('451-["message",{"_placeholder":true,"num":0}]'));
        assert.match(shown("received")[0], /^0\{/);
        assert.ok(shown("received").some((text) => /^40\{"sid":/.test(text)));
        for (const direction of ["sent", "received"]) {
          assert.ok(client.of("packet", { direction, binary: printed(Buffer.from([1, 2])) }).length, direction);
        }
      });

      test("what it prints for people", async () => {
        const client = begin({ json: false, respond: true });
        client.type('message "a\\u001b[1m",1', line("message", Buffer.from([1, 2])), "?message-with-ack 5", "ask-ack 6");
        await until(() => client.lines.some((text) => text.startsWith("/ ack-was")), "lines", PATIENCE);
        assert.equal(await client.end(), 0);
        assert.match(client.lines[0], new RegExp(`^connected: / as \\S+ over (${transports.join("|")})$`));
        for (const expected of ["/ auth {}", '/ message-back "a\\u001b[1m",1', "/ message-back <2 bytes 0102>", "/ answer to message-with-ack: 5", "/ ?please-ack 6", "/ ack-was 6"]) {
          assert.ok(client.lines.includes(expected), `${expected} in ${client.lines.join("\n")}`);
        }
        assert.equal(client.lines.at(-1), "closed");
      });

      test("the server restarts: what was typed meanwhile arrives once, in order; credentials go again; what was asked before is not answered", async () => {
        const client = await open({ auth: { token: 1 } });
        await client.hear("auth");
        client.type("message 0", "?never 1");
        await client.hear("message-back");
        await server.stop("SIGKILL");
        await client.next("disconnect");
        assert.equal((await client.next("no_answer")).name, "never");
        client.type(...NUMBERS.map((n) => (n % 10 ? line("message", n) : line("message", n, Buffer.from([n])))), "?message-with-ack 1");
        await client.next("failed", {}, 2);
        server = await start(program, { args, listen: `127.0.0.1:${server.port}` });
        assert.deepEqual((await client.next("answer")).args, [1]);
        await client.hear("message-back", 101);
        assert.deepEqual(client.heard("message-back").map(([n]) => n), [0, ...NUMBERS]);
        assert.deepEqual(client.heard("auth"), [[{ token: 1 }], [{ token: 1 }]]);
        assert.equal(client.of("no_answer").length, 1);
        const [first, second] = client.of("connect");
        assert.notEqual(first.id, second.id);
      });

      test("the server is not there yet: the client waits for it", async () => {
        await server.stop("SIGKILL");
        const client = begin();
        client.type("message 1");
        await client.next("failed", {}, 2);
        server = await start(program, { args, listen: `127.0.0.1:${server.port}` });
        assert.deepEqual(await client.hear("message-back"), [1]);
        assert.equal(await client.end(), 0);
      });

      test("the server goes, with --no-reconnect: exit code 1", async () => {
        const client = await open({ "no-reconnect": true });
        await server.stop("SIGKILL");
        assert.equal(await client.exit(), 1);
        assert.match(client.of("disconnect")[0].reason, /^transport (close|error)$/);
        server = await start(program, { args, listen: `127.0.0.1:${server.port}` });
      });
    });
  }
}
