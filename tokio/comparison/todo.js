// The to-do list of `../examples/todo.rs`, as it is written with socket.io 4 on Node.
import { createServer } from "node:http";
import { Server } from "socket.io";

const lists = new Map();
const http = createServer((request, response) => response.end("to-do lists"));
const io = new Server(http);

io.on("connection", (socket) => {
  socket.on("join", (list, name, done) => {
    socket.join(list);
    socket.data.name = name;
    done(lists.get(list) ?? []);
  });
  socket.on("add", ({ list, text }, done) => {
    if (!lists.has(list)) lists.set(list, []);
    const items = lists.get(list);
    const item = { id: items.length, text };
    items.push(item);
    socket.to(list).emit("added", item);
    done(item);
  });
  socket.on("disconnecting", () => {
    for (const room of socket.rooms) socket.to(room).emit("left", socket.data.name);
  });
});

http.listen(3000, "127.0.0.1");
