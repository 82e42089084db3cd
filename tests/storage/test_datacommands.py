"""The commands `ecsnet data`: what they print, refuse and delete, over each kind of store."""

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner, Result

from ecsnet.asking import commands as datacommands
from ecsnet.asking import output
from ecsnet.cli import commands
from ecsnet.errors import StoreError
from ecsnet.storage.opening import open_store
from ecsnet.storage.sqlitestore import SQLiteStore
from ecsnet.storage.store import Batch, Match, Store
from tests.storage.plausible import ANNA, BEGAN, BERT, FIRST, NASTY, OPEN, SECOND, write_evening


@pytest.fixture(params=["sqlite", pytest.param("mongodb", marks=pytest.mark.process)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of each kind with the evening in it."""
    found = str(tmp_path / "game.db") if request.param == "sqlite" else request.getfixturevalue("mongo_url")
    with closing(open_store(found)) as store:
        write_evening(store)
    return str(found)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a file, not to be written to."""
    path = tmp_path_factory.mktemp("data") / "game.db"
    with closing(SQLiteStore(path)) as store:
        write_evening(store)
    return path


@pytest.fixture(autouse=True)
def _the_next_morning_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datacommands, "unix_time", lambda: BEGAN + 14 * 3600)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("ECSNET_STORE", raising=False)


def ask(store: object, *arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(commands, ["data", *arguments, "--store", str(store)], input=text)


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_question_has_the_same_answer_from_each_kind_of_store(where: str, file: Path) -> None:
    """Whoever moves to a database need not learn anew."""
    for question in (
        "matches --json",
        f"events {FIRST} --json",
        f"events {FIRST} --player anna",
        f"events {FIRST} --before-leaving bert --since 2:20 --csv",
        f"snapshot {FIRST} --at 2:30 --json",
        f"snapshot {FIRST} --list",
        "player anna --json",
        f"heatmap {FIRST} --csv",
        f"jumps {FIRST} --field Transform2D.x --per-second 10",
        "world --json",
        "prune --keep-days 0 --dry-run --csv",
    ):
        answer = ask(where, *question.split())
        assert answer.exit_code == 0, answer.output
        assert answer.stdout == ask(file, *question.split()).stdout


def test_a_player_is_exported_forgotten_and_then_unknown(where: str) -> None:
    """What a data protection request asks for, and how much it was."""
    exported = [document["kept"] for document in rows(ask(where, "player", "anna", "--export"))]
    gone = ask(where, "player", "anna", "--forget", text="y\n")
    after = ask(where, "player", "anna")

    assert {kind: exported.count(kind) for kind in dict.fromkeys(exported)} == {
        "player": 1,
        "save": 1,
        "match": 2,
        "event": 5,
        "snapshot": 12,
    }
    assert "Delete what is kept of account/anna (Anna the Bold, anna), for ever? [y/N]" in gone.stderr
    assert gone.stdout.startswith("deleted 1 save and 4 events, struck out the names in ")
    assert after.exit_code == 1
    assert "nothing is kept of a player 'anna'" in after.output


def test_pruning_lists_what_goes_and_leaves_what_is_on(where: str) -> None:
    """The same list with and without --dry-run."""
    dry, wet = (ask(where, "prune", "--keep-days", "0", "--json", *more) for more in (["--dry-run"], []))

    assert [row["id"] for row in rows(dry)] == [row["id"] for row in rows(wet)] == [FIRST, SECOND]
    assert "2 matches would be deleted" in dry.stderr
    assert "2 matches were deleted" in wet.stderr
    assert [row["id"] for row in rows(ask(where, "matches", "--json"))] == [OPEN]


def test_pruning_goes_on_past_what_one_call_deletes(tmp_path: Path) -> None:
    """A server does it bit by bit; a person wants it done."""
    with closing(SQLiteStore(tmp_path / "many.db")) as store:
        store.write(Batch(matches=[Match(id=f"m{n}", game="a", started=1.0, ended=1.0 + n) for n in range(45)]))

    assert len(rows(ask(tmp_path / "many.db", "prune", "--keep-days", "1", "--json"))) == 45
    assert rows(ask(tmp_path / "many.db", "prune", "--keep-days", "1", "--json")) == []


def test_matches_are_a_table_for_people(file: Path) -> None:
    """In a pipe as wide as it is."""
    assert ask(file, "matches").stdout.splitlines() == [
        "ID                      ROOM  LASTED  END        PLAYERS  EVENTS  SNAPSHOTS  SUMMARY",
        "20261130-180000-soccer          5:05  finished         3      14         10  home=2 away=1 winner=HOME",
        "20261130-190000-knight  ABCD    1:30  abandoned        1       2          2",
        "20261130-200000-soccer          1:01  -                1       2          0",
    ]
    assert [row["id"] for row in rows(ask(file, "matches", "--game", "knight", "--json"))] == [SECOND]


def test_what_came_before_a_disconnect_is_told_with_its_reason(file: Path) -> None:
    """The question of every complaint."""
    asked = ("events", FIRST, "--before-leaving", "bert", "--until", "3:00")

    assert ask(file, *asked).stdout.splitlines() == [
        "  AT  KIND          PLAYERS  WHAT",
        "2:11  refused-call  bert     client_id=2 rpc=kick code=RATE text=kick may be called 4 times a second more=7",
        "2:30  doubted       bert     client_id=2 refused=40 changed=0 unread=0",
        "2:40  lost          bert     client_id=2 reason=TIMEOUT text=nothing heard for 10 s",
    ]
    assert [row["kind"] for row in rows(ask(file, *asked, "--seconds", "10", "--json"))] == ["doubted", "lost"]
    assert [row["kind"] for row in rows(ask(file, *asked, "--kind", "lost", "--json"))] == ["lost"]
    assert "nobody called 'carl' left" in ask(file, "events", FIRST, "--before-leaving", "carl").stderr


def test_events_are_chosen_by_kind_player_and_time(file: Path) -> None:
    """Also by several kinds, and by the calendar."""

    def kinds(*arguments: str) -> list[object]:
        return [row["kind"] for row in rows(ask(file, "events", FIRST, "--json", *arguments))]

    assert kinds("--kind", "lost", "--kind", "returned") == ["lost", "returned"]
    assert kinds("--player", BERT, "--since", "2:30", "--until", "2:50") == ["doubted", "lost", "returned"]
    assert kinds("--since", "2026-11-30T18:05:00Z") == ["match-ended", "left", "left"]
    assert kinds("--player", "nobody") == []


def test_an_event_in_json_has_everything(file: Path) -> None:
    """Programs want the whole of it."""
    assert rows(ask(file, "events", FIRST, "--kind", "lost", "--json")) == [
        {
            "match": FIRST,
            "number": 10,
            "time": "2026-11-30T18:02:40.000Z",
            "seconds": 160.0,
            "tick": 9600,
            "kind": "lost",
            "players": ["bert"],
            "owners": [BERT],
            "data": {
                "client_id": 2,
                "name": "bert",
                "reason": "TIMEOUT",
                "text": "nothing heard for 10 s",
                "room": "",
            },
        }
    ]


def test_a_snapshot_shows_how_the_world_stood(file: Path) -> None:
    """A row for each component; narrowed to what was asked for."""
    lines = ask(
        file, "snapshot", FIRST, "--at", "2:40", "--player", "anna", "--component", "Teleports"
    ).stdout.splitlines()
    listed = rows(ask(file, "snapshot", FIRST, "--list", "--json"))
    [ball] = rows(ask(file, "snapshot", FIRST, "--tick", "1800", "--entity", "20", "--component", "Ball", "--json"))

    assert lines[0].startswith(f"{FIRST} at 2:30, tick 9000, time 2026-11-30 ")
    assert lines[1:] == [
        "3 entities, players: anna, bert",
        "",
        "ENTITY  PLAYER  COMPONENT  FIELDS",
        "    11  anna    Teleports  count=0",
    ]
    assert [row["seconds"] for row in listed] == [30.0 * number for number in range(1, 11)]
    assert (ball["entity"], ball["tick"], ball["owner"], ball["fields"]) == (20, 1800, "", {})


def test_a_players_record_tells_where_it_was_and_how_it_left(file: Path) -> None:
    """And what is kept for good."""
    lines = ask(file, "player", ANNA).stdout.splitlines()

    assert lines[0].startswith("account/anna (Anna the Bold, anna): matches 2, played 6:25, last seen 2026-11-30 ")
    assert lines[0].endswith(", lost 1")
    assert lines[4].endswith("  1:20  lost   nothing heard for 10 s")
    assert lines[-1].endswith("  3  Gold={amount=50}")


def test_what_the_world_keeps_is_listed(file: Path) -> None:
    """It is nobody's, so no player's record has it; and who looks for a player of that name is told."""
    [row] = rows(ask(file, "world", "--json"))

    assert (row["key"], row["revision"], row["components"]) == ("market", 1, {"Market": {"stock": 4}})
    assert ask(file, "world").stdout.splitlines()[1].endswith("1  Market={stock=4}")
    assert rows(ask(file, "world", "--game", "soccer", "--json")) == []
    assert "see `ecsnet data world`" in ask(file, "player", "world").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("events", FIRST, "--kind", "nonsense"),
            f"there is no event of the kind nonsense in {FIRST}; there are GoalScored",
        ),
        (("events", FIRST, "--player", "carl"), f"there is no player carl in {FIRST}; there are anna, bert, =1+1"),
        (
            ("events", FIRST, "--since", "18:53"),
            f"{FIRST} lasted 5:05, and 18:53 is a time of the match: a time of day is",
        ),
        (("events", OPEN, "--since", "18:53"), f"{OPEN} lasted 1:01, and"),
        (("snapshot", FIRST, "--entity", "77"), "there is no entity 77; there are 11, 12, 20\n"),
        (("snapshot", FIRST, "--component", "Nix"), "there is no component Nix; there are Ball, Player, Teleports, Tr"),
        (("snapshot", FIRST, "--player", "carl"), "there is no entity of carl; there are anna, bert\n"),
    ],
)
def test_a_name_that_does_not_exist_is_told_with_those_that_do(
    file: Path, arguments: tuple[str, ...], told: str
) -> None:
    """An empty table would look as if nothing had happened. It is no error: programs get no rows."""
    answer = ask(file, *arguments, "--json")

    assert (answer.exit_code, answer.stdout) == (0, "")
    assert answer.stderr.startswith(told)


