"""The server under load, beside the library on the same texts: throughput, latency, refusals, memory.

    python -m benchmarks.serve_load                        # 64 clients for 60 seconds, a table and JSON
    python -m benchmarks.serve_load --overload 10          # and as many times more than it can answer
    python -m benchmarks.serve_load --soak 600             # and ten minutes more, watching its memory

The server runs in a process of its own, and this one loads it over loopback with clients that do next to
nothing (a request is bytes made beforehand). Both share the processors, so what clients and HTTP cost is part
of the result. The library classifies the same texts in one stream, before and after; the mean of both is the
measure. Processor time per text is told beside it: where a machine has other work, it is the fairer figure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tiny import COMMON_WORDS

from entailment import ZeroShotClassifier

RESULTS = Path(__file__).parent / "results" / "server" / "load.json"
LABELS = ("sports", "politics", "cooking", "music", "film", "science", "travel", "money", "weather", "health")
HOST = "127.0.0.1"


@dataclass
class Tally:
    """What came back in one phase."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # of accepted requests
    statuses: Counter[str] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        cuts = statistics.quantiles(self.latencies, n=100) if len(self.latencies) > 1 else [0.0] * 99
        return {
            "seconds": self.seconds,
            "answered_per_second": len(self.latencies) / self.seconds,
            "median_ms": 1e3 * cuts[49],
            "p95_ms": 1e3 * cuts[94],
            "p99_ms": 1e3 * cuts[98],
            "statuses": dict(self.statuses),
        }


