"""A game has folders `components` and `systems` of its own; the engine's must never be found in their place."""

import importlib.util
from pathlib import Path

import pytest

import ecsnet.components
import ecsnet.systems

FOLDERS = {"components": ecsnet.components, "systems": ecsnet.systems}


@pytest.mark.parametrize("name", FOLDERS)
def test_the_engines_folder_refuses_to_be_imported_under_its_bare_name(name: str) -> None:
    """It would give every class a second time, unequal to the first: no query would find anything."""
    initial = Path(str(FOLDERS[name].__file__))
    spec = importlib.util.spec_from_file_location(name, initial)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)

    with pytest.raises(ImportError, match=rf"imported as '{name}'; write `from ecsnet\.{name} import"):
        spec.loader.exec_module(module)


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_promised_is_there(name: str) -> None:
    """`from ecsnet.components import *` works, and nothing is promised twice."""
    promised = FOLDERS[name].__all__

    assert len(promised) == len(set(promised))
    assert all(hasattr(FOLDERS[name], each) for each in promised)