def test_an_empty_answer_about_what_exists_needs_no_word(file: Path) -> None:
    """There was a loss, and not after 5:00."""
    assert ask(file, "events", FIRST, "--kind", "lost", "--since", "5:00", "--json").output == ""


def test_jumps_are_told_with_who_when_and_how_fast(file: Path) -> None:
    """A teleport of the game's own is marked."""
    lines = ask(file, "jumps", FIRST, "--field", "Transform2D.x", "--per-second", "20").stdout.splitlines()

    assert lines == [
        "  AT  ENTITY  PLAYER  FIELD          BEFORE  AFTER  LASTED  PER SECOND  NOTE",
        "2:30      12  bert    Transform2D.x     704     35      30        22.3",
        "3:30      11  anna    Transform2D.x     106    907      30        26.7  teleported",
    ]


def test_a_heat_map_is_drawn_in_shades(file: Path) -> None:
    """With a legend, and within the bounds that were asked for."""
    arguments = ("heatmap", FIRST, "--bounds", "0,0,960,640", "--cell", "160")

    assert ask(file, *arguments).stdout.splitlines() == [
        f"{FIRST}: 20 positions, cells of 160",
        "(0, 0)",
        "┌────────────┐",
        "│            │",
        "│██      ▒▒▒▒│",
        "│▓▓      ▒▒▒▒│",
        "│            │",
        "└────────────┘",
        "    (960, 640)",
        "░ 1+  ▒ 2+  ▓ 3+  █ 5+",
    ]
    assert sum(row["count"] for row in rows(ask(file, *arguments, "--json"))) == 20  # type: ignore[misc]
    assert ask(file, "heatmap", FIRST, SECOND).stdout.startswith("2 matches: 22 positions, ")
    assert ask(file, "heatmap", "--all").stdout.startswith("3 matches: 22 positions, ")
    assert ask(file, "heatmap", FIRST, "--player", "anna").stdout.startswith(f"{FIRST}: 10 positions, ")


