// The chat room of `../examples/chat.rs`, as it is written with socket.io 4 on Node.
import { createServer } from "node:http";
import { Server } from "socket.io";

const history = [];
const http = createServer((request, response) => response.end("a page with the client"));
const io = new Server(http);
const fits = (text, most) => typeof text === "string" && text.trim() !== "" && [...text].length <= most;

io.on("connection", (socket) => {
  socket.emit("allMessage", history);
  socket.on("user-name", (name, done) => {
    const isGood = fits(name, 40);
    if (isGood && !socket.data.name) io.emit("globalMsg", `${name} joined the chat`);
    if (isGood) socket.data.name = name;
    done?.(isGood);
  });
  socket.on("sendMessage", (said, done) => {
    const isGood = fits(said?.name, 40) && fits(said?.message, 2000);
    if (isGood) {
      io.emit("newMessage", said);
      history.push(said);
      if (history.length > 100) history.shift();
    }
    done?.(isGood);
  });
  socket.on("disconnect", () => {
    if (socket.data.name) io.emit("globalMsg", `${socket.data.name} left the chat`);
  });
});

http.listen(3000, "127.0.0.1");
