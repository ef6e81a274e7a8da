// `node round-trips.js PROGRAM [N]`: N events with acknowledgements, one after the other, over a WebSocket on loopback against one socket.io server
// in a process of its own: the client of this crate over a blocking socket, rust_socketio, and socket.io-client. PROGRAM is
// `rust/examples/round_trips.rs`, built. All in turn in each round; medians, and ratios to the first.
import { execFileSync, fork } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';

if (process.send) {
  const http = createServer();
  new Server(http).on('connection', (socket) => socket.on('q', (n, text, answer) => answer(n)));
  http.listen(0, '127.0.0.1', () => process.send(http.address().port));
} else {
  const [, , program, count = '20000'] = process.argv;
  const n = Number(count);
  const server = fork(fileURLToPath(import.meta.url));
  const javascript = async (port) => {
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
    await new Promise((resolve) => socket.on('connect', resolve));
    const begin = process.hrtime.bigint();
    for (let left = n; left > 0; left -= 1) await socket.emitWithAck('q', left, 'some text');
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    socket.disconnect();
    return seconds;
  };
  const rust = (name) => async (port) => Number(execFileSync(program, [name, port, n]).toString());
  const candidates = { sansocket: rust('ours'), rust_socketio: rust('rust_socketio'), 'socket.io-client': javascript };
  server.once('message', async (port) => {
    const names = Object.keys(candidates);
    const times = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < 7; round += 1) {
      for (const name of names) times[name].push(await candidates[name](port));
    }
    const median = (name) => times[name].sort((a, b) => a - b)[3];
    console.log('| client | round trips a second | rate of sansocket / its |\n|---|---|---|');
    for (const name of names) {
      console.log(`| ${name} | ${Math.round(n / median(name))} | ${(median(name) / median('sansocket')).toFixed(2)} |`);
    }
    server.kill();
    process.exit();
  });
}
