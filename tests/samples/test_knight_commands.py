"""What is typed: words cut short, mistakes that say what would be right, completions."""

import pytest

from ecsnet.samples.knight.commands import COMMANDS, Mistake, completions, read


@pytest.mark.parametrize(
    ("line", "word", "rest"),
    [
        ("attack slash", "attack", "slash"),
        ("attack", "attack", ""),
        ("  ATTACK   Thrust ", "attack", "thrust"),
        ("a b", "attack", "bash"),
        ("b axe", "buy", "axe"),
        ("hea", "heal", ""),
        ("wait 0.5", "wait", "0.5"),
        ("q", "quit", ""),
        ("s  Who is there?", "say", "Who is there?"),
        ("who\r", "who", ""),
    ],
)
def test_words_may_be_cut_short(line: str, word: str, rest: str) -> None:
    """Who fights has no time to type."""
    assert read(line) == (word, rest)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("dance", "'dance' is none of attack, heal, buy, who, look, say, wait, help, quit"),
        ("w", "'w' may be who or wait"),
        ("he", "'he' may be heal or help"),
        ("attack kick", "'kick' is none of slash, thrust, bash"),
        ("attack slash bash", "'slash bash' is none of slash, thrust, bash"),
        ("buy", r"buy what\? Type buy sword\|axe\|lance"),
        ("wait", r"wait what\? Type wait SECONDS"),
        ("heal me", "heal stands alone, without 'me'"),
    ],
)
def test_a_mistake_says_what_would_be_right(line: str, text: str) -> None:
    """There is nobody to ask."""
    with pytest.raises(Mistake, match=text):
        read(line)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ["attack ", "heal", "buy ", "who", "look", "say ", "wait ", "help", "quit"]),
        ("b", ["buy "]),
        ("he", ["heal", "help"]),
        ("buy ", ["sword", "axe", "lance"]),
        ("a t", ["thrust"]),
        ("attack  B", ["bash"]),
        ("heal ", []),
        ("w x", []),
        ("dance x", []),
    ],
)
def test_tab_offers_what_fits(typed: str, expected: list[str]) -> None:
    """And nothing else; a space is there where more must come."""
    assert completions(typed) == expected


def test_every_completion_is_understood() -> None:
    """The two ways to look at the table agree."""
    for command in COMMANDS:
        for choice in completions(f"{command.word} "):
            assert read(f"{command.word} {choice}") == (command.word, choice)
