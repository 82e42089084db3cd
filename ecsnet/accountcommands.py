"""The commands `ecsnet accounts`: make, list and remove the accounts of a server's file, and give them passwords.

A password is asked for, or read from standard input where that is no terminal; never from the command, which everybody
on the machine can list.
"""

import sys
from pathlib import Path

import click

from ecsnet.accountfile import AccountFile
from ecsnet.accountnames import name_key
from ecsnet.accounts import Account, make_account
from ecsnet.config import AccountConfig
from ecsnet.errors import AccountError

__all__ = ["account_commands"]

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
name_argument = click.argument("name")


@click.group("accounts")
def account_commands() -> None:
    """Make accounts for a server that asks players for name and password, also while it runs.

    A password is asked for; in a script it is the first line of standard input.
    """


@account_commands.command()
@file_argument
@name_argument
def add(file: Path, name: str) -> None:
    """Make an account in FILE, which is made if it is not there."""
    book = AccountFile(file, create=True)
    account = make_account(name, ask_password(), AccountConfig())
    if not book.add(account):
        raise AccountError(f"{file} has an account {found(book, name).name}, and {name!r} would be taken for it")
    click.echo(f"{account.name} has an account now")


@account_commands.command("list")
@file_argument
def list_names(file: Path) -> None:
    """Print the names in FILE, one a line."""
    for name in AccountFile(file).names():
        click.echo(name)


@account_commands.command()
@file_argument
@name_argument
def remove(file: Path, name: str) -> None:
    """Remove an account from FILE. Who plays with it plays on until they leave."""
    book = AccountFile(file)
    account = found(book, name)
    book.remove(account.key)
    click.echo(f"{account.name} has no account any more")


@account_commands.command()
@file_argument
@name_argument
def passwd(file: Path, name: str) -> None:
    """Give an account in FILE another password."""
    book = AccountFile(file)
    account = found(book, name)
    changed = make_account(account.name, ask_password(), AccountConfig())
    if not book.change(account, changed.password_hash):
        raise AccountError(f"somebody else has changed the account {account.name} meanwhile: look, and try again")
    click.echo(f"{account.name} has another password now")


def found(book: AccountFile, name: str) -> Account:
    """Return the account of a name.

    Raises:
        AccountError: There is none.
    """
    account = book.find(name_key(name))
    if account is None:
        raise AccountError(f"{book.path} has no account {name!r}: ecsnet accounts list {book.path} shows them")
    return account


def ask_password() -> str:
    """Ask for a new password twice, or take the first line of standard input where nobody can be asked."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
