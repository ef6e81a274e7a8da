// The page. What people typed is only ever set as text.

import { Client } from "/client.js";

const MAX_NAME = 40;
const MAX_MESSAGE = 2000;
const MAX_SHOWN = 500;
const MAX_PENDING = 20;

const $ = (id) => document.getElementById(id);
const length = (text) => [...text].length;
const messages = $("messages");
const scroll = $("scroll");

let me = recall();
let isIn = false;
const pending = [];
const typists = new Map();

const client = new Client(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket.io/`);

// ---- what the server says

client
  .on("allMessage", (list) => {
    // The whole history, again whenever somebody connects: shown only if it tells us something.
    const wanted = list.slice(-MAX_SHOWN);
    const shown = [...messages.querySelectorAll("[data-kind=message]:not(.pending)")];
    const tail = shown.slice(-wanted.length);
    const isSame = tail.length === wanted.length && tail.every((li, i) => li.said.name === wanted[i].name && li.said.message === wanted[i].message);
    if (isSame) return;
    keepingPlace(() => {
      shown.forEach((li) => li.remove());
      const first = messages.firstChild;
      wanted.forEach((said) => messages.insertBefore(item(said), first));
      group();
    });
  })
  .on("newMessage", (said) => {
    if (said.name === me) {
      const at = pending.findIndex((p) => p.isSent && p.message === said.message);
      if (at >= 0) pending.splice(at, 1)[0].li.remove();
    }
    typists.delete(said.name);
    showTyping();
    add(item(said));
  })
  .on("globalMsg", (text) => add(notice(text)))
  .on("notice", (text) => add(notice(text)))
  .on("users", ({ count, names }) => {
    $("count").textContent = count;
    $("users").replaceChildren(...names.map((name) => {
      const li = document.createElement("li");
      const badge = document.createElement("span");
      badge.className = "badge";
      badge.ariaHidden = "true";
      badge.textContent = [...name][0].toUpperCase();
      badge.style.setProperty("--hue", hue(name));
      const text = document.createElement("bdi");
      text.textContent = name;
      li.append(badge, text);
      return li;
    }));
    $("more").hidden = count <= names.length;
    $("more").textContent = `and ${count - names.length} more`;
  })
  .on("typing", ({ name, typing }) => {
    clearTimeout(typists.get(name));
    typists.delete(name);
    if (typing) typists.set(name, setTimeout(() => { typists.delete(name); showTyping(); }, 6000));
    showTyping();
  });

client.addEventListener("state", () => {
  const state = client.state;
  $("state").dataset.state = state;
  $("state-text").textContent =
    { connecting: "Connecting…", connected: "Connected", waiting: "Disconnected", offline: "Offline" }[state];
  $("retry").hidden = state !== "waiting" && state !== "offline";
  tick();
  if (state === "connected" && isIn) {
    client.emit("user-name", me);
    pending.forEach(sendPending);
  }
  if (state !== "connected") {
    pending.forEach((p) => (p.isSent = false));
    typists.clear();
    showTyping();
  }
});

// How long until the next try.
function tick() {
  clearTimeout(tick.timer);
  const isWaiting = client.state === "waiting";
  $("countdown").hidden = !isWaiting;
  if (!isWaiting) return;
  const seconds = Math.max(0, Math.ceil((client.retryAt - Date.now()) / 1000));
  $("countdown").textContent = `next try in ${seconds} s`;
  tick.timer = setTimeout(tick, 200);
}

$("retry").onclick = () => client.retryNow();

// ---- the list of messages

function item(said, isPending = false) {
  const li = document.createElement("li");
  li.said = said;
  li.dataset.kind = "message";
  li.dataset.name = said.name;
  li.classList.toggle("own", said.name === me);
  li.classList.toggle("pending", isPending);
  const who = document.createElement("div");
  who.className = "who";
  who.dir = "auto";
  who.textContent = said.name;
  who.style.setProperty("--hue", hue(said.name));
  const text = document.createElement("div");
  text.className = "said";
  text.dir = "auto";
  text.textContent = said.message;
  li.append(who, text);
  return li;
}

function notice(text) {
  const li = document.createElement("li");
  li.dataset.kind = "notice";
  li.dir = "auto";
  li.textContent = text;
  return li;
}

function add(li) {
  keepingPlace(() => {
    messages.insertBefore(li, pending.find((p) => p.li.isConnected)?.li ?? null);
    while (messages.childElementCount > MAX_SHOWN) messages.firstChild.remove();
    group();
  }, li.classList.contains("own"));
}

// A name is shown once above what one person says in a row.
function group() {
  let before = null;
  for (const li of messages.children) {
    li.classList.toggle("same", li.dataset.kind === "message" && before?.dataset.name === li.dataset.name);
    before = li;
  }
}

// Who reads at the bottom goes on reading there; who reads further up is not moved.
function keepingPlace(change, toBottom = false) {
  const isAtBottom = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  change();
  if (isAtBottom || toBottom) scroll.scrollTop = scroll.scrollHeight;
  else $("below").hidden = false;
}

scroll.onscroll = () => {
  if (scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40) $("below").hidden = true;
};
$("below").onclick = () => {
  scroll.scrollTop = scroll.scrollHeight;
  $("message").focus();
};

function hue(name) {
  let hash = 7;
  for (const c of name) hash = (hash * 31 + c.codePointAt(0)) % 360;
  return hash;
}

function showTyping() {
  const names = [...typists.keys()];
  $("typing").textContent =
    names.length === 0 ? "" : names.length > 2 ? "Several people are typing…" : `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing…`;
}

// ---- the name

$("name").value = me;
$("join").onsubmit = (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  const problem = name === "" ? "Please say your name." : length(name) > MAX_NAME ? `At most ${MAX_NAME} characters, please.` : "";
  $("name-hint").textContent = problem;
  $("name-hint").classList.toggle("bad", problem !== "");
  if (problem) return $("name").focus();
  me = name;
  remember(name);
  isIn = true;
  client.emit("user-name", me);
  for (const li of messages.children) li.classList.toggle("own", li.dataset.name === me);
  $("rename").textContent = `You are ${me}`;
  $("rename").title = "Change your name";
  $("join").hidden = true;
  $("write").hidden = false;
  check();
  $("message").focus();
  scroll.scrollTop = scroll.scrollHeight;
};
$("rename").onclick = () => {
  $("join").hidden = false;
  $("write").hidden = true;
  $("name").focus();
  $("name").select();
};

// Storage may be forbidden.
function remember(name) {
  try { localStorage.setItem("name", name); } catch {}
}
function recall() {
  try { return localStorage.getItem("name") ?? ""; } catch { return ""; }
}

// ---- writing

const box = $("message");

function check() {
  const left = MAX_MESSAGE - length(box.value);
  $("left").textContent = left < 200 ? (left < 0 ? `${-left} characters too many` : `${left} characters left`) : "";
  $("left").classList.toggle("bad", left < 0);
  $("send").disabled = left < 0 || box.value.trim() === "";
  box.style.height = "auto";
  // Nothing has a height while it is hidden.
  if (box.scrollHeight) box.style.height = `${box.scrollHeight + 2}px`;
}

let isTyping = false;
function setTyping(typing) {
  clearTimeout(setTyping.timer);
  if (typing) setTyping.timer = setTimeout(() => setTyping(false), 4000);
  if (typing !== isTyping && client.emit("typing", typing)) isTyping = typing;
}

box.oninput = () => {
  check();
  setTyping(box.value !== "");
};
box.onkeydown = (event) => {
  // Not while an input method composes a character.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("write").requestSubmit();
  }
};
$("write").onsubmit = (event) => {
  event.preventDefault();
  check();
  if ($("send").disabled) return;
  if (pending.length >= MAX_PENDING) return add(notice("Too much is waiting to be sent."));
  const said = { name: me, message: box.value };
  // Shown at once, and replaced when the server says it to everybody.
  const entry = { message: said.message, isSent: false, li: item(said, true) };
  keepingPlace(() => { messages.append(entry.li); group(); }, true);
  pending.push(entry);
  sendPending(entry);
  box.value = "";
  check();
  setTyping(false);
  box.focus();
};

function sendPending(entry) {
  entry.isSent = client.emit("sendMessage", { name: me, message: entry.message });
}

$("show-users").onclick = () => {
  const isOpen = $("people").classList.toggle("open");
  $("show-users").ariaExpanded = String(isOpen);
};

check();
$("name").focus();
client.connect();
