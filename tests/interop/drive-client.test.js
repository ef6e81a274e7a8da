// The Socket.IO client that is awaited (`tests/drive_client_tcp.rs`, on Tokio, blocking, and one that offers compression in vain) against `socket.io` on Node.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { Server as Server48 } from "socket.io";
import { Server as Server41 } from "socket.io-4-1";

for (const [version, Server] of Object.entries({ "4.8.4": Server48, "4.1.3": Server41 })) {
  test(`the awaited client against socket.io ${version}`, { timeout: 600_000 }, async () => {
    const http = createServer();
    const io = new Server(http);
    const reasons = [];
    io.on("connection", (socket) => {
      socket.on("echo", (value, ack) => ack(value)).on("disconnect", (reason) => reasons.push(reason));
    });
    await once(http.listen(0, "127.0.0.1"), "listening");
    const env = { ...process.env, SERVER: `http://127.0.0.1:${http.address().port}` };
    const cargo = spawn("cargo", ["test", "--test", "drive_client_tcp"], { env, stdio: ["ignore", "ignore", "inherit"] });
    const [code] = await once(cargo, "exit");
    assert.equal(code, 0);
    assert.deepEqual(reasons, Array(3).fill("client namespace disconnect"));
    io.close();
    http.closeAllConnections();
  });
}
