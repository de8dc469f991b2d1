"""What no client should send: the endpoint answers clearly or closes, keeps serving, does not grow, and says nothing.

It runs in a process of its own here, so that its memory and its standard error can be looked at. `SENDOKA_SOAK=20`
makes it twenty times as many attempts.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.attacked import PROC, SELECT, Attacked, status
from tests.fixtures.soak import SOAK

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendoka.local.credentials import Login

SEEDS = range(SOAK)

# ------------------------------------------------------------------ HTTP

NOT_SUPPORTED = b'\r\n\r\n"query is not supported"'

# What is sent, by name, and what must come back: a status, and bytes that the answer holds.
ODD: dict[str, tuple[Callable[[Attacked], bytes], int, bytes]] = {
    "no http": (lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, 400, b"could not be read as HTTP"),
    "a line of words": (lambda _: b"hello there\r\n\r\n", 400, b"could not be read as HTTP"),
    "an unknown method": (lambda _: b"QUERY /sql HTTP/9.9\r\n\r\n", 400, b"could not be read as HTTP"),
    "http/1.0": (lambda a: a.post(SELECT).replace(b"HTTP/1.1", b"HTTP/1.0"), 200, b'"rows":[["1"]]'),
    "http/2": (lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, b"could not be read as HTTP"),
    "an absolute target": (
        lambda a: a.post(SELECT, "connection: close").replace(b" /sql ", b" http://any.where:99/sql?x=/y "),
        200,
        b'"rows":[["1"]]',
    ),
    "another absolute target": (
        lambda a: a.post(SELECT, "connection: close").replace(b" /sql ", b" http://any.where "),
        400,
        NOT_SUPPORTED,
    ),
    "a path that is nearly right": (
        lambda a: a.post(SELECT, "connection: close").replace(b" /sql ", b" /%73ql "),
        400,
        NOT_SUPPORTED,
    ),
    "a path of other bytes": (
        lambda a: a.post(SELECT, "connection: close").replace(b" /sql ", b" /\xff\xfe\xc3 "),
        400,
        b"",
    ),
    "head": (lambda _: b"HEAD /sql HTTP/1.1\r\nconnection: close\r\n\r\n", 400, b"content-length: 24"),
    "put": (lambda a: a.post(SELECT, "connection: close").replace(b"POST", b"PUT"), 400, NOT_SUPPORTED),
    "delete": (lambda a: a.post(SELECT, "connection: close").replace(b"POST", b"DELETE"), 400, NOT_SUPPORTED),
    "trace": (lambda _: b"TRACE /sql HTTP/1.1\r\nconnection: close\r\n\r\n", 400, NOT_SUPPORTED),
    "connect": (lambda _: b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n", 400, NOT_SUPPORTED),
    "options of everything": (lambda _: b"OPTIONS * HTTP/1.1\r\nconnection: close\r\n\r\n", 400, NOT_SUPPORTED),
    "a websocket": (
        lambda _: (
            b"GET /sql HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n\r\n"
            b"\x81\x05hello"
        ),
        400,
        NOT_SUPPORTED,
    ),
    "a length that is no number": (lambda a: a.post(SELECT, "content-length: x", length=-1), 400, b"as HTTP"),
    "a negative length": (lambda a: a.post(SELECT, length=-5), 400, b"as HTTP"),
    "two lengths": (lambda a: a.post(SELECT, "content-length: 5"), 400, b"as HTTP"),
    "a length beyond every number": (lambda a: a.post(SELECT, length=10**30), 400, b"as HTTP"),
    "a length of years": (
        lambda a: a.post(SELECT, length=10**15),
        413,
        b"request is too large (max is 67108864 bytes)",
    ),
    "length and chunks": (lambda a: a.post(b"0\r\n\r\n", "transfer-encoding: chunked"), 400, b"as HTTP"),
    "chunks": (
        lambda a: a.post(
            b"5;x=y\r\n" + SELECT[:5] + b"\r\n10\r\n" + SELECT[5:] + b"\r\n0\r\ntrailer: x\r\n\r\n",
            "transfer-encoding: chunked",
            "connection: close",
            length=-1,
        ),
        200,
        b'"rows":[["1"]]',
    ),
    "a broken chunk": (lambda a: a.post(b"zz\r\n", "transfer-encoding: chunked", length=-1), 400, b"as HTTP"),
    "nul in a header": (lambda a: a.post(SELECT, "x: a\0b"), 400, b"as HTTP"),
    "a header without a name": (lambda a: a.post(SELECT, ": b"), 400, b"as HTTP"),
    "a line feed alone": (lambda a: a.post(SELECT, "x: a\ny: b", "connection: close"), 400, b"as HTTP"),
    "other bytes in a header": (
        lambda a: a.post(SELECT, "x: y", "connection: close").replace(b"x: y", b"x: \xff\xfe\x80"),
        200,
        b'"rows":[["1"]]',
    ),
    "other bytes in the connection string": (
        lambda a: a.post(SELECT, "connection: close").replace(b"postgresql://", b"postgresql://\xc3\xa9"),
        400,
        b"invalid header: neon-connection-string",
    ),
    "ten thousand headers": (lambda a: a.post(SELECT, *(f"x-{i}: y" for i in range(10_000))), 431, b"too large"),
    "a hundred short headers too many": (lambda a: a.post(SELECT, *(f"x{i}:" for i in range(229))), 431, b"too large"),
    "a header of a megabyte": (lambda a: a.post(SELECT, "x: " + "y" * (1 << 20)), 431, b"too large"),
    "a header that never ends": (lambda a: a.post(SELECT)[:80] + b"\r\nx: " + b"y" * 5_000_000, 431, b"too large"),
    "a target of a megabyte": (lambda a: a.post(SELECT).replace(b"/sql", b"/" + b"x" * (1 << 20)), 431, b"too large"),
    "a name of a megabyte": (lambda a: a.post(SELECT, "x" * (1 << 20) + ": y"), 431, b"too large"),
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_http_is_answered_clearly(attacked: Attacked, name: str) -> None:
    make, wanted, holds = ODD[name]
    answer = await attacked.exchange(make(attacked))
    assert (status(answer), holds in answer) == (wanted, True), answer[:300]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"neon-request-id: " in answer
    assert await attacked.works()


async def test_a_head_answer_has_no_body(attacked: Attacked) -> None:
    answer = await attacked.exchange(b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")


async def test_another_protocol_that_is_offered_is_declined(attacked: Attacked) -> None:
    """As curl and Java's client offer it with every request."""
    offer = attacked.post(SELECT, "connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: x")
    for pieces in ([offer], [offer[:-5], offer[-5:]], [offer[: -len(SELECT)], SELECT]):
        answer = await attacked.exchange(*pieces, attacked.post(SELECT, "connection: close"), pause=0.02)
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == answer.count(b'"rows":[["1"]]') == 2


