// A client that hears news, answers the server's questions and asks one, as it is written with socket.io-client 4.
import { io } from "socket.io-client";

const socket = io("http://127.0.0.1:3000", { auth: { token: "abc" } });
socket.on("news", (text) => console.log(`news: ${text}`));
socket.on("name?", (done) => done("example"));
console.log(`sum: ${await socket.timeout(5000).emitWithAck("add", 1, 2)}`);
process.on("SIGINT", () => socket.disconnect());