def test_a_heat_map_goes_as_text_into_a_file_of_text(file: Path) -> None:
    """Or, as `-`, to standard output."""
    assert ask(file, "heatmap", FIRST, "-o", "heat.txt").output == ""
    assert Path("heat.txt").read_text().startswith(f"{FIRST}: 20 positions, ")
    assert ask(file, "heatmap", FIRST, "-o", "-").stdout.startswith(f"{FIRST}: 20 positions, ")
    assert [path.name for path in Path.cwd().iterdir()] == ["heat.txt"]


def test_a_folder_is_no_store() -> None:
    """And `ecsnet serve` would not make one of it, as is said of what is not there."""
    assert "cannot use the store .: it is a folder; name a file" in ask(".", "matches").output


def test_a_store_that_is_off_is_not_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says so does not mean the file that happens to lie here."""
    SQLiteStore(Path("soccer.ecsnet.db")).close()
    by_option = ask("off", "matches")
    monkeypatch.setenv("ECSNET_STORE", "off")
    by_variable = CliRunner().invoke(commands, ["data", "matches"])

    for answer in (by_option, by_variable):
        assert answer.exit_code == 1
        assert "there is no store: it is off" in answer.output


def test_a_nasty_name_reaches_neither_terminal_nor_spreadsheet(file: Path) -> None:
    """It is the player who chose it."""
    for question in ("events", "events --csv", "events --json", "snapshot"):
        answer = ask(file, question.split()[0], FIRST, *question.split()[1:])
        assert "\x1b" not in answer.output
    for arguments in ([], ["--csv"], ["--json"], ["--export"], ["--forget"]):
        answer = ask(file, "player", NASTY, *arguments)
        assert "=1+1" in answer.output
        assert "\x1b" not in answer.output
    cells = [cell for row in csv.reader(io.StringIO(ask(file, "player", NASTY, "--csv").stdout)) for cell in row]
    assert r"'=1+1\x1b[31m" in cells
    assert not [cell for cell in cells if cell.startswith("=")]


def test_an_answer_goes_into_a_file(file: Path) -> None:
    """With nothing on the screen; what was there is replaced."""
    Path("out.csv").write_text("before")
    answer = ask(file, "matches", "--csv", "-o", "out.csv")

    assert (answer.exit_code, answer.output) == (0, "")
    assert Path("out.csv").read_text() == ask(file, "matches", "--csv").stdout


@pytest.mark.parametrize("arguments", [["matches", "-o"], ["heatmap", FIRST, "-o"]])
def test_a_store_is_not_written_over(file: Path, tmp_path: Path, arguments: list[str]) -> None:
    """`-o` beside `--store`: a slip that would cost everything."""
    victim = tmp_path / "victim.png"
    victim.write_bytes(file.read_bytes())
    answer = ask(file, *arguments, str(victim))

    assert answer.exit_code == 1
    assert "is a database, maybe the store itself" in answer.output
    assert victim.read_bytes() == file.read_bytes()


def test_the_only_store_here_is_asked_and_named() -> None:
    """As `ecsnet serve` left it; said on standard error, so that pipes are clean."""
    with closing(SQLiteStore(Path("soccer.ecsnet.db"))) as store:
        write_evening(store)
    answer = CliRunner().invoke(commands, ["data", "matches", "--json"])

    assert answer.stderr == "asking soccer.ecsnet.db\n"
    assert len(rows(answer)) == 3


def test_the_environment_names_a_store(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For who always asks the same."""
    monkeypatch.setenv("ECSNET_STORE", str(file))
    answer = CliRunner().invoke(commands, ["data", "matches", "--json"])

    assert (len(rows(answer)), answer.stderr) == (3, "")


