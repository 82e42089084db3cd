"""Accounts: a name and a password by which a server knows a player again.

A server puts each attempt to `Accounts`, goes on with its game, and takes the answers when they are there: to hash a
password takes longer than a tick, so a worker does it, which the host brings along.

Who has no account learns as little as possible: a wrong name is answered like a wrong password and after the same time,
and guessing is slow for each name and from each network. A name that somebody guesses at may be used up for its owner,
too, but not at the network where the owner got in last. Where registration is open anybody can see which names are
taken, by registering others.
"""

import logging
import os
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Protocol

from ecsnet.accountnames import account_name, name_key
from ecsnet.config import AccountConfig
from ecsnet.errors import AccountError
from ecsnet.passwordhash import PasswordHash, checked_password, hash_password
from ecsnet.protocol import DisconnectReason
from ecsnet.transport.allowance import Allowances
from ecsnet.transport.noise import Entropy
from ecsnet.worker import Worker

__all__ = ["Account", "AccountBook", "Accounts", "Answer", "Registration", "make_account"]

logger = logging.getLogger(__name__)


class Registration(Enum):
    """How accounts come about."""

    OPEN = "open"  # whoever is first to use a name has it, with the password of that time
    CLOSED = "closed"  # only whoever runs the server makes them


@dataclass(frozen=True, slots=True)
class Account:
    """A player as a server knows it, with the hash of its password; see `ecsnet.passwordhash`."""

    name: str
    password_hash: str = field(repr=False)

    @property
    def key(self) -> str:
        """What names it: the same for all names that look like its own."""
        return name_key(self.name)


class AccountBook(Protocol):
    """Keeps accounts. The worker calls it, so it may take its time, and raise AccountError where it cannot answer."""

    def find(self, key: str) -> Account | None:
        """Return the account of a key."""
        ...

    def add(self, account: Account) -> bool:
        """Keep a new account, for good when this returns; return False if there is one of its key."""
        ...

    def change(self, account: Account, password_hash: str) -> bool:
        """Give an account another hash, for good when this returns; return False if it is not as it was any more."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: an account, or a text for the player.

    Attributes:
        tag: What the attempt was put with.
        reason: Of a refusal: SERVER_FULL and REFUSED say that the same may be right later.
    """

    tag: object
    account: Account | None
    text: str = ""
    reason: DisconnectReason = DisconnectReason.BAD_ACCOUNT


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the worker found: an account, which it may just have made, or a text for the player."""

    account: Account | None = None
    is_new: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One that is with the worker."""

    tag: object
    name: str
    network: str
    verdict: Future[_Verdict]


