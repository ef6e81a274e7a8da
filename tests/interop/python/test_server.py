"""python-socketio against the server, on every transport. The program is $SERVER, or the release build."""

import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time
import unittest

import socketio

ROOT = pathlib.Path(__file__).resolve().parents[3]
SERVER = os.environ.get("SERVER", str(ROOT / "target/release/examples/server"))
PATIENCE = 10


class Server:
    def __init__(self, *args):
        self.process = subprocess.Popen(
            [SERVER, "--listen", "127.0.0.1:0", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.url = re.search(r"http://[^ /]+", self.process.stdout.readline()).group()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code


class Client:
    """A client that keeps what it hears."""

    def __init__(self, url, namespaces=("/",), auth=None, transports=None):
        self.io = socketio.Client(reconnection=False)
        self.heard = {}
        self.disconnected = threading.Event()
        for namespace in namespaces:
            self.io.on("*", lambda event, *args, ns=namespace: self.hear(ns, event, args), namespace=namespace)
            self.io.on("please-ack", lambda value: (value, "and"), namespace=namespace)
            self.io.on("disconnect", lambda *_: self.disconnected.set(), namespace=namespace)
        self.io.connect(url, transports=transports, namespaces=list(namespaces), auth=auth, wait_timeout=PATIENCE)

    def queue(self, namespace, event):
        return self.heard.setdefault((namespace, event), queue.Queue())

    def hear(self, namespace, event, args):
        self.queue(namespace, event).put(list(args))

    def next(self, event, namespace="/"):
        return self.queue(namespace, event).get(timeout=PATIENCE)

    def none(self, event, namespace="/"):
        return self.queue(namespace, event).empty()

    def call(self, event, *args, namespace="/"):
        return self.io.call(event, args, namespace=namespace, timeout=PATIENCE)

    def emit(self, event, *args, namespace="/"):
        self.io.emit(event, args, namespace=namespace)


class WithServer:
    transports = None
    last = "websocket"

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def client(self, *namespaces, auth=None):
        client = Client(self.server.url, namespaces or ("/",), auth, self.transports)
        self.addCleanup(client.io.disconnect)
        return client

    def test_every_type_of_json_comes_back(self):
        client = self.client()
        for args in ["text 漢字 🦀 \"\\\n\0"], [0, -1, 2**53 - 1, 0.5, -1.5e-7], [True, False, None], [[], {}, [[{"a": [1]}]]], []:
            client.emit("message", *args)
            self.assertEqual(client.next("message-back"), args)

    def test_acknowledgements_with_one_and_several_values(self):
        client = self.client()
        self.assertEqual(client.call("message-with-ack", "one"), "one")
        self.assertEqual(tuple(client.call("message-with-ack", 1, "2", {"3": [False]})), (1, "2", {"3": [False]}))

    def test_binary_nested_both_ways(self):
        client = self.client()
        args = [b"\x01\x02\x03", {"a": b"", "b": [b"\xff", {"c": bytes(range(256))}]}]
        client.emit("message", *args)
        self.assertEqual(client.next("message-back"), args)
        self.assertEqual(client.call("message-with-ack", b"\x00\x01"), b"\x00\x01")

    def test_the_server_asks_for_an_acknowledgement(self):
        client = self.client()
        client.emit("ask-ack", {"a": 1})
        self.assertEqual(client.next("ack-was"), [{"a": 1}, "and"])
        client.emit("ask-ack", b"\x07")
        self.assertEqual(client.next("ack-was"), [b"\x07", "and"])

    def test_a_hundred_acknowledgements_in_flight(self):
        client = self.client()
        answers = queue.Queue()
        for i in range(100):
            client.io.emit("message-with-ack", i, callback=answers.put)
            client.emit("ask-ack", i)
        self.assertEqual([answers.get(timeout=PATIENCE) for _ in range(100)], list(range(100)))
        self.assertEqual(sorted(client.next("ack-was")[0] for _ in range(100)), list(range(100)))

    def test_auth_is_told(self):
        self.assertEqual(self.client(auth={"token": "123"}).next("auth"), [{"token": "123"}])

    def test_two_namespaces_on_one_link(self):
        client = self.client("/", "/custom")
        client.emit("message", "x", namespace="/custom")
        self.assertEqual(client.next("message-back", "/custom"), ["x"])
        client.call("message-with-ack", 1)
        self.assertTrue(client.none("message-back", "/"))

    def test_refusals(self):
        for namespace, message in ("/denied", "not authorized"), ("/nowhere", "Invalid namespace"):
            client = socketio.Client(reconnection=False)
            told = queue.Queue()
            client.on("connect_error", told.put, namespace=namespace)
            with self.assertRaises(socketio.exceptions.ConnectionError):
                client.connect(self.server.url, transports=self.transports, namespaces=[namespace], wait_timeout=PATIENCE)
            error = told.get(timeout=PATIENCE)
            self.assertEqual(error["message"], message)
            self.assertEqual(error.get("data"), {"code": 7} if namespace == "/denied" else None)

    def test_rooms_and_broadcast(self):
        a, b, c = self.client(), self.client(), self.client()
        for client in a, b:
            self.assertEqual(client.call("join", "r"), "r")
        a.emit("to-room", "r", "hello")
        self.assertEqual(b.next("room-message"), ["hello"])
        self.assertEqual(b.call("leave", "r"), "r")
        a.emit("to-room", "r", "again")
        a.emit("broadcast", b"\x01")
        for client in b, c:
            self.assertEqual(client.next("broadcast-message"), [b"\x01"])
        self.assertTrue(all(client.none("room-message") for client in (a, b, c)))
        self.assertTrue(a.none("broadcast-message"))

    def test_the_room_of_an_id(self):
        a, b = self.client(), self.client()
        a.emit("to-room", b.io.get_sid(), "private")
        self.assertEqual(b.next("room-message"), ["private"])

    def test_server_disconnect_and_server_close(self):
        for event in "server-disconnect", "server-close":
            client = self.client()
            client.emit(event)
            self.assertTrue(client.disconnected.wait(PATIENCE), event)

    def test_the_transport(self):
        self.assertEqual(self.client().call("transport"), self.last)

    def test_order_of_a_thousand(self):
        client = self.client()
        # By default it handles each message in a thread of its own, and the threads overtake each other.
        trigger = client.io.eio._trigger_event
        client.io.eio._trigger_event = lambda *args, **options: trigger(*args, **{**options, "run_async": False})
        for i in range(1000):
            client.emit("message", i)
        self.assertEqual([client.next("message-back")[0] for _ in range(1000)], list(range(1000)))


class Upgraded(WithServer, unittest.TestCase):
    """The default: polling, and then WebSocket."""


class OverWebSocket(WithServer, unittest.TestCase):
    transports = ["websocket"]


class OverPolling(WithServer, unittest.TestCase):
    transports = ["polling"]
    last = "polling"


class Heartbeats(unittest.TestCase):
    def test_a_client_stays_over_many(self):
        for transports in ["websocket"], ["polling"], None:
            with self.subTest(transports):
                self.stays(transports)

    def stays(self, transports):
        server = Server("--ping-interval", "100", "--ping-timeout", "500")
        client = Client(server.url, transports=transports)
        time.sleep(1)
        self.assertFalse(client.disconnected.is_set())
        self.assertEqual(client.call("message-with-ack", 1), 1)
        client.io.disconnect()
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
