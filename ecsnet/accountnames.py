"""Account names: how a name is written, and when two of them are one.

Two names that people cannot tell apart are one account, so that nobody can pass for somebody else. What can be told
apart is a matter of taste; these rules cover case, the many codes for one letter, letters that look the same in Latin,
Cyrillic and Greek, and marks that do not show. The same idea, with thousands of letters, is in Unicode's UTS 39.
"""

import unicodedata

from ecsnet.admission import MAX_NAME_CHARACTERS, clean_name
from ecsnet.errors import AccountError

__all__ = ["account_name", "name_key"]

# Small letters without accents. Of a pair that looks alike in capitals only, the capitals count: names show them.
_CYRILLIC = ("авеԁһіјкӏмнорԛсѕтухԝ", "abedhijklmhopqcstyxw")
_GREEK = ("αβεζηικμνορτυχ", "abezhikmnoptyx")
_OTHERS = ("\u013101|", "ioll")  # the first is the i without a dot
_ALIKE = str.maketrans(_CYRILLIC[0] + _GREEK[0] + _OTHERS[0], _CYRILLIC[1] + _GREEK[1] + _OTHERS[1])
# No control characters, and yet nothing to see: a joiner, fillers, variation selectors, an empty Braille cell.
_UNSEEN = dict.fromkeys(
    (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, *range(0x180B, 0x180E), *range(0xFE00, 0xFE10))
)


def account_name(text: str) -> str:
    """Return a name as an account can have it: that of a player, and not shortened.

    Raises:
        AccountError: It is empty, too long, or has characters that do not show.
    """
    name = clean_name(text)
    if not name_key(name) or name != " ".join(unicodedata.normalize("NFC", text).split()):
        raise AccountError(
            f"{text[:99]!r} cannot be the name of an account: it has 1 to {MAX_NAME_CHARACTERS} characters, and all of "
            "them show"
        )
    return name


def name_key(name: str) -> str:
    """Return what all names have in common that people cannot tell from this one."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    alike = folded.translate(_UNSEEN).translate(_ALIKE).replace("i\u0307", "i")  # a dot on a dot shows once
    return " ".join(alike.split())