@pytest.mark.parametrize(
    ("files", "told"),
    [([], "there is no *.ecsnet.db in "), (["a", "b"], "there are a.ecsnet.db, b.ecsnet.db: name the store")],
)
def test_without_a_store_nothing_is_made(files: list[str], told: str) -> None:
    """Questions change nothing."""
    for name in files:
        Path(f"{name}.ecsnet.db").touch()
    answer = CliRunner().invoke(commands, ["data", "matches"])

    assert answer.exit_code == 1
    assert told in answer.output
    assert len(list(Path.cwd().iterdir())) == len(files)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["events", "2027"], 1, "no match begins with '2027'"),
        (["events", "--since", "soon"], 2, "'soon' is no time: write 5:30"),
        (["events", "--seconds", "-1", "--before-leaving", "x"], 2, "-1"),
        (["matches", "--json", "--csv"], 2, "--json and --csv: one of them"),
        (["matches", "-o", "/nowhere/x"], 1, "cannot write /nowhere/x: No such file or directory"),
        (["snapshot"], 1, "no snapshot of 20261130-200000-soccer is kept"),
        (["snapshot", "--at", "5", "--last"], 2, "one of them"),
        (["player", "nobody"], 1, "nothing is kept of a player 'nobody'"),
        (["player", "anna", "--forget", "--export"], 2, "one after the other"),
        (["prune"], 2, "say what to keep: --keep-days, --keep-megabytes, or both"),
        (["jumps", FIRST, "--field", "a.b", "--per-second", "1"], 1, "no entity has a number at 'a.b'"),
        (["jumps", "--field", "a.b", "--per-second", "1"], 1, "0 snapshots are kept of it"),
        (["heatmap", FIRST, "--all"], 2, "--all, or some matches: not both"),
        (["heatmap"], 1, f"no snapshot of {OPEN} has Transform2D.x and Transform2D.y of entities with Player"),
        (["heatmap", FIRST, "--bounds", "0,0,1"], 2, "'0,0,1' is no rectangle: write left,top,right,bottom"),
        (["heatmap", FIRST, "--bounds", "0,0,nan,1"], 2, "is no rectangle"),
        (["heatmap", FIRST, "--bounds", "5,5,5,6"], 2, "is no rectangle"),
        (["heatmap", FIRST, "--bounds", "5000,0,6000,1"], 1, "of entities with Player within --bounds"),
        (["heatmap", FIRST, "--cell", "0"], 2, "--cell"),
        (["heatmap", FIRST, "-o", "heat.jpg"], 2, "heat.jpg: a picture is written as .png, and text as .txt"),
        (["heatmap", FIRST, "--json", "-o", "heat.png"], 2, "heat.png would be a picture, and --json and --csv are"),
        (["events", "--since", "9:99"], 2, "'9:99' is no time: write 5:30"),
    ],
)
def test_what_cannot_be_answered_is_told(file: Path, arguments: list[str], code: int, told: str) -> None:
    """By the place, the value, and what would be right; without a traceback."""
    before = file.read_bytes()
    answer = ask(file, *arguments)

    assert answer.exit_code == code, answer.output
    assert told in " ".join(answer.output.split())
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    assert file.read_bytes() == before


