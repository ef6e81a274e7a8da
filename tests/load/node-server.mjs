// Node's socket.io with the events of our server that the load test uses.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { Server } = createRequire(new URL("../interop/package.json", import.meta.url))("socket.io");
const http = createServer();
const io = new Server(http, { perMessageDeflate: false });
io.on("connection", (socket) => {
  socket.on("message-with-ack", (...args) => args.pop()(...args));
  socket.on("join", (room, done) => (socket.join(room), done(room)));
  socket.on("to-room", (room, text) => socket.to(room).emit("room-message", text));
  socket.on("broadcast", (text) => socket.broadcast.emit("broadcast-message", text));
});
http.listen(0, "127.0.0.1", () => console.log(`node: listening on http://127.0.0.1:${http.address().port}/`));
