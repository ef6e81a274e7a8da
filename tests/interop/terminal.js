// The program `client` with `--json`, and `chat_terminal`, as processes.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { example, until } from "./support.js";

export const CLIENT = process.env.CLIENT ?? example("client");
/** How long anything may take on a slow machine. */
export const PATIENCE = 30_000;

export const WAYS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

/** A process whose lines of output are kept. */
export class Program {
  lines = [];
  errors = "";

  constructor(program, args) {
    this.child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    const kill = () => this.child.kill("SIGKILL");
    process.once("exit", kill);
    this.child.stdin.on("error", () => {});
    this.child.stderr.on("data", (d) => (this.errors += d));
    let rest = "";
    this.child.stdout.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) this.said(line);
    });
    this.ended = new Promise((done) =>
      this.child.on("close", (code, signal) => {
        process.off("exit", kill);
        this.code = code ?? signal;
        done(this.code);
      }),
    );
  }

  said(line) {
    this.lines.push(line);
  }

  type(...lines) {
    this.child.stdin.write(lines.map((line) => `${line}\n`).join(""));
    return this;
  }

  /** Ends the input, and waits for the program's end. */
  end() {
    this.child.stdin.end();
    return this.exit();
  }

  /** Waits for the end: the exit code, or the signal. */
  async exit(ms = PATIENCE) {
    await until(() => this.code !== undefined, () => `the end; so far: ${this.tail()}`, ms);
    return this.code;
  }

  stop(signal = "SIGKILL") {
    this.child.kill(signal);
    return this.exit();
  }

  tail() {
    return `${this.lines.slice(-8).join("\n")}\n${this.errors}`;
  }
}

/** Whether `note` has all that `fields` has. */
const fits = (note, fields) => Object.entries(fields).every(([key, value]) => isDeepStrictEqual(note[key], value));

/** `client --json`: what it says, as objects. */
export class Terminal extends Program {
  notes = [];

  /** Options by name: `{ auth: {…}, namespace: ["/a"], respond: true }`. Reconnects soon, if it does. */
  static start(url, { transports = ["polling"], ...options } = {}) {
    const all = { transports: transports.join(), json: true, delay: 0.05, ...options };
    const args = Object.entries(all).flatMap(([name, value]) => {
      if (typeof value === "boolean") return value ? [`--${name}`] : [];
      return [value].flat().flatMap((v) => [`--${name}`, typeof v === "object" ? JSON.stringify(v) : String(v)]);
    });
    return new (all.json ? Terminal : Program)(CLIENT, [url, ...args]);
  }

  said(line) {
    super.said(line);
    this.notes.push(JSON.parse(line));
  }

  of(what, fields = {}) {
    return this.notes.filter((note) => note.what === what && fits(note, fields));
  }

  /** Waits for the `count`th note of this kind. */
  async next(what, fields = {}, count = 1, ms = PATIENCE) {
    const found = () => this.of(what, fields)[count - 1] ?? (this.code !== undefined && "ended");
    const note = await until(found, () => `${what} ${JSON.stringify(fields)} no. ${count}; it said ${this.tail()}`, ms);
    if (note === "ended") throw new Error(`ended (${this.code}) instead of ${what} ${JSON.stringify(fields)}: ${this.tail()}`);
    return note;
  }

  /** The arguments of each event of this name. */
  heard(name, ns = "/") {
    return this.of("event", { name, ns }).map((note) => note.args);
  }

  async hear(name, count = 1, ns = "/") {
    return (await this.next("event", { name, ns }, count)).args;
  }

  /** Asks, and waits for the answer. */
  async ask(name, ...args) {
    const count = this.of("answer", { name }).length + 1;
    this.type(`?${line(name, ...args)}`);
    return (await this.next("answer", { name }, count)).args;
  }
}

const folder = mkdtempSync(path.join(tmpdir(), "client-"));
process.once("exit", () => rmSync(folder, { recursive: true }));
let files = 0;

/** A line to be typed. A buffer becomes a file. */
export function line(name, ...args) {
  const typed = (value) => {
    if (Buffer.isBuffer(value)) {
      const file = path.join(folder, String(files++));
      writeFileSync(file, value);
      return `@${file}`;
    }
    if (Array.isArray(value)) return `[${value.map(typed)}]`;
    if (value && typeof value === "object") return `{${Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${typed(v)}`)}}`;
    return JSON.stringify(value);
  };
  return `${name} ${args.map(typed)}`;
}

/** What the program prints for a value. */
export function printed(value) {
  if (Buffer.isBuffer(value)) return { bytes: value.length, base64: value.toString("base64") };
  if (Array.isArray(value)) return value.map(printed);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, printed(v)]));
  return value;
}
