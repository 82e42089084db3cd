"""The simulated network: which links F4 goes through, and what they are called."""

from ecsnet import RunningClient
from ecsnet.testing.network import Link
from ecsnet.virtualpath import simulate_link, simulated_link

__all__ = ["describe_link", "link_name", "switch_link"]

NAMES = {
    Link.PERFECT: "none",
    Link.LAN: "LAN",
    Link.WIFI: "Wi-Fi",
    Link.MOBILE: "mobile",
    Link.AWFUL: "awful",
}  # in the order of F4


def switch_link(client: RunningClient) -> None:
    """Give the client the next link; after the last, and after one without a name, none."""
    links, link = list(NAMES), simulated_link(client)
    position = links.index(link) if link in NAMES else -1
    simulate_link(client, links[(position + 1) % len(links)])


def link_name(link: Link) -> str:
    """Return what a link is called; one of the player's own, by the command line, has no name."""
    return NAMES.get(link, "custom")


def describe_link(link: Link) -> str:
    """Return what a link does, each way; nothing of one that does nothing."""
    if link == Link.PERFECT:
        return ""
    delay = f"{1000 * link.latency_seconds:.3g} ± {1000 * link.jitter_seconds:.3g} ms"
    return f"{delay}, {100 * link.loss:.3g} % loss, each way"
