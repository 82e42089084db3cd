"""How Knight is played: at a prompt by who types, or by a script where there is nobody to be prompted."""

import sys

from ecsnet import RunningClient
from ecsnet.samples.knight.live import play_live
from ecsnet.samples.knight.script import play_script

__all__ = ["main"]


def main(client: RunningClient) -> None:
    """Play until the person has had enough, or the game is over."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        play_live(client)
    else:
        play_script(client, sys.stdin.fileno())
