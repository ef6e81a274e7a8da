"""websockets and picows against echo_server, and echo_client against their servers. The programs are those of the release build."""

import asyncio
import pathlib
import re
import signal
import subprocess
import unittest

import picows
import websockets

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "target/release/examples"
SIZES = [0, 1, 125, 126, 65535, 65536, 200_000]
PATIENCE = 10


class Server:
    def __init__(self, *args):
        self.args = args

    def __enter__(self):
        args = [EXAMPLES / "echo_server", "--listen", "127.0.0.1:0", *self.args]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return re.search(r"ws://[^ /]+", self.process.stdout.readline()).group()

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.process.stdout.close()


async def run_client(port):
    """Runs echo_client to its end; its exit code and what it said."""
    args = [EXAMPLES / "echo_client", "--url", "ws://127.0.0.1:%d" % port]
    process = await asyncio.create_subprocess_exec(*args, stdout=-1, stderr=asyncio.subprocess.STDOUT)
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode().strip()


class Websockets(unittest.IsolatedAsyncioTestCase):
    async def test_client(self):
        with Server() as url:
            # It offers compression, which is declined.
            async with websockets.connect(url, subprotocols=["chat"]) as ws:
                self.assertIsNone(ws.subprotocol)
                for size in SIZES:
                    for message in ("é" * (size // 2), bytes(size)):
                        await ws.send(message)
                        self.assertEqual(await asyncio.wait_for(ws.recv(), PATIENCE), message)
                await ws.send(["frag", "", "ments"])
                self.assertEqual(await asyncio.wait_for(ws.recv(), PATIENCE), "fragments")
                await asyncio.wait_for(await ws.ping(b"x" * 125), PATIENCE)
            self.assertEqual(ws.close_code, 1000)

    async def test_server(self):
        seen = []

        async def handle(ws):
            path = ws.request.path
            if path == "/getCaseCount":
                await ws.send(str(len(SIZES)))
            elif path.startswith("/runCase?case="):
                size = SIZES[int(re.search(r"case=(\d+)", path).group(1)) - 1]
                for message in ("ü" * (size // 2), bytes(size)):
                    await ws.send(message)
                    seen.append(await asyncio.wait_for(ws.recv(), PATIENCE) == message)
                await asyncio.wait_for(await ws.ping(b"?"), PATIENCE)
            else:
                seen.append(path)

        async with websockets.serve(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            self.assertEqual(await run_client(port), (0, "echo_client: %d cases" % len(SIZES)))
        self.assertEqual(seen, [True] * (2 * len(SIZES)) + ["/updateReports?agent=sansocket"])


class Picows(unittest.IsolatedAsyncioTestCase):
    async def test_client(self):
        heard = asyncio.Queue()

        class Listener(picows.WSListener):
            def on_ws_frame(self, transport, frame):
                heard.put_nowait((frame.msg_type, frame.get_payload_as_bytes()))

        with Server() as url:
            transport, _ = await picows.ws_connect(Listener, url)
            for size in SIZES:
                for kind in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY):
                    transport.send(kind, b"x" * size)
                    self.assertEqual(await asyncio.wait_for(heard.get(), PATIENCE), (kind, b"x" * size))
            transport.send_ping(b"ping")
            self.assertEqual(await asyncio.wait_for(heard.get(), PATIENCE), (picows.WSMsgType.PONG, b"ping"))
            transport.send_close(picows.WSCloseCode.GOING_AWAY, b"bye")
            kind, payload = await asyncio.wait_for(heard.get(), PATIENCE)
            self.assertEqual((kind, payload), (picows.WSMsgType.CLOSE, b"\x03\xe9"))
            await asyncio.wait_for(transport.wait_disconnected(), PATIENCE)

    async def test_server(self):
        seen = []

        class Case(picows.WSListener):
            def __init__(self, path):
                self.path = path

            def on_ws_connected(self, transport):
                text, close = picows.WSMsgType.TEXT, picows.WSCloseCode.OK
                if self.path == b"/getCaseCount":
                    transport.send(text, b"2")
                    transport.send_close(close)
                elif b"/runCase" in self.path:
                    for size in SIZES:
                        transport.send(text, b"y" * size)
                else:
                    transport.send_close(close)

            def on_ws_frame(self, transport, frame):
                if frame.msg_type == picows.WSMsgType.TEXT:
                    seen.append(len(frame.get_payload_as_bytes()))
                    if len(seen) % len(SIZES) == 0:
                        transport.send_close(picows.WSCloseCode.OK)
                elif frame.msg_type == picows.WSMsgType.CLOSE:
                    transport.disconnect()

        server = await picows.ws_create_server(lambda request: Case(request.path), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            self.assertEqual(await run_client(port), (0, "echo_client: 2 cases"))
        self.assertEqual(seen, SIZES * 2)


if __name__ == "__main__":
    unittest.main()
