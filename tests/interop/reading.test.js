// The program `examples/reading` against `socket.io` on Node: readings are acknowledged, questions answered, and it comes back when the server does.
// On Tokio, and with `BOARD` (a kernel for QEMU's machine mps2-an386 that was compiled for `BOARD_PORT`) on a microcontroller.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import path from "node:path";
import { describe, test } from "node:test";
import { Server } from "socket.io";
import { until } from "./support.js";

const READING = process.env.READING ?? path.join(import.meta.dirname, "../../target/reading/debug/sansocket-reading");
const { BOARD, BOARD_PORT } = process.env;
const QEMU = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "stdio"];

const WAYS = {
  "Tokio's traits": { port: 0, command: (port) => [READING, `ws://127.0.0.1:${port}`] },
  "embedded-io-async on Tokio": { port: 0, command: (port) => [READING, `ws://127.0.0.1:${port}`, "--adapter"] },
};
if (BOARD) WAYS["embassy in QEMU"] = { port: Number(BOARD_PORT), command: () => [...QEMU, "-nic", "user,model=lan9118", "-kernel", BOARD] };

async function serve(port) {
  const http = createServer();
  const io = new Server(http);
  const server = { readings: [] };
  io.on("connection", (socket) => {
    server.socket = socket;
    socket.on("reading", (number, ack) => {
      server.readings.push(number);
      ack("thanks");
    });
  });
  http.listen(port, "127.0.0.1");
  await once(http, "listening");
  server.port = http.address().port;
  server.stop = () => {
    io.close();
    http.closeAllConnections();
  };
  return server;
}

for (const [way, { port, command }] of Object.entries(WAYS)) {
  describe(`reading, ${way}`, { timeout: 60_000 }, () => {
    test("sends readings, answers, and comes back", async () => {
      let server = await serve(port);
      const [program, ...args] = command(server.port);
      const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
      process.once("exit", () => child.kill("SIGKILL"));
      let log = "";
      child.stdout.on("data", (d) => (log += d));
      try {
        await until(() => server.readings.length >= 3, "readings", 20_000);
        const answer = await server.socket.timeout(5000).emitWithAck("question");
        assert.ok(answer >= 3, `the latest reading: ${answer}`);
        await until(() => log.includes("reading Some(3) arrived"), "an acknowledgement", 5000);
        server.stop();
        const before = server.readings.at(-1);
        server = await serve(server.port);
        await until(() => server.readings.length >= 2, "readings after the restart", 20_000);
        assert.ok(server.readings[0] > before, `${server.readings[0]} after ${before}`);
        assert.ok((await server.socket.timeout(5000).emitWithAck("question")) >= server.readings[0]);
      } catch (error) {
        error.message += `\n${log}`;
        throw error;
      } finally {
        child.kill("SIGKILL");
        server.stop();
      }
    });
  });
}