def test_a_player_is_not_forgotten_without_a_yes(file: Path) -> None:
    """It is for ever."""
    answer = ask(file, "player", "anna", "--forget", text="\n")

    assert answer.exit_code == 1
    assert len(rows(ask(file, "player", "anna", "--export"))) == 21


def test_a_picture_without_pygame_says_how_to_get_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: a server need not have it."""
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.delitem(sys.modules, "ecsnet.asking.heatpicture", raising=False)
    answer = ask(file, "heatmap", FIRST, "-o", "heat.png")

    assert answer.exit_code == 1
    assert 'heat.png: a picture needs pygame: pip install "ecsnet[pygame]"' in answer.output
    assert not Path("heat.png").exists()


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        """Be a terminal."""
        return True


class HastyClock:
    """A clock by which everything takes a second."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        self._now += 1.0
        return self._now


def test_long_work_tells_how_far_it_is_where_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one line, which is gone when something is printed."""
    monkeypatch.setattr(output, "MonotonicClock", HastyClock)
    watched, piped = Terminal(), io.StringIO()
    for stream in (watched, piped):
        progress = output.Progress(stream)
        assert list(progress.over(iter("abc"), "snapshots")) == ["a", "b", "c"]
        progress.clear()
        progress.clear()

    assert watched.getvalue() == "\r1 snapshots ...\r2 snapshots ...\r3 snapshots ...\r               \r"
    assert piped.getvalue() == ""


def test_ctrl_c_ends_without_a_traceback(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a long answer; the store is let go of."""
    opened = []

    def interrupted(store: Store, *_: object) -> NoReturn:
        opened.append(store)
        raise KeyboardInterrupt

    monkeypatch.setattr(datacommands, "figures_of", interrupted)
    answer = ask(file, "matches")

    assert (answer.exit_code, answer.output.strip()) == (1, "Aborted!")
    with pytest.raises(StoreError):
        opened[0].matches()


@pytest.mark.process
def test_a_pipe_that_nobody_reads_ends_without_a_traceback(file: Path) -> None:
    """As with `| head`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "ecsnet", "data", "events", FIRST, "--store", str(file)]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (1, "")
