// Servers that only speak as they are told, and proxies that do harm.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

async function listen(server) {
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    sockets,
    stop() {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

/** Answers each request, or each connection, with these bytes; `then`: what becomes of the connection. */
export const startCanned = (answer, then = (socket) => socket.end()) =>
  listen(
    net.createServer((socket) => {
      socket.once("data", (request) => {
        socket.write(typeof answer === "function" ? answer(request.toString("latin1")) : answer);
        then(socket);
      });
    }),
  );

/** `meet(near, far)` joins each connection with one to `port`. */
export const startProxy = (port, meet) =>
  listen(
    net.createServer((near) => {
      const far = net.connect(port, "127.0.0.1");
      const pair = [near, far];
      pair.forEach((socket) => socket.setNoDelay(true));
      pair.forEach((socket, i) => socket.on("error", () => pair[1 - i].destroy()).on("close", () => pair[1 - i].destroy()));
      meet(near, far);
    }),
  );

/** A proxy for HTTP. `upgrade(request, near, far, head)` decides about WebSockets; the answers come in chunks. */
export function startHttpProxy(port, upgrade, { close = false } = {}) {
  const server = http.createServer((request, response) => {
    const { method, url, headers } = request;
    const onward = http.request({ port, host: "127.0.0.1", method, path: url, headers }, (answer) => {
      const { "content-length": _, ...fields } = answer.headers;
      response.writeHead(answer.statusCode, { ...fields, connection: close ? "close" : "keep-alive" });
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.on("upgrade", (request, near, head) => {
    near.on("error", () => {});
    upgrade(near, () => {
      const far = net.connect(port, "127.0.0.1");
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
      far.write(`${lines.join("\r\n")}\r\n\r\n`);
      far.write(head);
      far.on("error", () => near.destroy()).on("close", () => near.destroy());
      near.on("close", () => far.destroy());
      return far;
    });
  });
  return listen(server);
}