class Accounts:
    """Checks names and passwords, and makes accounts where registration is open."""

    def __init__(
        self,
        book: AccountBook,
        *,
        worker: Worker,
        registration: Registration = Registration.CLOSED,
        config: AccountConfig | None = None,
        entropy: Entropy = os.urandom,
    ) -> None:
        """Open a book. Takes as long as hashing one password.

        Args:
            worker: Hashes passwords and reads the book: not in the thread of the game, where that takes long.

        Raises:
            AccountError: This installation has no Argon2id.
        """
        self.config = config or AccountConfig()
        self.registration = registration
        self._book = book
        self._worker = worker
        self._entropy = entropy
        self._decoy = hash_password("", self.config, entropy)  # for names nobody has; only the time it takes counts
        self._attempts: list[_Attempt] = []
        self._refused: list[Answer] = []
        limits, most = self.config, self.config.max_remembered
        self._by_name = Allowances(limits.attempts_per_second, limits.attempts_at_once, most=most)
        self._by_network = Allowances(limits.network_attempts_per_second, limits.network_attempts_at_once, most=most)
        self._homes: dict[str, str] = {}  # by key, the network where its owner got in last

    def __repr__(self) -> str:
        """Show how many wait."""
        return f"Accounts({self.registration.name}, {len(self._attempts)} waiting)"

    def ask(self, tag: object, name: str, password: str, *, network: str, now: float) -> None:
        """Put an attempt to log in; `answers` will have one for it, perhaps at once.

        Args:
            tag: Comes back with the answer.
            network: Where it comes from; see `ecsnet.transport.address.network_of`.
            now: Monotonic seconds.
        """
        try:
            name = account_name(name)
        except AccountError as error:
            self._refused.append(Answer(tag, None, str(error)))
            return
        obstacle = self._why_not(name_key(name), network, now)
        if obstacle is not None:
            reason, text = obstacle
            self._refused.append(Answer(tag, None, text, reason))
            return
        job = partial(self._judge, name, password)
        self._attempts.append(_Attempt(tag, name, network, self._worker.submit(job)))

    def answers(self) -> list[Answer]:
        """Return and forget the answers that are there by now, in the order of the attempts."""
        answers, self._refused = self._refused, []
        done = [attempt for attempt in self._attempts if attempt.verdict.done()]
        if done:
            self._attempts = [attempt for attempt in self._attempts if attempt not in done]
            answers += map(self._settle, done)
        return answers

    def _why_not(self, key: str, network: str, now: float) -> tuple[DisconnectReason, str] | None:
        """Count an attempt; return why it is not even looked at."""
        limits = self.config
        if len(self._attempts) >= limits.max_waiting:
            return DisconnectReason.SERVER_FULL, "the server is busy, try again"
        if not self._by_network.take(network, now):
            new = " or new accounts" if self.registration is Registration.OPEN else ""
            seconds, what = 1 / limits.network_attempts_per_second, f"{new} came from your network"
        elif self._homes.get(key) != network and not self._by_name.take(key, now):
            seconds, what = 1 / limits.attempts_per_second, " were tried for this name"
        else:
            return None
        return DisconnectReason.REFUSED, f"too many wrong passwords{what}: try again in {seconds:.0f} s"

    def _settle(self, attempt: _Attempt) -> Answer:
        """Make an answer of what the worker found."""
        try:
            verdict = attempt.verdict.result()
        except Exception:  # a book is the host's own: whatever it raises, the others play on
            logger.exception("cannot check the account of %s", attempt.name)
            return Answer(
                attempt.tag, None, "the server cannot look at its accounts at the moment", DisconnectReason.REFUSED
            )
        if verdict.account is None:
            return Answer(attempt.tag, None, verdict.text)
        key = verdict.account.key
        if self._homes.pop(key, "") != attempt.network:
            self._by_name.give_back(key)
        if not verdict.is_new:  # or anybody could fill the book, as fast as the worker hashes
            self._by_network.give_back(attempt.network)
        self._homes[key] = attempt.network  # at the end: whoever has not come for longest is forgotten first
        if len(self._homes) > self.config.max_remembered:
            del self._homes[next(iter(self._homes))]
        return Answer(attempt.tag, verdict.account)

    # In the worker: nothing below touches what the game's thread writes.

    def _judge(self, name: str, password: str) -> _Verdict:
        """Return the account if the password is right, or else a text for the player."""
        account = self._book.find(name_key(name))
        if account is None and self.registration is Registration.OPEN:
            try:
                made = make_account(name, password, self.config, self._entropy)
            except AccountError as error:
                return _Verdict(text=str(error))
            if self._book.add(made):
                return _Verdict(made, is_new=True)
            account = self._book.find(made.key)  # somebody was faster
        if len(password) > self.config.max_password_bytes:
            password = ""  # nobody has it
        kept = self._decoy if account is None else PasswordHash.parse(account.password_hash)
        if not kept.fits(password) or account is None:
            return _Verdict(text=self._wrong(name))
        if not kept.costs(self.config):
            self._book.change(account, str(hash_password(password, self.config, self._entropy)))
        return _Verdict(account)

    def _wrong(self, name: str) -> str:
        if self.registration is Registration.OPEN:
            return f"wrong password for {name}; or somebody else has taken that name, then choose another"
        return f"there is no account {name} with that password here"


def make_account(name: str, password: str, config: AccountConfig, entropy: Entropy = os.urandom) -> Account:
    """Return a new account, to be added to a book. Takes as long as hashing its password.

    Raises:
        AccountError: No account can have this name or password, or this installation has no Argon2id.
    """
    name, password = account_name(name), checked_password(password, config)
    return Account(name, str(hash_password(password, config, entropy)))
