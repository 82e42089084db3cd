"""Forms: how the components of one class are copied in a tick, written as documents later, and made again of them.

Copying is the hot part, so a form copies by one call of the standard library's attrgetter where all fields hold what is
never changed in place, and writes the document at once where one does not.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from operator import attrgetter
from typing import get_type_hints

from ecsnet.fields import SPEC_ATTRIBUTE
from ecsnet.netfield import ValueCodec
from ecsnet.storage.store import Document
from ecsnet.storage.values import ANYTHING, NotKeptError, ValueForm, value_form

__all__ = ["ComponentForm", "form_of"]

_FORM_ATTRIBUTE = "__ecsnet_form__"
BYTES = value_form(bytes)


class ComponentForm:
    """How components of one class are kept.

    Attributes:
        cls: The class.
        module: Where it is declared: two classes may have one name.
        names: Of its fields.
        is_known: Whether it has fields that we know of; what is no dataclass has none.
        is_kept: Whether snapshots hold it, as its declaration says.
        losses: Fields of which a value could not be written, each with the newest reason.
    """

    def __init__(self, cls: type) -> None:
        """Look at the fields of a class."""
        self.cls = cls
        self.module = cls.__module__
        declared = fields(cls) if is_dataclass(cls) else ()
        self.names = tuple(each.name for each in declared if each.init)
        self.is_known = is_dataclass(cls)
        spec = cls.__dict__.get(SPEC_ATTRIBUTE)
        self.is_kept = spec is None or spec.kept
        self.losses: dict[str, str] = {}
        self._forms = {name: _field_form(cls, name) for name in self.names}
        self._has_default = {
            each.name for each in declared if each.default is not MISSING or each.default_factory is not MISSING
        }
        self._is_fixed = all(form.is_fixed for form in self._forms.values())
        self.copy: Callable[[object], object] = self._getter() if self._is_fixed else self._write

    def __repr__(self) -> str:
        """Show the class."""
        return f"ComponentForm({self.cls.__name__})"

    def _getter(self) -> Callable[[object], object]:
        """Return what copies all fields in one call: of one its value, of more a tuple, of none nothing."""
        return attrgetter(*self.names) if self.names else _nothing

    def document(self, copied: object) -> Document:
        """Return what `copy` copied, by the names of fields."""
        if not self._is_fixed:
            assert isinstance(copied, dict)
            return copied
        if len(self.names) == 1:
            copied = (copied,)
        assert isinstance(copied, tuple)
        return self._document(zip(self._forms.items(), copied, strict=True))

    def _write(self, component: object) -> Document:
        return self._document((item, getattr(component, item[0])) for item in self._forms.items())

    def _document(self, values: Iterable[tuple[tuple[str, ValueForm], object]]) -> Document:
        """Write each value; one that has no form is left out, and that is noted."""
        document: Document = {}
        for (name, form), value in values:
            try:
                document[name] = form.write(value)
            except NotKeptError as error:
                self.losses[name] = str(error)
            except Exception as error:  # whatever a value of the game's own does when it is looked at
                self.losses[name] = f"a {type(value).__name__} fails when it is written: {type(error).__name__}"
        return document

    def make(self, document: object) -> object:
        """Make a component again. A field that was added since begins with its default.

        Raises:
            NotKeptError: It does not fit the class any more; the text says what of it.
        """
        if not isinstance(document, Mapping):
            raise NotKeptError(f"{self.cls.__name__}: {document!r} is no mapping of fields")
        values = {}
        for name, part in document.items():
            if name not in self._forms:
                raise NotKeptError(f"{self.cls.__name__} has no field {name} (any more)")
            try:
                values[name] = self._forms[name].read(part)
            except (NotKeptError, TypeError) as error:  # the latter: what is in a set or a key may be a list
                raise NotKeptError(f"{self.cls.__name__}.{name}: {error}") from None
        lacking = [name for name in self.names if name not in values and name not in self._has_default]
        if lacking:
            raise NotKeptError(f"{self.cls.__name__}.{lacking[0]} was not kept, and has no default")
        try:
            made: object = self.cls(**values)
        except Exception as error:  # what no @component is may have a constructor of its own
            raise NotKeptError(f"{self.cls.__name__} cannot be made of {values!r}: {error!r}") from error
        return made


def form_of(cls: type) -> ComponentForm:
    """Return how components of a class are kept; made once, and kept with the class."""
    form = cls.__dict__.get(_FORM_ATTRIBUTE)
    if isinstance(form, ComponentForm):
        return form
    form = ComponentForm(cls)
    with suppress(TypeError):  # what is written in C takes no attribute; nobody keeps such things in a World
        setattr(cls, _FORM_ATTRIBUTE, form)
    return form


def _field_form(cls: type, name: str) -> ValueForm:
    """Return the form of one field; alone, since another may name a type that exists for type checkers only."""
    spec = cls.__dict__.get(SPEC_ATTRIBUTE)
    declared = next((each for each in spec.fields if each.name == name), None) if spec is not None else None
    if declared is not None and declared.codec is not None:
        return _codec_form(declared.codec)
    alone = type(cls.__name__, (), {"__annotations__": {name: cls.__annotations__[name]}, "__module__": cls.__module__})
    try:
        return value_form(get_type_hints(alone, include_extras=True)[name])
    except (NameError, AttributeError, SyntaxError, TypeError):
        return ANYTHING


def _codec_form(codec: ValueCodec[object]) -> ValueForm:
    """Return the form of what travels by a codec of the game's own: the bytes it makes."""

    def read(document: object) -> object:
        packed = BYTES.read(document)
        assert isinstance(packed, bytes)
        try:
            return codec.unpack(packed)
        except Exception as error:  # it is code of the game
            raise NotKeptError(f"the codec {codec.name} cannot read it: {error!r}") from error

    def write(value: object) -> object:
        try:
            return BYTES.write(codec.pack(value))
        except Exception as error:  # as above
            raise NotKeptError(f"the codec {codec.name} cannot write it: {error!r}") from error

    return ValueForm(write, read, is_fixed=True)


def _nothing(_: object) -> tuple[()]:
    return ()