async def test_a_client_is_told_to_go_on_only_where_its_body_is_taken(attacked: Attacked) -> None:
    asked = attacked.post(SELECT, "expect: 100-continue", "connection: close")
    answer = await attacked.exchange(asked[: -len(SELECT)], SELECT, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    answer = await attacked.exchange(attacked.post(b"", "expect: 100-continue", length=100_000_000))
    assert status(answer) == 413


async def test_requests_sent_ahead_are_answered_in_order(attacked: Attacked) -> None:
    numbers = range(50)
    sent = [attacked.post(b'{"query": "select %d, pg_sleep(0.001)"}' % number) for number in numbers]
    sent.append(attacked.post(SELECT, "connection: close"))
    answer = await attacked.exchange(b"".join(sent))
    rows = [json.loads(part.partition(b"\r\n\r\n")[2])["rows"][0][0] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert rows == [str(number) for number in numbers] + ["1"]


async def test_what_follows_a_broken_request_is_not_run(attacked: Attacked) -> None:
    create = attacked.post(b'{"query": "create table ran (i int)"}')
    answer = await attacked.exchange(attacked.post(SELECT) + b"\x00broken\r\n\r\n" + create)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]
    look = attacked.post(b'{"query": "select to_regclass(\'ran\')"}', "connection: close")
    assert b'"rows":[[null]]' in await attacked.exchange(look)


# ------------------------------------------------------------------ bodies

DEEP = 200_000

BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "could not parse the HTTP request body"),
    "half": (b'{"query": "sel', "could not parse the HTTP request body"),
    "lists in lists": (b'{"query": "x", "params": ' + b"[" * DEEP + b"]" * DEEP + b"}", "could not parse"),
    "objects in objects": (b'{"query": "x", "params": [' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"]}", "could not"),
    "a million parameters": (b'{"query": "x", "params": [' + b"1," * 999_999 + b"1]}", "value too large to transmit"),
    "a number of a million digits": (b'{"query": "x", "params": [' + b"9" * 1_000_000 + b"]}", "number out of range"),
    "a number beyond floats": (b'{"query": "x", "params": [1e999]}', "number out of range"),
    "half a surrogate pair": (b'{"query": "\\ud800"}', "could not parse the HTTP request body"),
    "surrogates in a parameter": (b'{"query": "x", "params": ["\\udfff\\ud800"]}', "could not parse"),
    "bytes that are no utf-8": (b'{"query": "select \'\xff\xc0\x80\'"}', "could not parse the HTTP request body"),
    "another encoding": ('{"query": "select 1"}'.encode("utf-16"), "could not parse the HTTP request body"),
    "nul in the statement": (b'{"query": "select 1\\u0000"}', "string contains embedded null"),
    "nul in a parameter": (b'{"query": "select $1", "params": ["\\u0000"]}', "invalid byte sequence"),
    "a batch of everything wrong": (b'{"queries": [[], {}, null, 1, "x"]}', "data did not match any variant"),
    "ten thousand statements that fail": (
        b'{"queries": [' + b'{"query": "nonsense"},' * 9_999 + b'{"query": "x"}]}',
        "syntax error",
    ),
    "a statement of a megabyte": (b'{"query": "' + b"select 1; " * 100_000 + b'"}', "cannot insert multiple commands"),
    "parentheses without end": (b'{"query": "select ' + b"(" * 100_000 + b'"}', ""),
    "a copy that waits for us": (b'{"query": "copy pg_class from stdin"}', ""),
}


