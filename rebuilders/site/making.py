"""What the commands do: pages of one node, into its own site, or of several, into a directory of their own."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rebuilders.site.generate import Generated, generate
from witness.logged import of_node, of_policy

Tell = Callable[[str], None]


def pages_of_node(site: Path, state: Path, *, tell: Tell = lambda _: None) -> Generated:
    """The pages of the node whose site is `site`, and whose own directory is `state`. Raises as `generate`."""
    return generate([of_node(site)], site, state, own=True, tell=tell)


def pages_of_several(
    out: Path,
    sites: Sequence[Path],
    policy: Path | None,
    nodes: Sequence[Path],
    *,
    title: str = "",
    url: str = "",
    tell: Tell = lambda _: None,
) -> Generated:
    """The pages of witnesses of a policy, and of `nodes` by their directories. Raises as `generate`."""
    sources = [of_node(node / "site") for node in nodes]
    if policy is not None or sites or not nodes:
        sources += of_policy(policy, sites)
    return generate(sources, out / "site", out / "state", title=title, url=url, tell=tell)
