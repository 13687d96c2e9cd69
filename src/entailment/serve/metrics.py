"""What Prometheus is told, in a registry of the server's own, so that two in one process do not mix."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_TOKENS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)


class Metrics:
    """All of them by name; labels are routes, status codes and reasons, never texts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter, histogram, gauge = self._counter, self._histogram, self._gauge
        self.requests = counter("requests", "Requests by route and status code.", "route", "status")
        self.refusals = counter("refusals", "Requests without an answer, by reason.", "reason")
        self.request_seconds = histogram(
            "request_seconds", "From a request's arrival to its answer.", _SECONDS
        )
        self.queue_seconds = histogram("queue_seconds", "From the queue to the first batch.", _SECONDS)
        self.tokenisation_seconds = histogram(
            "tokenisation_seconds", "Texts of a request to tokens.", _SECONDS
        )
        self.model_seconds = histogram("model_seconds", "One batch through the model.", _SECONDS)
        self.batch_pairs = histogram("batch_pairs", "Pairs of a batch.", _COUNTS)
        self.batch_tokens = histogram("batch_tokens", "Tokens of a batch.", _TOKENS)
        self.batches_retried = counter("batches_retried", "Batches that failed and were run job by job.")
        self.workers_replaced = counter("workers_replaced", "Worker threads that died.")
        self.pairs_in_hand = gauge("pairs_in_hand", "Pairs waiting or running.")
        self.tokens_in_hand = gauge("tokens_in_hand", "Tokens waiting or running.")

    def ran(self, pairs: int, tokens: int, seconds: float) -> None:
        """A batch was run."""
        self.batch_pairs.observe(pairs)
        self.batch_tokens.observe(tokens)
        self.model_seconds.observe(seconds)

    def text(self) -> bytes:
        """In the format Prometheus reads."""
        return generate_latest(self.registry)

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"entailment_{name}", help_, labels, registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"entailment_{name}", help_, buckets=buckets, registry=self.registry)

    def _gauge(self, name: str, help_: str) -> Gauge:
        return Gauge(f"entailment_{name}", help_, registry=self.registry)
