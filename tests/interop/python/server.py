"""A server on python-socketio that answers as ../peers/server.js, for the client program: server.py --listen ADDRESS."""

import asyncio
import socket
import sys

import socketio
import uvicorn

io = socketio.AsyncServer(async_mode="asgi", max_http_buffer_size=1_000_000)


def answer(event, namespace):
    return io.on(event, namespace=namespace)


for ns in "/", "/custom":

    @answer("connect", ns)
    async def _(sid, environ, auth=None, ns=ns):
        # The reply to CONNECT comes first only when this has returned.
        io.start_background_task(io.emit, "auth", auth or {}, to=sid, namespace=ns)

    @answer("message", ns)
    async def _(sid, *args, ns=ns):
        await io.emit("message-back", args, to=sid, namespace=ns)

    @answer("message-with-ack", ns)
    async def _(sid, *args):
        return args

    @answer("ask-ack", ns)
    async def _(sid, *args, ns=ns):
        def answered(*answer):
            io.start_background_task(io.emit, "ack-was", answer, to=sid, namespace=ns)

        await io.emit("please-ack", args, to=sid, namespace=ns, callback=answered)

    @answer("server-disconnect", ns)
    async def _(sid, *_, ns=ns):
        await io.disconnect(sid, namespace=ns)

    @answer("transport", ns)
    async def _(sid, ns=ns):
        return io.transport(sid, namespace=ns)


@io.on("connect", namespace="/denied")
async def _(*_):
    raise socketio.exceptions.ConnectionRefusedError("not authorized", {"code": 7})


async def main():
    host, port = sys.argv[2].split(":")
    listener = socket.create_server((host, int(port)))
    # asyncio does it only for sockets that it opens itself. Without it each answer takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(f"listening on http://{host}:{listener.getsockname()[1]}/", flush=True)
    config = uvicorn.Config(socketio.ASGIApp(io), log_level="warning", ws="websockets", lifespan="off")
    server = uvicorn.Server(config)
    await server.serve([listener])


asyncio.run(main())