@pytest.mark.parametrize("name", BODIES)
async def test_an_odd_body_is_a_clear_error(attacked: Attacked, name: str) -> None:
    body, message = BODIES[name]
    answer = await attacked.exchange(attacked.post(body, "connection: close"), seconds=20)
    document = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (status(answer), len(document)) == (400, 17)
    assert message in document["message"]
    assert await attacked.works()


@pytest.mark.skipif(not PROC, reason="memory is read from /proc")
@pytest.mark.parametrize("form", ["length", "chunked"])
async def test_a_body_of_100_megabytes_is_refused_without_being_kept(attacked: Attacked, form: str) -> None:
    before = attacked.memory()
    megabyte = b"x" * (1 << 20)
    if form == "length":
        pieces = [attacked.post(b"", length=100 << 20), *[megabyte] * 100]
    else:
        head = attacked.post(b"", "transfer-encoding: chunked", length=-1)
        pieces = [head, *[b"100000\r\n" + megabyte + b"\r\n"] * 100, b"0\r\n\r\n"]
    answer = await attacked.exchange(*pieces, seconds=20)
    assert status(answer) == 413
    assert b"request is too large (max is 67108864 bytes)" in answer
    # Up to the limit the chunked one has to be kept for a while.
    assert attacked.memory() - before < (20 << 20 if form == "length" else 160 << 20)
    assert await attacked.works()


@pytest.mark.skipif(not PROC, reason="memory is read from /proc")
async def test_an_answer_beyond_the_limit_ends_before_it_is_in_memory(attacked: Attacked) -> None:
    before = attacked.memory()
    text = "select repeat('x', 1000), generate_series(1, 100000000)"
    body = json.dumps({"query": text}).encode()
    answer = await attacked.exchange(attacked.post(body, "connection: close"), seconds=30)
    assert status(answer) == 507
    assert b"response is too large (max is 67108864 bytes)" in answer
    assert attacked.memory() - before < 200 << 20


# ------------------------------------------------------------------ time and number


async def test_half_a_request_is_ended_in_time(attacked: Attacked) -> None:
    whole = attacked.post(SELECT)
    started = time.monotonic()
    starts = (b"P", whole[:30], whole[:-1], attacked.post(SELECT, length=len(SELECT) + 5), b"\r\n")
    answers = await asyncio.gather(*(attacked.exchange(start) for start in starts))
    assert [status(answer) for answer in answers] == [408] * len(starts)
    assert time.monotonic() - started < 8
    assert await attacked.works()


async def test_slow_heads_are_ended_though_they_go_on(attacked: Attacked) -> None:
    drops = [b"POST /sql HTTP/1.1\r\n", *(b"x-%d: y\r\n" % number for number in range(100))]

    async def drip() -> bytes:
        return await attacked.exchange(*drops, pause=0.05)

    slow = [asyncio.create_task(drip()) for _ in range(100)]
    await asyncio.sleep(0.3)
    assert await attacked.works()
    answers = await asyncio.gather(*slow)
    assert {status(answer) for answer in answers} <= {408, 0}
    assert await attacked.works()


async def test_thousands_of_idle_connections_leave_room_for_one_more(attacked: Attacked) -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(2_000 * min(SOAK, 3), files - 300) if files > 0 else 2_000
    idle: list[socket.socket] = []
    try:
        idle += [socket.create_connection(("127.0.0.1", attacked.port), timeout=10) for _ in range(many)]
        assert await attacked.works()
        assert len(idle) == many
    finally:
        for one in idle:
            one.close()
    assert await attacked.works()


