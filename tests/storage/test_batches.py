"""What every store makes of a batch before it writes."""

import pytest

from ecsnet.errors import StoreError
from ecsnet.storage.batches import PART_ENTITIES, entity_parts
from ecsnet.storage.store import Document, Snapshot


@pytest.mark.parametrize("how_many", [0, 1, PART_ENTITIES, PART_ENTITIES + 1, 3 * PART_ENTITIES])
def test_a_part_has_no_more_entities_than_its_limit(how_many: int) -> None:
    """A document of MongoDB has a limit, and a long encoding makes the game wait; each entity is encoded by itself."""
    encoded: list[Document] = []

    def encode(entity: Document) -> int:
        encoded.append(entity)
        return len(encoded)

    made: list[Document] = [{"entity": number} for number in range(how_many)]
    snapshot = Snapshot(match="m", tick=1, time=0.0, seconds=0.0, count=how_many, entities=iter(made))
    parts = list(entity_parts(snapshot, encode))

    assert encoded == made
    assert [number for part in parts for number in part] == list(range(1, how_many + 1))
    assert [len(part) for part in parts[:-1]] == [PART_ENTITIES] * (len(parts) - 1)
    assert len(parts) == max(1, -(-how_many // PART_ENTITIES))


@pytest.mark.parametrize("count", [0, 199, 201, 400])
def test_a_snapshot_with_another_number_of_entities_than_it_says_is_refused(count: int) -> None:
    """Before its last part is written, so that it never counts as whole."""
    made: list[Document] = [{"entity": number} for number in range(200)]
    snapshot = Snapshot(match="m", tick=1, time=0.0, seconds=0.0, count=count, entities=made)

    with pytest.raises(StoreError, match=rf"says it has {count} entities and made 200"):
        list(entity_parts(snapshot, len))
