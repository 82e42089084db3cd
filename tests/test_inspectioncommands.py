"""The command `ecsnet inspect`, as far as it comes without a server."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ecsnet import keys
from ecsnet.cli import commands
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
