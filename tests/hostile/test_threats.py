"""The table of threats is true: each test it names is there."""

import ast
from pathlib import Path

import pytest

from tests.hostile.threats import THREATS

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("threat", THREATS)
def test_every_threat_has_its_tests(threat: str) -> None:
    for name in THREATS[threat]:
        file, _, test = name.partition("::")
        functions = {
            node.name
            for node in ast.walk(ast.parse((TESTS / file).read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef)
        }

        assert test.startswith("test_")
        assert test in functions, f"{name} is gone; what proves the answer to {threat!r} now?"
