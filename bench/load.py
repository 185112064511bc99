"""Load on loopback: keep-alive clients over asyncio, one process, bounded by seconds or by requests."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence


@dataclasses.dataclass(frozen=True)
class Request:
    """One request, ready to send."""

    raw: bytes


def get(path: str, **headers: str) -> Request:
    """A GET of a path."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return Request("\r\n".join([*lines, "", ""]).encode())


def post(path: str, body: str, kind: str = "application/x-www-form-urlencoded", **headers: str) -> Request:
    """A POST of a body."""
    sent = body.encode()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"Content-Length: {len(sent)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Request("\r\n".join([*lines, "", ""]).encode() + sent)


@dataclasses.dataclass
class Outcome:
    """What came back: seconds of each answer, how many of each status, bytes of the last body, wall time."""

    seconds: list[float]
    statuses: dict[int, int]
    wall: float
    size: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return round(len(self.seconds) / self.wall, 1) if self.wall else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share was answered."""
        ordered = sorted(self.seconds)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2) if ordered else 0.0


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int, bool]:
    head = await reader.readuntil(b"\r\n\r\n")
    status, low = int(head[9:12]), head.lower()
    size = 0
    if b"content-length: " in low:
        size = int(low.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(size)
    elif b"transfer-encoding: chunked" in low:
        while (length := int((await reader.readline()).split(b";")[0], 16)) or await reader.readline() == b"":
            await reader.readexactly(length + 2)
            size += length
    return status, size, b"connection: close" in low


async def _client(port: int, requests: Iterator[Request], until: float, go: asyncio.Event, outcome: Outcome) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await go.wait()
    try:
        for request in requests:
            if time.perf_counter() > until:
                return
            began = time.perf_counter()
            writer.write(request.raw)
            status, size, closed = await _answer(reader)
            outcome.seconds.append(time.perf_counter() - began)
            outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
            outcome.size = size
            if closed:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
    finally:
        writer.close()


async def _drive(port: int, requests: Iterator[Request], clients: int, seconds: float) -> Outcome:
    outcome, go = Outcome([], {}, 0.0, 0), asyncio.Event()
    until = time.perf_counter() + seconds + 1
    tasks = [asyncio.create_task(_client(port, requests, until, go, outcome)) for _client_number in range(clients)]
    await asyncio.sleep(0.2)
    began = time.perf_counter()
    go.set()
    await asyncio.gather(*tasks)
    outcome.wall = time.perf_counter() - began
    return outcome


def steady(port: int, paths: Sequence[str], *, clients: int = 16, seconds: float = 3.0, **headers: str) -> Outcome:
    """The paths, over and over, for about that long."""
    requests = itertools.cycle([get(path, **headers) for path in paths])
    return asyncio.run(_drive(port, requests, clients, seconds))


def all_at_once(port: int, requests: Sequence[Request], *, clients: int) -> Outcome:
    """Every request once, from that many clients together."""
    return asyncio.run(_drive(port, iter(requests), clients, 120))


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return round(statistics.median(values), 2)
