// How long one client can make another wait. A bystander measures its round trips while a stranger asks for as much as the server gives.
// A limit may refuse the stranger; the bystander's waits are what is judged. `--test-reporter spec` prints them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Bystander, Client, text } from "./bystander.js";
import { sleep, startServer } from "./support.js";

/** Milliseconds that the server may compute while a bystander waits once. */
const MOST = 20;
const ROOMS = 400_000;
const QUESTIONS = 150_000;
/** The most connections that a stranger opens when a limit of one connection refuses it more. */
const CONNECTIONS = 6000;

/** Runs `scenario(port, phase)` against a new server; `phase(name, work)` measures the waits during `work`. A failed run is repeated once. */
function measured(name, scenario) {
  test(name, { timeout: 600_000 }, async (t) => {
    let late;
    for (let tries = 0; tries < 2; tries++) {
      const server = await startServer({ args: ["--log", "warn", "--ping-interval", "300000"] });
      const bystander = await Bystander.start(server);
      const ms = (n) => n.toFixed(2).padStart(9);
      const tell = (phase, { p50, p99, most, busy }, note = "") => t.diagnostic(`${phase.padEnd(44)} p50${ms(p50)} p99${ms(p99)} most${ms(most)} ms, server${ms(busy)} ms ${note}`);
      tell("nothing", await bystander.during(() => sleep(500)));
      late = [];
      await scenario(server.port, async (phase, work) => {
        let note;
        const waits = await bystander.during(async () => {
          note = await work();
          await sleep(100);
        });
        tell(phase, waits, note);
        if (waits.busy >= MOST) late.push(`${phase}: ${waits.busy.toFixed(1)} ms of computing (${waits.most.toFixed(1)} ms by the clock)`);
      });
      await bystander.stop();
      assert.equal(await server.stop(), 0, server.log());
      if (late.length === 0) return;
    }
    assert.fail(`the bystander waited ${MOST} ms or longer:\n${late.join("\n")}`);
  });
}

/** Opens connections until `total` is taken, or one is given nothing; `one(client, from)` takes what it can and returns how much that was. */
async function takeAll(port, total, one) {
  const clients = [];
  let taken = 0;
  while (taken < total && clients.length < CONNECTIONS) {
    const client = await Client.open(port);
    if (!client) break;
    clients.push(client);
    const more = await one(client, taken);
    if (more === 0) break;
    taken += more;
  }
  return { clients, taken };
}

/**
 * A model of the memory for rooms in a server that makes it longer when it is full: what is needed, and as much again up to 2^14 records and 2^18 bytes
 * of names, of which a quarter may be gaps. 6 bytes stand beside each name. The stranger uses it to fill that memory to its last bytes. Where
 * the server allocates in another way the stranger fills it less precisely, and all else holds.
 */
class Arena {
  links = [0, 64];
  names = [0, 1024];
  enter(links = 4) {
    this.#add(links, 20 + 6);
  }
  join(length) {
    this.#add(2, length + 6);
  }
  leave(length) {
    this.links[0] -= 2;
    this.names[0] -= length + 6;
  }
  get free() {
    return this.names[1] - this.names[0];
  }
  #add(links, names) {
    this.links[0] += links;
    this.names[0] += names;
    if (this.links[0] > this.links[1]) this.links[1] = this.links[0] + Math.min(this.links[0], 2 ** 14);
    const needed = Math.ceil((this.names[0] * 4) / 3);
    if (this.names[0] > this.names[1]) this.names[1] = needed + Math.min(needed, 2 ** 18);
  }
}

