// The client of sansocket-tokio (`tokio/tests/client_node.rs`) against `socket.io` on Node.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { Server as Server48 } from "socket.io";
import { Server as Server41 } from "socket.io-4-1";

for (const [version, Server] of Object.entries({ "4.8.4": Server48, "4.1.3": Server41 })) {
  test(`the Tokio client against socket.io ${version}`, { timeout: 600_000 }, async () => {
    const http = createServer();
    const io = new Server(http);
    const reasons = new Set();
    const serve = (socket) => {
      socket.on("echo", (...args) => args.pop()(...args));
      socket.on("auth", (ack) => ack(socket.handshake.auth));
      socket.on("ask-me", (...args) => {
        const ack = args.pop();
        socket.emit("question", ...args, (...answer) => ack(...answer));
      });
      socket.on("cut", () => socket.conn.close());
      socket.on("kick", () => socket.disconnect());
      socket.on("disconnect", (reason) => reasons.add(reason));
    };
    io.on("connection", serve);
    io.of("/admin").on("connection", serve);
    io.of("/bad").use((socket, next) => next(Object.assign(new Error("the token is old"), { data: { code: 401 } })));
    await once(http.listen(0, "127.0.0.1"), "listening");
    const env = { ...process.env, SERVER: `http://127.0.0.1:${http.address().port}` };
    const args = ["test", "-p", "sansocket-tokio", "--test", "client_node"];
    const cargo = spawn("cargo", args, { env, stdio: ["ignore", "ignore", "inherit"] });
    const [code] = await once(cargo, "exit");
    assert.equal(code, 0);
    assert.ok(reasons.has("client namespace disconnect"), [...reasons].join());
    assert.ok(!reasons.has("parse error") && !reasons.has("ping timeout"), [...reasons].join());
    io.close();
    http.closeAllConnections();
  });
}
