"""``POST /faceRetrieve`` over HTTP (``python -m benchmarks.http --faces 100000``).

One face in a JPEG of 1200 pixels is looked for among synthetic ones: by one client, by eight at
once, and where each millisecond of a request goes.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from time import perf_counter

import numpy as np
import requests

from benchmarks.pictures import portrait
from benchmarks.report import Row, table
from benchmarks.served import CACHE, STAGES, Served, gallery

CLIENTS = 8


def client(url: str, picture: bytes, calls: int) -> list[float]:
    """Send a picture so many times over one connection; milliseconds of each answer.

    The body is made once: a client's own work is not what is measured, and it would take the
    processor from the server.
    """
    request = requests.Request("POST", url, files={"picture": ("p.jpg", picture)}).prepare()
    times = []
    with closing(HTTPConnection(url.removeprefix("http://"))) as connection:
        for _ in range(calls):
            start = perf_counter()
            connection.request("POST", "/faceRetrieve", request.body, dict(request.headers))
            answer = connection.getresponse()
            content = answer.read()
            times.append(1000 * (perf_counter() - start))
            assert answer.status == 200, content
    return times


def load(url: str, picture: bytes, clients: int, calls: int) -> tuple[list[float], float]:
    """All clients at once; the milliseconds of each answer, and answers a second."""
    start = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = [pool.submit(client, url, picture, calls) for _ in range(clients)]
        times = [each for answer in answers for each in answer.result()]
    return times, len(times) / (perf_counter() - start)


def measure(
    faces: int, calls: int, rounds: int = 3, settings: Mapping[str, str] | None = None
) -> list[Row]:
    picture = portrait(CACHE).read_bytes()
    with Served(gallery(faces), settings) as server:
        idle = server.memory()
        first, *others = client(server.url, picture, 10)
        rows = start_rows(server, faces, idle, first, others)
        before, busy = server.seconds(), server.processor_seconds()
        one, rate_one = load(server.url, picture, 1, calls)
        own = 1000 * (server.processor_seconds() - busy) / len(one)
        profile = profile_rows(before, server.seconds(), one)
        profile.append(Row("processor time of a request", "server's own process", own, "ms"))
        rates: dict[int, list[float]] = {1: [rate_one], CLIENTS: []}
        times: dict[int, list[float]] = {1: one, CLIENTS: []}
        for _ in range(rounds):  # in turns, so that both meet the same machine
            for clients in (CLIENTS, 1):
                taken, rate = load(server.url, picture, clients, max(2, calls // clients))
                rates[clients].append(rate)
                times[clients] += taken
        return [*rows, *profile, *load_rows(times, rates)]


def start_rows(
    server: Served, faces: int, idle: float, first: float, others: list[float]
) -> list[Row]:
    tenth = others[-1]
    return [
        Row("start-up to ready", "HTTP", server.start_up, "s", f"{faces:,} faces stored"),
        Row("memory before the first request", "HTTP", idle, "MB"),
        Row("first request", "HTTP", first, "ms", f"{first / tenth:.1f} x the tenth"),
    ]


def profile_rows(
    before: dict[str, float], after: dict[str, float], times: list[float]
) -> list[Row]:
    spent = {name: 1000 * (after[name] - before[name]) / len(times) for name in before}
    whole = float(np.mean(times))
    stages = sum(spent[stage] for stage in STAGES)
    rest = whole - stages
    return [
        Row("one request, mean", "client", whole, "ms"),
        *(Row(f"of it {stage}", "server", spent[stage], "ms") for stage in STAGES),
        Row("of it anything else in the server", "server", spent["request"] - stages, "ms"),
        Row("of it the socket and the client", "client", whole - spent["request"], "ms"),
        Row("outside decode, detect, embed, search", "HTTP", 100 * rest / whole, "%"),
    ]


def load_rows(times: dict[int, list[float]], rates: dict[int, list[float]]) -> list[Row]:
    rows = []
    for clients in (1, CLIENTS):
        p50, p99 = np.percentile(times[clients], [50, 99])
        rate = float(np.median(rates[clients]))
        who = f"{clients} client" + "s" * (clients > 1)
        rows += [
            Row("requests a second", who, rate, "/s"),
            Row("p50", who, float(p50), "ms"),
            Row("p99", who, float(p99), "ms", f"{p99 / p50:.1f} x p50"),
        ]
    gain = float(np.median(rates[CLIENTS])) / float(np.median(rates[1]))
    return [*rows, Row("throughput of 8 clients", "HTTP", gain, "x one client")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=80)
    parser.add_argument("--setting", action="append", default=[], metavar="FACESERVER_NAME=VALUE")
    options = parser.parse_args()
    settings = dict(setting.split("=", 1) for setting in options.setting)
    print(table(measure(options.faces, options.calls, settings=settings)))


if __name__ == "__main__":
    main()
