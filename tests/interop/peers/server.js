// A server on Node that answers as the example `server` does: `node server.js --listen 127.0.0.1:0 [package]`.
import { createServer } from "node:http";

const [, , , listen, name = "socket.io"] = process.argv;
const { Server } = await import(name);
const [host, port] = listen.split(":");
const http = createServer();
const io = new Server(http);

for (const namespace of ["/", "/custom"]) {
  io.of(namespace).on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);
    socket.on("message", (...args) => socket.emit("message-back", ...args));
    socket.on("message-with-ack", (...args) => args.pop()(...args));
    socket.on("ask-ack", (...args) => socket.emit("please-ack", ...args, (...answer) => socket.emit("ack-was", ...answer)));
    socket.on("server-disconnect", () => socket.disconnect());
    socket.on("server-close", () => socket.disconnect(true));
    socket.on("transport", (answer) => answer(socket.conn.transport.name));
  });
}
io.of("/denied").use((_, next) => next(Object.assign(new Error("not authorized"), { data: { code: 7 } })));

http.listen(Number(port), host, () => console.log(`listening on http://${host}:${http.address().port}/`));
process.on("SIGTERM", () => process.exit(0));
