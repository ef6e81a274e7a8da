// A small Socket.IO v5 client over the browser's WebSocket: one namespace, events, reconnection.

const FIRST_DELAY = 1000;
const LAST_DELAY = 5000;

export class Client extends EventTarget {
  /** `url`: where the server is, such as ws://host/socket.io/ */
  constructor(url) {
    super();
    this.url = `${url}?EIO=4&transport=websocket`;
    this.state = "connecting";
    this.attempt = 0;
    this.handlers = new Map();
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.#lost("offline"));
    // A tab that slept has missed its timers: look at the clock when it wakes.
    document.addEventListener("visibilitychange", () => {
      if (Date.now() > this.deadline) this.#lost("ping timeout");
    });
  }

  on(name, handler) {
    this.handlers.set(name, handler);
    return this;
  }

  /** Sends an event; false while there is no connection. */
  emit(name, ...args) {
    if (this.state !== "connected") return false;
    this.socket.send(`42${JSON.stringify([name, ...args])}`);
    return true;
  }

  retryNow() {
    if (this.state === "waiting" || this.state === "offline") this.connect();
  }

  connect() {
    clearTimeout(this.retryTimer);
    this.#enter("connecting");
    const socket = new WebSocket(this.url);
    this.socket = socket;
    // Until the server speaks, it gets as long as the reference client gives it.
    this.#within(20000);
    socket.onmessage = ({ data }) => {
      if (socket === this.socket && typeof data === "string") this.#packet(data);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.#lost("transport close");
    };
  }

  #packet(data) {
    const rest = data.slice(1);
    switch (data[0]) {
      case "0": {
        const { pingInterval, pingTimeout } = JSON.parse(rest);
        this.patience = pingInterval + pingTimeout;
        this.#within(this.patience);
        this.socket.send("40");
        break;
      }
      case "1":
        this.#lost("transport close");
        break;
      case "2":
        this.socket.send("3");
        this.#within(this.patience);
        break;
      case "4":
        this.#message(rest);
        break;
    }
  }

  #message(text) {
    // <type>[<id>]<JSON>; the namespace is always the main one.
    const [, type, json] = /^(\d)\d*(.*)$/s.exec(text) ?? [];
    if (type === "0") {
      this.attempt = 0;
      this.#enter("connected");
    } else if (type === "1" || type === "4") {
      this.#lost("server disconnect");
    } else if (type === "2") {
      const [name, ...args] = JSON.parse(json);
      this.handlers.get(name)?.(...args);
    }
  }

  #within(ms) {
    clearTimeout(this.deadlineTimer);
    this.deadline = Date.now() + ms;
    this.deadlineTimer = setTimeout(() => this.#lost("ping timeout"), ms);
  }

  #lost(reason) {
    if (this.state === "waiting" || (this.state === "offline" && reason !== "online")) return;
    clearTimeout(this.deadlineTimer);
    this.deadline = Infinity;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    if (!navigator.onLine) {
      this.#enter("offline");
      return;
    }
    // 1, 2, 4, 5, 5 seconds, each half as much more or less: clients of a server that went come back spread out.
    const delay = Math.min(FIRST_DELAY * 2 ** this.attempt, LAST_DELAY) * (0.5 + Math.random());
    this.attempt += 1;
    this.retryAt = Date.now() + delay;
    this.retryTimer = setTimeout(() => this.connect(), delay);
    this.#enter("waiting");
  }

  #enter(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
