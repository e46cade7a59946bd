"""A resource server for the tests: plain ASGI calls behind a small HTTP server, and grpc.aio, both guarded. What it is told is
its argument, as JSON."""

import asyncio
import json
import signal
import sys
from dataclasses import asdict

import grpc

from tessera_introspect import (
    Decision,
    GrpcConnection,
    GrpcGuard,
    Guard,
    HttpConnection,
    IntrospectionUnavailable,
    Introspector,
    Requirement,
    current_decision,
)


def open_introspector(told):
    if "http" in told:
        http = told["http"]
        server = HttpConnection(http["introspectionEndpoint"], http["clientId"], http["clientSecret"])
    else:
        line = told["grpc"]
        server = GrpcConnection((line["token"], line["introspection"]), service_token=line.get("serviceToken", ""))
    return Introspector(
        issuer=told["issuer"],
        audience=told["audience"],
        server=server,
        max_staleness_s=told.get("maxStalenessMs", 3000) / 1000,
        on_trouble=lambda what, cause: print(f"{what}: {cause!r}", file=sys.stderr),
    )


def decided(decision):
    return {"active": True, **asdict(decision)} if isinstance(decision, Decision) else {"active": False}


async def send_json(send, value, status=200):
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def application(introspector):
    async def tell_decision(scope, receive, send):
        await send_json(send, decided(scope["access_token"]))

    async def introspect(scope, receive, send):
        token = (await receive())["body"].decode("utf-8", "replace")
        try:
            await send_json(send, decided(await introspector.introspect(token)))
        except IntrospectionUnavailable:
            await send_json(send, {}, 503)

    async def tell_status(scope, receive, send):
        status = asdict(introspector.status())
        staleness_s = status.pop("staleness_s")
        await send_json(send, {**status, "staleness_ms": min(staleness_s, 1e9) * 1000})

    apps = {
        "/any": Guard(tell_decision, introspector),
        "/read": Guard(tell_decision, introspector, Requirement(scope=["read"], realm='the "api"')),
        "/introspect": introspect,
        "/status": tell_status,
    }

    async def app(scope, receive, send):
        await apps[scope["path"]](scope, receive, send)

    return app


async def serve_http(app, reader, writer):
    """One request after the other, each as an ASGI call."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            request, *fields = head.decode("latin-1").split("\r\n")[:-2]
            headers = [(name.lower().encode(), value.strip().encode("latin-1")) for name, value in
                       (field.split(":", 1) for field in fields)]
            length = int(dict(headers).get(b"content-length", b"0"))
            body = await reader.readexactly(length)
            method, path, _ = request.split(" ", 2)

            async def receive(body=body):
                return {"type": "http.request", "body": body}

            async def send(message):
                if message["type"] == "http.response.start":
                    lines = b"".join(name + b": " + value + b"\r\n" for name, value in message["headers"])
                    writer.write(f"HTTP/1.1 {message['status']} Answer\r\n".encode() + lines + b"\r\n")
                else:
                    writer.write(message["body"])
                    await writer.drain()

            await app({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve_grpc(introspector):
    async def check(request, context):
        if current_decision() is None:
            await context.abort(grpc.StatusCode.INTERNAL, "no decision")
        return b"\x08\x01"

    server = grpc.aio.server(interceptors=[GrpcGuard(introspector, Requirement(scope=["read"]))])
    methods = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def main():
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    introspector = open_introspector(json.loads(sys.argv[1]))
    await asyncio.wait_for(introspector.start(), 30)
    app = application(introspector)
    http = await asyncio.start_server(lambda reader, writer: serve_http(app, reader, writer), "127.0.0.1", 0, limit=1 << 22)
    calls, port = await serve_grpc(introspector)
    print(json.dumps({"http": http.sockets[0].getsockname()[1], "grpc": port}), flush=True)
    await ended.wait()
    http.close()
    await calls.stop(None)
    await introspector.stop()


asyncio.run(main())
