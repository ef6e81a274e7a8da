// A chat page of another time, on another port, with the stock client and its default options: it knows the five events of the chat and nothing of this crate.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { startChat } from "./support.js";

const file = (name) => readFileSync(path.join(import.meta.dirname, "node_modules", name));
const page = (chat) => `<!doctype html><meta charset="utf-8"><title>old chat</title>
<div id="app">
  <form v-if="!joined" @submit.prevent="join"><input id="name" v-model="name"><button>join</button></form>
  <div v-else>
    <p id="transport">{{ transport }}</p>
    <ul id="messages"><li v-for="m in messages">{{ m.name }}: {{ m.message }}</li></ul>
    <ul id="notices"><li v-for="n in notices">{{ n }}</li></ul>
    <form @submit.prevent="send"><input id="text" v-model="text"><button>send</button></form>
  </div>
</div>
<script src="/vue.js"></script><script src="/socket.io.js"></script>
<script>
new Vue({
  el: "#app",
  data: { joined: false, name: "", text: "", messages: [], notices: [], transport: "" },
  methods: {
    join() {
      this.joined = true;
      this.socket = io("${chat}");
      this.socket.on("connect", () => {
        this.socket.emit("user-name", this.name);
        const engine = this.socket.io.engine;
        this.transport = engine.transport.name;
        engine.on("upgrade", (t) => (this.transport = t.name));
      });
      this.socket.on("allMessage", (all) => (this.messages = all));
      this.socket.on("newMessage", (m) => this.messages.push(m));
      this.socket.on("globalMsg", (text) => this.notices.push(text));
    },
    send() {
      this.socket.emit("sendMessage", { name: this.name, message: this.text });
      this.text = "";
    },
  },
});
</script>`;

let [chat, pages, browser] = [];
before(async () => {
  chat = await startChat();
  const answers = {
    "/": ["text/html", page(`http://localhost:${chat.port}`)],
    "/vue.js": ["text/javascript", file("vue/dist/vue.min.js")],
    "/socket.io.js": ["text/javascript", file("socket.io-client-4-1/dist/socket.io.js")],
  };
  pages = createServer((request, response) => {
    const [type, body] = answers[request.url] ?? ["text/plain", ""];
    response.writeHead(200, { "content-type": type }).end(body);
  }).listen(0, "127.0.0.1");
  await once(pages, "listening");
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});
after(async () => {
  await browser?.close();
  pages?.close();
  assert.equal(await chat.stop(), 0);
});

const texts = (page, selector) => page.$$eval(`${selector} li`, (all) => all.map((li) => li.textContent));
const has = (page, selector, text) => page.waitForFunction(([s, t]) => [...document.querySelectorAll(`${s} li`)].some((li) => li.textContent.includes(t)), [selector, text], { timeout: 10_000 });

for (const withoutWebSocket of [false, true]) {
  test(`names, history, messages, notices; ${withoutWebSocket ? "without WebSocket" : "at last over WebSocket"}`, { timeout: 60_000 }, async () => {
    const join = async (name) => {
      const page = await (await browser.newContext()).newPage();
      page.problems = [];
      page.on("pageerror", (e) => page.problems.push(`${e}`));
      page.on("console", (m) => m.type() === "error" && page.problems.push(m.text()));
      if (withoutWebSocket) await page.addInitScript(() => (window.WebSocket = function () { throw new Error("no WebSocket here"); }));
      await page.goto(`http://127.0.0.1:${pages.address().port}/`);
      await page.fill("#name", name);
      await page.press("#name", "Enter");
      const last = withoutWebSocket ? "polling" : "websocket";
      await page.waitForFunction((last) => document.querySelector("#transport")?.textContent === last, last, { timeout: 10_000 });
      return page;
    };
    const say = async (page, text) => {
      await page.fill("#text", text);
      await page.press("#text", "Enter");
    };
    const tag = withoutWebSocket ? "p" : "w";
    const ann = await join(`Ann ${tag}`);
    await say(ann, `hello ${tag} 日本 🦀 <b>"q"</b>`);
    await has(ann, "#messages", `Ann ${tag}: hello ${tag} 日本 🦀 <b>"q"</b>`);
    const bob = await join(`Bob ${tag}`);
    await has(bob, "#messages", `hello ${tag}`);
    await has(ann, "#notices", `Bob ${tag}`);
    for (let i = 0; i < 20; i++) await say(i % 2 ? ann : bob, `message ${tag} ${i}`);
    for (const page of [ann, bob]) await has(page, "#messages", `message ${tag} 19`);
    const both = await Promise.all([ann, bob].map((p) => texts(p, "#messages")));
    assert.deepEqual(both[0].filter((t) => t.includes(`message ${tag}`)), both[1].filter((t) => t.includes(`message ${tag}`)));
    assert.equal(both[0].filter((t) => t.includes(`message ${tag}`)).length, 20);
    await bob.context().close();
    await has(ann, "#notices", "left");
    assert.deepEqual([...ann.problems, ...bob.problems], []);
    await ann.context().close();
  });
}