def texts_of(count: int, words: int, seed: int = 0) -> list[str]:
    """Texts of about so many words; their lengths differ by a third either way, as those of real texts do."""
    rng = random.Random(seed)
    vocabulary = COMMON_WORDS.split()
    lengths = (rng.randint(words * 2 // 3, words * 4 // 3) for _ in range(count))
    return [" ".join(rng.choices(vocabulary, k=length)) for length in lengths]


def request_bytes(text: str) -> bytes:
    body = json.dumps({"text": text, "labels": list(LABELS)}).encode()
    head = f"POST /v1/classify HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def offline(texts: Sequence[str], seconds: float, threads: int | None) -> dict[str, float]:
    """Texts a second of the library in one stream, and processor milliseconds a text."""
    classifier = ZeroShotClassifier(threads=threads)
    list(classifier.stream(texts[:64], list(LABELS)))  # the first run is slower
    start, cpu, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - start < seconds:
        count += len(list(classifier.stream(texts[:256], list(LABELS))))
    return {
        "texts_per_second": count / (time.perf_counter() - start),
        "cpu_ms_per_text": 1e3 * (time.process_time() - cpu) / count,
    }


@contextmanager
def server(port: int, options: Sequence[str]) -> Iterator[int]:
    """`entail serve` in a process of its own; yields its id."""
    command = [
        sys.executable,
        "-c",
        "from entailment.cli.app import main; main()",
        "serve",
        "--port",
        str(port),
    ]
    process = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit("the server ended at once")
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) == 0:
                    break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


async def client(port: int, requests: Sequence[bytes], until: float, tally: Tally, seed: int) -> None:
    """Asks one request after the other on one connection; waits a moment where it is refused."""
    rng = random.Random(seed)
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        while time.perf_counter() < until:
            start = time.perf_counter()
            writer.write(rng.choice(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            status = head[9:12].decode()
            length = next(
                int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"
            )
            await reader.readexactly(length)
            tally.statuses[status] += 1
            if status == "200":
                tally.latencies.append(time.perf_counter() - start)
            if b"connection: close" in head.lower():
                return
    finally:
        writer.close()


async def closed_loop(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Tally:
    """So many clients, each with one request under way."""
    tally, start = Tally(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(client(port, requests, start + seconds, tally, number))
    tally.seconds = time.perf_counter() - start
    return tally


async def open_loop(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> Tally:
    """Requests come at a rate, whatever becomes of those before, each on a free connection or a new one."""
    tally, start = Tally(), time.perf_counter()
    rng = random.Random(0)
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one() -> None:
        begun = time.perf_counter()
        try:
            while free and free[-1][0].at_eof():  # the server closes those that it has no use for
                free.pop()[1].close()
            reader, writer = free.pop() if free else await asyncio.open_connection(HOST, port)
            writer.write(rng.choice(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"
            )
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            tally.statuses[type(error).__name__] += 1
            return
        status = head[9:12].decode()
        tally.statuses[status] += 1
        if status == "200":
            tally.latencies.append(time.perf_counter() - begun)
        free.append((reader, writer))

    async with asyncio.TaskGroup() as group:
        sent = 0
        while (now := time.perf_counter() - start) < seconds:
            while sent < rate * now:
                group.create_task(one())
                sent += 1
            await asyncio.sleep(0.005)
    tally.seconds = time.perf_counter() - start
    for _, writer in free:
        writer.close()
    return tally


def resident_mb(pid: int) -> float:
    """Memory of a process, of Linux; 0 elsewhere."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


def processor_seconds(pid: int) -> float:
    """Processor time of a process up to now, of Linux; 0 elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    texts = texts_of(512, options.words)
    requests = [request_bytes(text) for text in texts]
    threads = ["--threads", str(options.threads)] if options.threads else []
    results: dict[str, Any] = {"offline_before": offline(texts, options.seconds / 3, options.threads)}
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with server(port, [*threads, *options.serve]) as pid:
        asyncio.run(closed_loop(port, requests, options.clients, 3))  # the first requests are slower
        results["memory_mb_before"] = resident_mb(pid)
        cpu, client_cpu = processor_seconds(pid), time.process_time()
        load = asyncio.run(closed_loop(port, requests, options.clients, options.seconds))
        answers = len(load.latencies) / 1e3
        results["load"] = {
            **load.summary(),
            "server_cpu_ms_per_text": (processor_seconds(pid) - cpu) / answers,
            "client_cpu_ms_per_text": (time.process_time() - client_cpu) / answers,
        }
        results["memory_mb_load"] = resident_mb(pid)
        if options.overload:
            rate = options.overload * len(load.latencies) / load.seconds
            over = asyncio.run(open_loop(port, requests, rate, options.seconds))
            results["overload"] = {"requests_per_second": rate, **over.summary()}
            results["memory_mb_overload"] = resident_mb(pid)
        if options.soak:
            results["soak_memory_mb"] = soak(port, requests, options.clients, options.soak, pid)
    results["offline_after"] = offline(texts, options.seconds / 3, options.threads)
    before, after, load_ = results["offline_before"], results["offline_after"], results["load"]
    base = statistics.mean((before["texts_per_second"], after["texts_per_second"]))
    cost = statistics.mean((before["cpu_ms_per_text"], after["cpu_ms_per_text"]))
    results["share_of_offline"] = load_["answered_per_second"] / base
    results["share_of_offline_by_cpu"] = cost / (
        load_["server_cpu_ms_per_text"] + load_["client_cpu_ms_per_text"]
    )
    return results


def soak(port: int, requests: Sequence[bytes], clients: int, seconds: float, pid: int) -> list[float]:
    """Memory at the end of each of ten equal parts."""
    found = []
    for _ in range(10):
        asyncio.run(closed_loop(port, requests, clients, seconds / 10))
        found.append(resident_mb(pid))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--words", type=int, default=45)
    parser.add_argument("--threads", type=int, help="of the model")
    parser.add_argument("--overload", type=float, default=0, metavar="TIMES")
    parser.add_argument("--soak", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("serve", nargs="*", help="options of entail serve, after --")
    options = parser.parse_args()
    results = measure(options)
    machine = {
        "cpus": os.cpu_count(),
        "usable": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
    }
    setting = {name: value for name, value in vars(options).items() if name != "output"}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(
        json.dumps({"machine": machine, "options": setting, **results}, indent=2) + "\n"
    )
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
