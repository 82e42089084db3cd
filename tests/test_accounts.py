"""Attempts to log in: what they are answered, how often they may be made, and where the work is done."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import pytest

from ecsnet import passwordhash
from ecsnet.accounts import Account, Accounts, Answer, Registration, make_account
from ecsnet.config import AccountConfig
from ecsnet.errors import AccountError
from ecsnet.protocol import DisconnectReason
from ecsnet.worker import Inline

T = TypeVar("T")

CHEAP = AccountConfig(hash_memory_kib=8, hash_passes=1)
HERE, THERE = "192.0.2.7", "198.51.100.9"
ANNAS, WRONG = "anna's password", "somebody's guess"


class Book:
    """Accounts in memory."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.key: account for account in accounts}

    def find(self, key: str) -> Account | None:
        return self.accounts.get(key)

    def add(self, account: Account) -> bool:
        return self.accounts.setdefault(account.key, account) is account

    def change(self, account: Account, password_hash: str) -> bool:
        is_same = self.accounts.get(account.key) == account
        if is_same:
            self.accounts[account.key] = Account(account.name, password_hash)
        return is_same


class SlowWorker:
    """Does one job after another, each when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        future: Future[T] = Future()
        self.waiting.append(lambda: future.set_result(job()))
        return future

    def work(self) -> None:
        self.waiting.pop(0)()


def book_of(*names: str, config: AccountConfig = CHEAP) -> Book:
    return Book(*[make_account(name, ANNAS, config) for name in names])


def accounts_of(
    book: Book, config: AccountConfig = CHEAP, registration: Registration = Registration.CLOSED
) -> Accounts:
    return Accounts(book, worker=Inline(), config=config, registration=registration)


def ask(accounts: Accounts, name: str, password: str, network: str = HERE, now: float = 0.0) -> Answer:
    """Put an attempt and return its answer, which an `Inline` worker has at once."""
    accounts.ask("tag", name, password, network=network, now=now)
    [answer] = accounts.answers()
    assert answer.tag == "tag"
    return answer


def test_the_right_password_is_answered_with_the_account() -> None:
    """By any name that looks like its own; the account says how it is written."""
    accounts = accounts_of(book_of("Anna"))

    for name in ("Anna", "ANNA", "\u0410nn\u0430"):
        answer = ask(accounts, name, ANNAS)
        assert answer.account is not None
        assert answer.account.name == "Anna"
        assert answer.text == ""


def test_a_wrong_name_is_answered_like_a_wrong_password() -> None:
    """Whoever has no account does not learn who has one."""
    accounts = accounts_of(book_of("Anna"))

    assert ask(accounts, "Anna", WRONG) == Answer("tag", None, "there is no account Anna with that password here")
    assert ask(accounts, "Bert", WRONG) == Answer("tag", None, "there is no account Bert with that password here")


@pytest.mark.parametrize("password", [ANNAS, "x", "", "x" * 10_000])
def test_a_wrong_name_takes_as_long_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    """One hash of the same cost either way, whatever the password, or a clock would tell."""
    accounts = accounts_of(book_of("Anna"))
    costs: list[tuple[object, ...]] = []
    derive = passwordhash._derive

    def counted(password: str, salt: bytes, memory: int, passes: int, lanes: int, length: int) -> bytes:
        costs.append((memory, passes, lanes, length, len(password)))
        return derive(password, salt, memory, passes, lanes, length)

    monkeypatch.setattr(passwordhash, "_derive", counted)
    ask(accounts, "Anna", password)
    ask(accounts, "Bert", password)

    assert len(costs) == 2
    assert costs[0] == costs[1]


@pytest.mark.parametrize("password", ["", "x" * 10_000, "\udcff"])
def test_nobody_gets_in_by_an_odd_password(password: str) -> None:
    """The time of a hash is taken with a made-up account; its password must be nobody's."""
    accounts = accounts_of(book_of("Anna"))

    assert ask(accounts, "Anna", password).account is None
    assert ask(accounts, "Bert", password).account is None


def test_open_registration_gives_a_name_to_whoever_is_first() -> None:
    """The next one needs the same password."""
    book = Book()
    accounts = accounts_of(book, registration=Registration.OPEN)
    first = ask(accounts, "Anna", ANNAS).account

    assert first == book.find("anna")
    assert ask(accounts, "ANNA", ANNAS).account == first
    assert ask(accounts, "anna", WRONG).text.startswith("wrong password for anna; or somebody else has taken that")


