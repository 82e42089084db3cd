"""The command `ecsnet inspect`, as far as it comes without a server."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecsnet import keys
from ecsnet.cli import commands
from ecsnet.inspectioncommands import nearby
from ecsnet.joinlink import JoinLink
from ecsnet.transport.identity import Identity


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--key", "other.key"), ", which is not the key in the link: name its file by --key"),
        (("--key", "none"), "there is no key file none: name the server's, by which it knows who may look, with --key"),
        (("--watch",), "--watch goes with --json: on a terminal the table follows by itself"),
        (("--entity", "0"), "0 is not in the range x>=1"),
    ],
)
def test_a_mistake_is_told_before_anybody_is_asked(
    arguments: tuple[str, ...], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a line, with the file or the option that it is about."""
    monkeypatch.chdir(tmp_path)
    keys.make_identity(Path("other.key"))
    link = JoinLink("127.0.0.1", 9, (Identity(bytes(32)).public,))
    result = CliRunner().invoke(commands, ["inspect", str(link), *arguments])

    assert result.exit_code in {1, 2}
    assert text in result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("host", "way"),
    [
        ("192.0.2.2", "127.0.0.1"),
        ("2001:db8::2", "::1"),
        ("192.0.2.3", "192.0.2.3"),
        ("here.example", "here.example"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_link_to_this_machine_goes_over_the_loopback(host: str, way: str) -> None:
    """The first link that a server prints names an address for others, by which it takes its owner for one of them."""
    link = JoinLink(host, 9, (Identity(bytes(32)).public,), "tcp")

    assert nearby(link, ["192.0.2.2", "2001:db8::2"]) == replace(link, host=way)
