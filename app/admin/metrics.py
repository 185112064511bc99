"""What a monitor asks about (Prometheus' text format): whether promises are kept and money agrees.

All of it is read from the database, so every process says the same. Nothing is counted of visits: of `/report` no line is
written anywhere (L2), and what people read is nobody's number.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.core import outbox
from app.donations.money_queries import count_mismatches


class _Standing(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, read when they are asked for."""
        counts = outbox.count_open()
        promises = GaugeMetricFamily("manyhands_promises", "Promised work by how it stands.", labels=["state"])
        promises.add_metric(["due"], counts.due)
        promises.add_metric(["failing"], counts.failing)
        promises.add_metric(["given_up"], counts.given_up)
        yield promises
        yield GaugeMetricFamily(
            "manyhands_promises_oldest_due_seconds",
            "For how long the oldest promise that is due has waited; 0 when none is.",
            value=outbox.oldest_due().total_seconds(),
        )
        yield GaugeMetricFamily(
            "manyhands_money_differences",
            "What differs between our books and the payment provider's, and nobody has looked at.",
            value=count_mismatches(),
        )


def exposition() -> bytes:
    """The metrics in Prometheus' text format, UTF-8."""
    registry = CollectorRegistry()
    registry.register(_Standing())
    return generate_latest(registry)