def test_closed_registration_makes_no_account() -> None:
    """Which is how it is unless somebody asks for more."""
    book = Book()

    assert ask(accounts_of(book), "Anna", ANNAS).account is None
    assert book.accounts == {}


@pytest.mark.parametrize(
    ("name", "password", "text"),
    [
        ("Anna", "short", "a password has at least 8 characters, not 5"),
        ("Anna", "x" * 257, "a password has at most 256 bytes, not 257"),
        ("", ANNAS, "1 to 24 characters"),
        ("A\u200b", ANNAS, "1 to 24 characters"),
    ],
)
def test_what_no_account_can_have_is_said_before_one_is_made(name: str, password: str, text: str) -> None:
    """So that the player can choose better."""
    book = Book()
    answer = ask(accounts_of(book, registration=Registration.OPEN), name, password)

    assert answer.account is None
    assert text in answer.text
    assert book.accounts == {}


def test_of_two_who_register_one_name_at_once_the_first_has_it() -> None:
    """Even where another process adds it between our look and our change."""

    class Raced(Book):
        def add(self, account: Account) -> bool:
            super().add(make_account("anna", WRONG, CHEAP))
            return super().add(account)

    book = Raced()
    answer = ask(accounts_of(book, registration=Registration.OPEN), "Anna", ANNAS)

    assert answer.account is None
    assert ask(accounts_of(book), "anna", WRONG).account == book.find("anna")


def test_a_hash_of_before_is_made_anew_at_the_next_login() -> None:
    """So a cost that was raised reaches everybody who plays; a wrong password changes nothing."""
    book = book_of("Anna")
    before = book.accounts["anna"]
    dearer = AccountConfig(hash_memory_kib=16, hash_passes=1)
    accounts = accounts_of(book, dearer)

    assert ask(accounts, "Anna", WRONG).account is None
    assert book.accounts["anna"] == before
    assert ask(accounts, "Anna", ANNAS).account == before
    assert "m=16," in book.accounts["anna"].password_hash
    assert ask(accounts, "Anna", ANNAS).account == book.accounts["anna"]


def test_a_password_changed_meanwhile_is_not_put_back() -> None:
    """The new hash of an old password must not overwrite what somebody has set between look and change."""
    other = make_account("Anna", "the new password", CHEAP)

    class Changed(Book):
        def change(self, account: Account, password_hash: str) -> bool:
            self.accounts["anna"] = other
            return super().change(account, password_hash)

    book = Changed(make_account("Anna", ANNAS, CHEAP))
    ask(accounts_of(book, AccountConfig(hash_memory_kib=16, hash_passes=1)), "Anna", ANNAS)

    assert book.accounts["anna"] == other


def test_the_work_is_the_workers_and_the_game_goes_on() -> None:
    """Asking and looking for answers hash nothing; answers come in the order of the attempts that are done."""
    worker = SlowWorker()
    accounts = Accounts(book_of("Anna", "Bert"), worker=worker, config=CHEAP)
    accounts.ask("a", "Anna", ANNAS, network=HERE, now=0.0)
    accounts.ask("b", "Bert", WRONG, network=HERE, now=0.0)
    accounts.ask("c", "", "", network=HERE, now=0.0)

    assert [answer.tag for answer in accounts.answers()] == ["c"]
    worker.work()
    assert [(answer.tag, answer.account is not None) for answer in accounts.answers()] == [("a", True)]
    assert accounts.answers() == []
    worker.work()
    assert [(answer.tag, answer.account is not None) for answer in accounts.answers()] == [("b", False)]


def test_128_passwords_wait_at_most() -> None:
    """A full server comes back at once; who floods it hears that it is busy, and nothing grows."""
    worker = SlowWorker()
    accounts = Accounts(book_of("Anna"), worker=worker, config=CHEAP)
    for number in range(130):
        accounts.ask(number, f"name {number}", WRONG, network=f"network {number}", now=0.0)

    busy = "the server is busy, try again"
    assert accounts.answers() == [Answer(each, None, busy, DisconnectReason.SERVER_FULL) for each in (128, 129)]
    assert len(worker.waiting) == 128
    worker.work()
    assert [answer.tag for answer in accounts.answers()] == [0]
    accounts.ask("later", "Anna", ANNAS, network=HERE, now=0.0)
    assert accounts.answers() == []


def test_a_name_takes_10_wrong_passwords_at_once_and_then_one_in_30_seconds() -> None:
    """From wherever they come; then even the right one is not looked at, and the text says for how long."""
    accounts = accounts_of(book_of("Anna"))
    texts = [ask(accounts, "Anna", WRONG, network=f"network {number}").text for number in range(11)]

    assert len(set(texts[:10])) == 1
    assert texts[10] == "too many wrong passwords were tried for this name: try again in 30 s"
    assert ask(accounts, "ANNA", ANNAS, network=THERE, now=29.0).account is None
    assert ask(accounts, "Anna", ANNAS, network=THERE, now=30.0).account is not None