async def test_where_files_are_few_the_longest_idle_make_room(attacked_login: Login) -> None:
    poor = Attacked(attacked_login, files=256, head=30)
    idle = [socket.create_connection(("127.0.0.1", poor.port), timeout=10) for _ in range(150)]
    try:
        assert await poor.works()
        assert [await poor.works() for _ in range(5)] == [True] * 5
        idle[0].settimeout(5)
        with suppress(ConnectionResetError):
            assert idle[0].recv(1) == b""
    finally:
        for one in idle:
            one.close()
        assert poor.end() == ""


async def test_a_client_that_takes_no_answer_is_given_up(attacked: Attacked) -> None:
    body = b'{"query": "select repeat(\'x\', 50000000)"}'
    reader, writer = await asyncio.open_connection("127.0.0.1", attacked.port, limit=1)
    writer.write(attacked.post(body))
    await asyncio.sleep(0.3)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # the client takes no more
    await asyncio.sleep(2.5)
    assert await attacked.works()
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    received = 0
    with suppress(ConnectionError):
        while piece := await reader.read(1 << 20):
            received += len(piece)
    assert received < 50_000_000
    writer.transport.abort()


async def test_clients_that_vanish_leave_nothing_behind(attacked: Attacked) -> None:
    whole = attacked.post(b'{"query": "select pg_sleep(60)"}')
    for cut in [len(whole)] * 30 + [10, 100, len(whole) - 3] * 10:
        vanishing = socket.create_connection(("127.0.0.1", attacked.port))
        vanishing.sendall(whole[:cut])
        if cut % 2:
            vanishing.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # RST
        vanishing.close()
    text = "select count(*) from pg_stat_activity where state = 'active' and query = 'select pg_sleep(60)'"
    look = attacked.post(json.dumps({"query": text}).encode(), "connection: close")
    deadline = time.monotonic() + 10
    while b'"rows":[["0"]]' not in (answer := await attacked.exchange(look)):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.1)


# ------------------------------------------------------------------ chance


def mutated(source: random.Random, request: bytes) -> bytes:
    """Return `request` with bytes changed, lost, doubled or put in."""
    data = bytearray(request)
    for _ in range(source.choice((1, 1, 2, 5, 50))):
        at = source.randrange(len(data) + 1)
        match source.randrange(6):
            case 0:
                data[at : at + 1] = source.randbytes(1)
            case 1:
                del data[at : at + source.choice((1, 3, 40))]
            case 2:
                data[at:at] = source.randbytes(source.choice((1, 4, 200)))
            case 3:
                data[at:at] = data[at : at + source.randrange(60)]
            case 4:
                data[at:at] = source.choice(
                    (b"\r\n", b"\r\n\r\n", b"\0", b"\xff", b"{", b'"', b":", b"chunked", b" " * 5000)
                )
            case _:
                del data[at:]
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.parametrize("seed", SEEDS)
async def test_requests_broken_by_chance_break_nothing(attacked: Attacked, seed: int) -> None:
    source = random.Random(seed)
    requests = [
        attacked.post(SELECT),
        attacked.post(
            b'{"queries": [{"query": "select $1::int[]", "params": [[1, null]]}]}', "neon-batch-read-only: true"
        ),
        attacked.post(
            b"5\r\n" + SELECT[:5] + b"\r\n10\r\n" + SELECT[5:] + b"\r\n0\r\n\r\n",
            "transfer-encoding: chunked",
            length=-1,
        ),
    ]
    statuses: set[int] = set()
    for _ in range(10):
        broken = [mutated(source, source.choice(requests)) for _ in range(40)]
        answers = await asyncio.gather(*(attacked.exchange(one, seconds=0.15) for one in broken))
        statuses |= {status(answer) for answer in answers}
    assert await attacked.works()
    assert statuses <= {0, 200, 400, 408, 413, 431, 500}
    assert {200, 400} <= statuses


@pytest.mark.skipif(not PROC, reason="memory is read from /proc")
async def test_rounds_of_bad_input_do_not_grow_it(attacked: Attacked) -> None:
    source = random.Random(99)
    sizes = []
    for _ in range(3 + SOAK):
        for make, _, _ in ODD.values():
            await attacked.exchange(make(attacked), seconds=1)
        broken = [mutated(source, attacked.post(SELECT)) for _ in range(100)]
        await asyncio.gather(*(attacked.exchange(one, seconds=0.2) for one in broken))
        sizes.append(attacked.memory())
    # The first rounds fill what is kept on purpose: parsers, caches, sessions.
    assert max(sizes[2:]) - sizes[1] < 16 << 20, sizes