describe("a bystander of `server`", () => {
  measured("while a stranger joins 400,000 rooms, and joins and leaves more", async (port, phase) => {
    const arena = new Arena();
    arena.enter(5);
    const joinAll = async (client, names) => {
      let joined = 0;
      const wanted = new Set(names.map((name, id) => `43${id}["${name}"]`));
      await client.exchange(Buffer.concat(names.map((name, id) => text(`42${id}["join","${name}"]`))), (packet) => (joined += wanted.has(packet)));
      return joined;
    };
    /** Pairs of `join` and `leave` of a name that is new to the server each time. */
    const churn = async (client, name, times) => {
      let answers = 0;
      const pair = Buffer.concat([text(`420["join","${name}"]`), text(`420["leave","${name}"]`)]);
      await client.exchange(Buffer.concat(Array(times).fill(pair)), (packet) => (answers += packet === `430["${name}"]`));
      return `(${answers / 2} of ${times} pairs, ${times * pair.length} bytes${client.isOver ? ", refused" : ""})`;
    };

    const last = await Client.open(port);
    arena.enter();
    let longest = 0;
    for (const length of [32, 250, 1000, 16_000]) {
      if ((await joinAll(last, ["x".repeat(length)])) === 0) break;
      arena.join(length);
      arena.leave(length);
      await churn(last, "x".repeat(length), 1);
      longest = length;
    }

    let perClient = ROOMS;
    let all;
    const name = (n) => `r${String(n).padStart(7, "0")}`;
    await phase("400,000 rooms are joined", async () => {
      all = await takeAll(port, ROOMS, async (client, from) => {
        arena.enter();
        let taken = 0;
        while (taken < perClient && from + taken < ROOMS) {
          const wanted = Math.min(1000, perClient - taken, ROOMS - from - taken);
          const joined = await joinAll(client, Array.from({ length: wanted }, (_, i) => name(from + taken + i)));
          taken += joined;
          if (joined < wanted) perClient = taken;
        }
        for (let i = 0; i < taken; i++) arena.join(8);
        return taken;
      });
      return `(${all.taken} rooms on ${all.clients.length} connections)`;
    });
    await phase("2,000 more come and go", () => churn(last, "~", 2000));
    await phase("the memory for names is filled to its end", async () => {
      let joined = 0;
      // Room for the name that comes and goes, and not for two of them.
      const isFull = () => longest === 0 || arena.free < 2 * 7;
      const { clients } = await takeAll(port, Infinity, async (client) => {
        arena.enter();
        const before = joined;
        while (!isFull()) {
          const length = Math.max(6, Math.min(longest, arena.free - 6 - 7));
          if ((await joinAll(client, [`p${String(joined).padStart(5, "0")}`.padEnd(length, "p")])) === 0) break;
          arena.join(length);
          joined += 1;
        }
        return isFull() ? Infinity : joined - before;
      });
      all.clients.push(...clients);
      return `(${joined} rooms with names of up to ${longest} bytes; ${arena.free} bytes are free if it grows so)`;
    });
    await phase("2,000 more come and go, at the end", () => churn(last, "~", 2000));
    await phase("2,000 more come and go, with long names", () => churn(last, "~".repeat(Math.min(longest, 250)), 2000));
    await phase("the stranger goes", async () => {
      for (const client of [last, ...all.clients]) client.destroy();
      await sleep(1000);
    });
  });

  measured("while a stranger has 150,000 acknowledgements in flight, and goes", async (port, phase) => {
    let perClient = QUESTIONS;
    let all;
    await phase("150,000 are asked for", async () => {
      all = await takeAll(port, QUESTIONS, async (client, from) => {
        const wanted = Math.min(perClient, QUESTIONS - from);
        let asked = 0;
        await client.exchange(Buffer.alloc(wanted * 19, text('42["ask-ack"]')), (packet) => (asked += packet.endsWith('["please-ack"]')));
        if (asked < wanted) perClient = asked;
        return asked;
      });
      return `(${all.taken} on ${all.clients.length} connections)`;
    });
    await phase("it leaves the namespace", async () => {
      // Nothing behind it: a packet to a namespace that is not joined would end the session before it is told of its unanswered questions.
      for (const client of all.clients) client.send(text("41"));
      await sleep(500);
    });
    await phase("it goes", async () => {
      for (const client of all.clients) client.destroy();
      await sleep(500);
    });
  });

  const MEGABYTE = 1_000_000;
  const fill = (before, piece, after) => before + piece.repeat((MEGABYTE - before.length - after.length) / piece.length) + after;
  const array = (piece) => fill('42["message",', piece, "0]");
  const placeholder = (n) => `{"_placeholder":true,"num":${n}}`;
  const packets = {
    "arrays nested as deep as is let in": [array(`${"[".repeat(60)}${"]".repeat(60)},`)],
    "arrays nested deeper": [`42["message",${"[".repeat(900_000)}`],
    "objects nested as deep as is let in": [array(`${'{"":'.repeat(60)}0${"}".repeat(60)},`)],
    "300,000 numbers": [array("10,")],
    "a string of escapes": [fill('42["message","', "\\u0000", '"]')],
    "a name of escapes": [fill('42["', "\\u0000", '"]')],
    "a room with a name of escapes": [fill('42["join","', "\\u0041", '"]')],
    "white space": [fill("42[", " ", '"message"]')],
    "a long namespace": [fill("42/", "x", ',["message"]')],
    "a long id": [fill("42", "9", '["message"]')],
    "a query behind a namespace": [fill("40/custom?", "x", ",")],
    "auth of a megabyte": [fill('40/custom,{"a":"', "\\u0000", '"}')],
    "placeholders of nothing, in strings": [fill('42["message","', '{_placeholder:true,num:0}', '"]')],
    "an acknowledgement of a megabyte": [fill("430[", "10,", "0]")],
    "ten attachments of a megabyte": [
      `4510-["message",${Array.from({ length: 10 }, (_, i) => placeholder(i)).join()}]`,
      ...Array(10).fill(Buffer.alloc(MEGABYTE)),
    ],
    "30,000 placeholders of ten attachments": [
      fill('4510-["message",', `${placeholder(9)},`, `${Array.from({ length: 10 }, (_, i) => placeholder(i)).join()}]`),
      ...Array(10).fill(Buffer.alloc(10)),
    ],
  };

  measured("while a stranger sends the packets that cost most", async (port, phase) => {
    for (const [what, parts] of Object.entries(packets)) {
      const client = await Client.open(port);
      const bytes = Buffer.concat(parts.map((part) => {
        const bytes = text(part);
        if (Buffer.isBuffer(part)) bytes[0] = 0x82;
        return bytes;
      }));
      await phase(what, async () => {
        await client.exchange(bytes);
        return client.isOver ? "(refused)" : "";
      });
      client.destroy();
    }
  });
});
