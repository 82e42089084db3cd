"""What a field holds comes back from a document as it was, and a document is what JSON and any database can hold."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, Flag, IntEnum
from typing import Annotated, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.fields import EntityRef, NetVar
from ecsnet.storage.values import ANYTHING, MAX_DEPTH, NotKeptError, value_form


class Metal(Enum):
    IRON = 1
    GOLD = 2


class Rank(IntEnum):
    PAGE = 1


class Powers(Flag):
    FLY = 1
    SWIM = 2


class Spot(NamedTuple):
    x: float
    metal: Metal


@dataclass(frozen=True)
class Link:
    name: str
    next: "Link | None" = None


TEXTS = st.text(st.characters(codec=None)) | st.just("\ud800")
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.binary()
KEYS = st.integers() | st.text() | st.tuples(st.integers(), st.text())
NESTED = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(KEYS, inner)
        | st.frozensets(KEYS)
        | st.sets(KEYS)
    ),
    max_leaves=12,
)
DECLARED = [
    (bool, st.booleans()),
    (int, st.integers()),
    (float, st.floats(allow_nan=False)),
    (str, TEXTS),
    (bytes, st.binary()),
    (Metal, st.sampled_from(Metal)),
    (Rank, st.sampled_from(Rank)),
    (Powers, st.integers(0, 3).map(Powers)),
    (int | None, st.none() | st.integers()),
    (NetVar[EntityRef], st.integers(0, 1 << 32)),
    (Annotated[Metal, "any"], st.sampled_from(Metal)),
    (tuple[int, Metal], st.tuples(st.integers(), st.sampled_from(Metal))),
    (tuple[Metal, ...], st.lists(st.sampled_from(Metal)).map(tuple)),
    (list[list[int]], st.lists(st.lists(st.integers()))),
    (frozenset[int], st.frozensets(st.integers())),
    (set[Metal], st.sets(st.sampled_from(Metal))),
    (dict[str, float], st.dictionaries(st.text(), st.floats(allow_nan=False))),
    (dict[int, list[Spot]], st.dictionaries(st.integers(), st.lists(st.builds(Spot, st.floats(allow_nan=False))))),
    (dict[tuple[int, int], str], st.dictionaries(st.tuples(st.integers(), st.integers()), st.text())),
    (Link, st.builds(Link, st.text(), st.none() | st.builds(Link, st.text(), st.none()))),
    (object, NESTED),
    (list, st.lists(NESTED)),
]


@pytest.mark.parametrize(("declared", "values"), DECLARED, ids=str)
def test_every_value_of_a_declared_type_comes_back_as_it_was(
    declared: object, values: st.SearchStrategy[object]
) -> None:
    """Through JSON, and with nothing in it that a database of 64 bits cannot hold."""

    @given(values)
    def comes_back(value: object) -> None:
        form = value_form(declared)
        document = form.write(value)

        check_document(document)
        found = form.read(json.loads(json.dumps(document, allow_nan=False)))
        assert found == value
        assert type(found) is type(value)

    comes_back()


def check_document(document: object) -> None:
    """See that a document is what `Document` says."""
    if isinstance(document, Mapping):
        for key, part in document.items():
            assert isinstance(key, str)
            assert "\0" not in key
            check_document(part)
    elif isinstance(document, list):
        for part in document:
            check_document(part)
    elif isinstance(document, int):
        assert -(1 << 63) <= document < 1 << 63
    else:
        assert document is None or isinstance(document, str | float)


def test_what_is_no_number_comes_back_as_such() -> None:
    """JSON has no NaN, and a division that went wrong is what one wants to find in a snapshot."""
    form = value_form(float)

    found = form.read(form.write(math.nan))

    assert isinstance(found, float)
    assert math.isnan(found)


def test_people_can_read_what_is_declared() -> None:
    """An Enum is its name, a tuple a list, a set a list in order: nothing is marked that need not be."""
    assert value_form(Metal).write(Metal.GOLD) == "GOLD"
    assert value_form(tuple[int, int]).write((1, 2)) == [1, 2]
    assert value_form(frozenset[int]).write(frozenset({3, 1})) == [1, 3]
    assert value_form(dict[str, int]).write({"a": 1}) == {"a": 1}
    assert value_form(Spot).write(Spot(1.5, Metal.IRON)) == {"x": 1.5, "metal": "IRON"}


@pytest.mark.parametrize(
    ("declared", "value", "why"),
    [
        (object, object(), "a object has no form in a store"),
        (object, Metal.IRON, "declare the field as Metal"),
        (Metal, "IRON", "is no Metal"),
        (tuple[int, int], (1, 2, 3), "has 3 parts, not 2"),
        (list[int], {1}, "is no list"),
    ],
)
def test_what_has_no_form_says_why(declared: object, value: object, why: str) -> None:
    """The text goes to whoever runs the server."""
    with pytest.raises(NotKeptError, match=why):
        value_form(declared).write(value)


def test_what_holds_itself_is_refused() -> None:
    """It has no end."""
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(NotKeptError, match=f"more than {MAX_DEPTH} levels"):
        ANYTHING.write(endless)


@pytest.mark.parametrize(
    ("declared", "document", "why"),
    [
        (int, "5", "'5' is no int"),
        (int, True, "True is no int"),
        (bytes, {"$bytes": "x"}, "non-hexadecimal"),
        (int, {"$int": "many"}, "invalid literal"),
        (str, {"$text": 3}, "is no value"),
        (str, {}, "is no value"),
        (Metal, "TIN", "'TIN' is no Metal; there is IRON, GOLD"),
        (Powers, 64, "is no Powers"),
        (dict[int, int], {"$dict": [[1]]}, "no pair"),
        (dict[int, int], [], "no mapping"),
        (tuple[int, int], [1], "1 parts, not 2"),
        (Link, {"nam": "a"}, "Link has no nam"),
        (Link, {}, "Link: "),
    ],
)
def test_what_does_not_fit_any_more_says_why(declared: object, document: object, why: str) -> None:
    """Games change between two runs, and somebody may have edited the store."""
    with pytest.raises(NotKeptError, match=why):
        value_form(declared).read(document)