def test_guesses_at_a_name_nobody_has_are_limited_alike() -> None:
    """Or the limit would tell who has an account."""
    accounts = accounts_of(book_of("Anna"))
    texts = [ask(accounts, "Bert", WRONG, network=f"network {number}").text for number in range(11)]

    assert texts[10] == "too many wrong passwords were tried for this name: try again in 30 s"


def test_a_network_takes_64_wrong_passwords_at_once_and_then_one_in_5_seconds() -> None:
    """Whatever names it tries; another network does not suffer."""
    accounts = accounts_of(book_of("Anna"))
    texts = [ask(accounts, f"name {number}", WRONG).text for number in range(65)]

    assert "no account" in texts[63]
    assert texts[64] == "too many wrong passwords came from your network: try again in 5 s"
    assert ask(accounts, "Anna", ANNAS, now=4.9).account is None
    assert ask(accounts, "Anna", ANNAS, network=THERE).account is not None
    assert ask(accounts, "Anna", ANNAS, now=5.0).account is not None


def test_right_passwords_are_not_limited() -> None:
    """A player with a bad connection logs in often."""
    accounts = accounts_of(book_of("Anna"))

    assert all(ask(accounts, "Anna", ANNAS).account is not None for _ in range(200))


def test_a_network_makes_64_accounts_at_once_and_then_one_in_5_seconds() -> None:
    """Where registration is open, each is kept for ever and costs a hash: who makes thousands is no school."""
    accounts, text = accounts_of(Book(), registration=Registration.OPEN), "a password of mine"
    answers = [ask(accounts, f"name {number}", text) for number in range(65)]

    assert [answer.account is not None for answer in answers] == [True] * 64 + [False]
    assert answers[64].text == "too many wrong passwords or new accounts came from your network: try again in 5 s"
    assert ask(accounts, "name 64", text, network=THERE).account is not None
    assert ask(accounts, "name 65", text, now=5.0).account is not None


def test_nobody_can_lock_a_player_out_from_elsewhere() -> None:
    """Where Anna got in last she still gets in while others guess; but a thief there guesses no faster."""
    accounts = accounts_of(book_of("Anna"))
    ask(accounts, "Anna", ANNAS, network=HERE)
    for number in range(1000):
        ask(accounts, "Anna", WRONG, network=f"network {number}")

    assert ask(accounts, "Anna", ANNAS, network=THERE).account is None
    assert ask(accounts, "Anna", ANNAS, network=HERE).account is not None
    assert [ask(accounts, "Anna", WRONG).text[:8] for _ in range(65)][-1] == "too many"


def test_what_is_remembered_of_attempts_is_bounded() -> None:
    """Names and networks are an attacker's to choose; so are open accounts."""
    config = AccountConfig(hash_memory_kib=8, hash_passes=1, max_remembered=50)
    accounts = accounts_of(Book(), config, registration=Registration.OPEN)
    for number in range(200):
        ask(accounts, f"name {number}", ANNAS, network=f"network {number}")
        ask(accounts, f"name {number}", WRONG, network=f"network {number}")

    assert len(accounts._by_name) <= 50
    assert len(accounts._by_network) <= 50
    assert len(accounts._homes) == 50


def test_a_book_that_fails_is_logged_and_the_player_hears_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """Paths and causes are for whoever runs the server; the others play on."""

    class Burnt(Book):
        def find(self, key: str) -> Account | None:
            raise AccountError("/srv/accounts is on fire")

    with caplog.at_level(logging.ERROR):
        answer = ask(accounts_of(Burnt()), "Anna", ANNAS)

    assert answer == Answer(
        "tag", None, "the server cannot look at its accounts at the moment", DisconnectReason.REFUSED
    )
    assert "/srv/accounts is on fire" in caplog.text
    assert ANNAS not in caplog.text


def test_no_password_is_in_what_is_shown() -> None:
    """Attempts and accounts may end up in a log."""
    worker = SlowWorker()
    book = book_of("Anna")
    accounts = Accounts(book, worker=worker, config=CHEAP)
    accounts.ask("tag", "Anna", ANNAS, network=HERE, now=0.0)

    shown = repr(accounts) + repr(accounts._attempts) + repr(book.accounts)
    assert ANNAS not in shown
    assert "argon2" not in shown
