// What the load tests share: processes measured from outside, and small raw clients.
import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import http from "node:http";
import net from "node:net";
import { frame, request } from "../interop/support.js";

const TICK = 1e6 / Number(execFileSync("getconf", ["CLK_TCK"]));

export const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
/** User and system time, in microseconds. */
export function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

// Ports of closed connections rest for a minute: each address of loopback is taken for 2,000 connections, then the next.
let opened = 0;
const source = () => `127.0.${1 + ((opened / 500_000) | 0)}.${1 + (((opened++ / 2000) | 0) % 250)}`;

/** A connection that joined; `onText` sees each packet. Small: thousands of them are held. */
export function open(port, i, onText) {
  return new Promise((done, fail) => {
    const socket = net.connect({ port, host: "127.0.0.1", localAddress: source() });
    socket.setNoDelay(true);
    let rest = Buffer.alloc(0);
    let isOpen = false;
    socket.on("error", fail);
    socket.on("connect", () => socket.write(request()));
    socket.on("data", (d) => {
      rest = rest.length ? Buffer.concat([rest, d]) : d;
      if (!isOpen) {
        const at = rest.indexOf("\r\n\r\n");
        if (at < 0) return;
        isOpen = true;
        rest = rest.subarray(at + 4);
        socket.write(frame("40"));
      }
      for (;;) {
        if (rest.length < 2) break;
        let [from, size] = [2, rest[1] & 127];
        if (size === 126) {
          if (rest.length < 4) break;
          [from, size] = [4, rest.readUInt16BE(2)];
        }
        if (rest.length < from + size) break;
        const text = rest.subarray(from, from + size);
        rest = rest.subarray(from + size);
        if (text[0] === 0x32) socket.write(frame("3"));
        else if (text[0] === 0x34 && text[1] === 0x30) done(socket);
        else onText?.(text);
      }
    });
  });
}

export async function openMany(port, n, onText) {
  const sockets = [];
  for (let i = 0; i < n; i += 200) {
    const some = [...Array(Math.min(200, n - i)).keys()].map((k) => open(port, i + k, onText && ((t) => onText(i + k, t))));
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

/** A client over polling that joined; `ask` sends a packet and gives the next payload. */
export async function poll(port, agent) {
  const call = (path, body) =>
    new Promise((done, fail) => {
      const request = http.request({ port, host: "127.0.0.1", path, agent, method: body ? "POST" : "GET" }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (d) => (text += d)).on("end", () => (answer.statusCode === 200 ? done(text) : fail(new Error(text))));
      });
      request.on("error", fail).end(body);
    });
  const path = "/socket.io/?EIO=4&transport=polling";
  const session = `${path}&sid=${/"sid":"([^"]+)"/.exec(await call(path))[1]}`;
  await call(session, "40");
  while (!(await call(session)).includes("40{"));
  return {
    async ask(packet) {
      await call(session, packet);
      return call(session);
    },
    /** What the server said unasked. */
    drain: () => call(session),
    leave: () => call(session, "1"),
  };
}
