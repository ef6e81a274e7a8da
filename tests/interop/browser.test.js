// The page in Chromium: two people, two contexts.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { startChat, until } from "./support.js";

const shots = process.env.SCREENSHOTS;
let chat;
let browser;
const problems = [];

before(async () => {
  if (shots) mkdirSync(shots, { recursive: true });
  chat = await startChat();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});
after(async () => {
  await browser?.close();
  await chat?.stop();
});

async function open({ width = 1280, height = 800, dark = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light" });
  const page = await context.newPage();
  page.on("pageerror", (e) => problems.push(`${e}`));
  page.on("dialog", (d) => { problems.push(`dialog ${d.message()}`); d.dismiss(); });
  page.on("console", (m) => { if (m.type() === "error" && !/ERR_CONNECTION|WebSocket connection/.test(m.text())) problems.push(m.text()); });
  await page.goto(chat.url);
  return page;
}

const state = (page, wanted) => page.waitForSelector(`#state[data-state=${wanted}]`, { timeout: 15000 });
const texts = (page, kind) => page.$$eval(`#messages li[data-kind=${kind}]`, (all) => all.map((li) => (li.querySelector(".said") ?? li).textContent));
const shot = (page, name) => shots && page.screenshot({ path: `${shots}/${name}.png` });
// Keyboard alone: the focus is where it has to be.
async function join(page, name) {
  await state(page, "connected");
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
}
async function say(page, text) {
  for (const [i, line] of text.split("\n").entries()) {
    if (i) await page.keyboard.press("Shift+Enter");
    await page.keyboard.insertText(line);
  }
  await page.keyboard.press("Enter");
}

test("two people chat by keyboard alone", async () => {
  const ann = await open();
  await join(ann, "Ann");
  const bob = await open({ width: 390, height: 844 });
  await join(bob, "Bob");
  await until(async () => (await texts(ann, "notice")).includes("Bob joined the chat"), "joined");
  const odd = ["Hello Bob! 👋", "你好,世界 🦀", `"quotes" \\backslash\\ & <b>tags</b>`, "two\nlines", `<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`];
  for (const [i, text] of odd.entries()) {
    const [from, to] = i % 2 ? [bob, ann] : [ann, bob];
    await say(from, text);
    await until(async () => (await texts(to, "message")).at(-1) === text, `'${text}' arrives as text`);
  }
  for (const page of [ann, bob]) {
    await until(async () => (await page.$$(".pending")).length === 0, "nothing is pending");
    assert.deepEqual(await texts(page, "message"), odd);
    assert.equal(await page.$("#messages script, #messages img, #messages b"), null);
  }
  await until(async () => (await ann.$$eval("#users li bdi", (all) => all.map((b) => b.textContent).join())) === "Ann,Bob", "who is here");
  await ann.keyboard.type("I am typ");
  await until(async () => (await bob.textContent("#typing")) === "Ann is typing…", "typing");

  const eve = await open({ dark: true });
  await state(eve, "connected");
  await until(async () => (await texts(eve, "message")).length === odd.length, "history for the newcomer");
  assert.deepEqual(await texts(eve, "message"), odd);
  await shot(ann, "wide");
  await shot(bob, "phone");
  await shot(eve, "dark");
  await eve.context().close();

  await bob.context().close();
  await until(async () => (await texts(ann, "notice")).includes("Bob left the chat"), "left");
  // Names and texts that are too long are said to be so, and not sent.
  await ann.fill("#message", "x".repeat(2001));
  assert.equal(await ann.isDisabled("#send"), true);
  assert.match(await ann.textContent("#left"), /1 characters too many/);
  await ann.context().close();
});

test("the server is killed and comes back: the page says so and goes on by itself", async () => {
  const ann = await open();
  await join(ann, "Ann");
  const bob = await open({ width: 390, height: 844 });
  await join(bob, "Bob");
  await say(ann, "before");
  await until(async () => (await texts(bob, "message")).at(-1) === "before", "before");
  const { port } = chat;
  await chat.stop("SIGKILL");
  await state(ann, "waiting");
  await until(async () => /next try in \d s/.test(await ann.textContent("#countdown")), "countdown");
  assert.equal(await ann.isVisible("#retry"), true);
  await say(ann, "written while away");
  assert.equal(await ann.$$eval(".pending", (all) => all.length), 1);
  await state(bob, "waiting");
  await shot(bob, "waiting");
  chat = await startChat({ listen: `127.0.0.1:${port}` });
  for (const page of [ann, bob]) await state(page, "connected");
  await until(async () => (await texts(bob, "message")).at(-1) === "written while away", "what was written arrives");
  await until(async () => (await ann.$$(".pending")).length === 0, "nothing is pending");
  await say(bob, "after");
  await until(async () => (await texts(ann, "message")).at(-1) === "after", "after");
  for (const page of [ann, bob]) await page.context().close();
});

test("nothing went wrong in the pages", () => assert.deepEqual(problems, []));
