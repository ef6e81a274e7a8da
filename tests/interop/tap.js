// What goes over a port: which frames of WebSockets are compressed. Those are the ones whose first byte has the bit RSV1.
import { once } from "node:events";
import net from "node:net";

/** The frames of a WebSocket behind its handshake. */
function frames(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return [];
  const found = [];
  for (let at = end + 4; at + 2 <= bytes.length; ) {
    let len = bytes[at + 1] & 0x7f;
    let head = 2 + (bytes[at + 1] & 0x80 ? 4 : 0);
    if (len === 126) [len, head] = [bytes.readUInt16BE(at + 2), head + 2];
    else if (len === 127) [len, head] = [Number(bytes.readBigUInt64BE(at + 2)), head + 8];
    if (at + head + len > bytes.length) break;
    found.push({ opcode: bytes[at] & 15, isCompressed: (bytes[at] & 0x40) !== 0, len });
    at += head + len;
  }
  return found;
}

/** Passes connections on to a port, and notes what goes over them. */
export async function startTap(to) {
  const seen = [];
  const sockets = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(to, "127.0.0.1");
    const one = { up: [], down: [] };
    seen.push(one);
    near.on("data", (d) => one.up.push(d)).pipe(far);
    far.on("data", (d) => one.down.push(d)).pipe(near);
    for (const s of [near, far]) {
      sockets.add(s);
      s.on("error", () => {}).on("close", () => (near.destroy(), far.destroy()));
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Of all WebSockets: the frames of the client and those of the server, and the answers about extensions. */
    told() {
      const all = { up: [], down: [], extensions: [] };
      for (const one of seen) {
        const [up, down] = [Buffer.concat(one.up), Buffer.concat(one.down)];
        const isUpgraded = down.subarray(0, 12).toString() === "HTTP/1.1 101" && up.includes("transport=websocket");
        if (!isUpgraded) continue;
        all.up.push(...frames(up));
        all.down.push(...frames(down));
        all.extensions.push(/^sec-websocket-extensions: *(.*)$/im.exec(down.subarray(0, down.indexOf("\r\n\r\n")).toString())?.[1]?.trim() ?? null);
      }
      return all;
    },
    forget: () => seen.splice(0),
    stop() {
      sockets.forEach((s) => s.destroy());
      server.close();
    },
  };
}

export const compressed = (all) => all.filter((f) => f.isCompressed);
