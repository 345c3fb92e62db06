"""What Prometheus may ask. Labels are of a fixed number, whatever clients send."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from witness.proxy.pages import Offer

TYPE: Final = CONTENT_TYPE_LATEST


class Metrics:
    """Of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "wheelwitness_proxy_requests", "Answers, by status.", ["status"], registry=self._registry
        )
        self.known = Counter(
            "wheelwitness_proxy_known_pages", "Pages answered from memory.", registry=self._registry
        )
        self.failures = Counter(
            "wheelwitness_proxy_failures", "Pages that could not be made.", ["cause"], registry=self._registry
        )
        self.making = Histogram(
            "wheelwitness_proxy_making_seconds", "Time to make a page anew.", registry=self._registry
        )
        self._files = Counter(
            "wheelwitness_proxy_files",
            "Files on pages that were made anew, by verdict.",
            ["outcome", "offered"],
            registry=self._registry,
        )

    def made(self, offer: Offer) -> None:
        """Counts the files of a page."""
        for choice in offer.choices:
            self._files.labels(choice.outcome, "yes" if choice.offered else "no").inc()

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)
