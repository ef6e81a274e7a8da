"""permessage-deflate of websockets, which stands on zlib: with echo_server and echo_client, each parameter, in both roles."""

import asyncio
import json
import os
import subprocess
import unittest

import websockets
from test_echo import EXAMPLES, PATIENCE, Server
from websockets.extensions import permessage_deflate

EVENTS = [json.dumps({"event": "tick", "n": n, "at": n * 37}) for n in range(3000)]
# Fragments are lists. What comes twice is in the window the second time.
MESSAGES = [
    "",
    "",
    "short",
    EVENTS[0] * 20,
    EVENTS[0] * 20,
    ",".join(EVENTS),
    "消息 " * 5000,
    b"",
    os.urandom(5000),
    os.urandom(100_000),
    bytes(300_000),
    ["frag", "", "ments " * 300, "é", ""],
    [b"\0" * 70_000, b"", os.urandom(300)],
    ["", ""],
    EVENTS[0] * 20,
]
FACTORIES = {
    "client": permessage_deflate.ClientPerMessageDeflateFactory,
    "server": permessage_deflate.ServerPerMessageDeflateFactory,
}
# server_no_context_takeover, client_no_context_takeover, server_max_window_bits, client_max_window_bits.
# Python's zlib cannot compress with 8 bits, so it asks for them in the other direction only.
TERMS = [
    (False, False, None, None),
    (True, False, None, None),
    (False, True, None, None),
    (True, True, 9, 9),
    (False, False, 10, 12),
    (False, False, 15, 15),
]


def whole(message):
    return message if isinstance(message, (str, bytes)) else message[0][:0].join(message)


async def echoes(test, ws):
    for message in MESSAGES:
        await ws.send(message)
        test.assertEqual(await asyncio.wait_for(ws.recv(), PATIENCE), whole(message))
    # Without waiting for each.
    for message in MESSAGES:
        await ws.send(message)
    for message in MESSAGES:
        test.assertEqual(await asyncio.wait_for(ws.recv(), PATIENCE), whole(message))


def terms(ws, is_client):
    """What was agreed on, in the order of TERMS."""
    (extension,) = ws.protocol.extensions
    test = (extension.remote_no_context_takeover, extension.local_no_context_takeover)
    bits = (extension.remote_max_window_bits, extension.local_max_window_bits)
    return (*test, *bits) if is_client else (*test[::-1], *bits[::-1])


class Deflate(unittest.IsolatedAsyncioTestCase):
    async def test_client(self):
        with Server("--compress") as url:
            for asked in [*TERMS, (False, False, 8, None), (True, False, 8, 9)]:
                with self.subTest(asked=asked):
                    # `True` is `client_max_window_bits` without a value.
                    offer = FACTORIES["client"](*asked[:3], asked[3] or True, {"memLevel": 9})
                    async with websockets.connect(url, extensions=[offer]) as ws:
                        await echoes(self, ws)
                        agreed = terms(ws, True)
                        self.assertEqual(agreed, (*asked[:2], asked[2] or 15, asked[3] or 15))
                    self.assertEqual(ws.close_code, 1000)

    async def test_client_without_the_fourth_parameter(self):
        with Server("--compress") as url:
            offer = FACTORIES["client"](client_max_window_bits=None)
            async with websockets.connect(url, extensions=[offer]) as ws:
                await echoes(self, ws)
                self.assertEqual(terms(ws, True), (False, False, 15, 15))

    async def test_messages_of_the_greatest_length_are_taken(self):
        with Server("--compress", "--max-message", "100000") as url:
            async with websockets.connect(url, max_size=None) as ws:
                for message in (bytes(100_000), os.urandom(99_000)):
                    await ws.send(message)
                    self.assertEqual(await asyncio.wait_for(ws.recv(), PATIENCE), message)
                await ws.send(bytes(100_001))
                with self.assertRaises(websockets.ConnectionClosedError):
                    await asyncio.wait_for(ws.recv(), PATIENCE)
                self.assertEqual(ws.close_code, 1009)

    async def test_server(self):
        for asked in TERMS:
            with self.subTest(asked=asked):
                seen = []

                async def handle(ws):
                    path = ws.request.path
                    if path == "/getCaseCount":
                        await ws.send("1")
                    elif path.startswith("/runCase"):
                        await echoes(self, ws)
                        seen.append(terms(ws, False))

                choice = FACTORIES["server"](*asked, {"memLevel": 9})
                async with websockets.serve(handle, "127.0.0.1", 0, extensions=[choice]) as server:
                    url = "ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
                    args = [EXAMPLES / "echo_client", "--compress", "--url", url]
                    process = await asyncio.create_subprocess_exec(*args, stdout=subprocess.DEVNULL)
                    self.assertEqual(await asyncio.wait_for(process.wait(), 60), 0)
                self.assertEqual(seen, [(*asked[:2], asked[2] or 15, asked[3] or 15)])


if __name__ == "__main__":
    unittest.main()
