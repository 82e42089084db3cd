"""Records: how a stream of bytes is cut, `length u16 | record`. Only this file knows; packing and reading are twins."""

__all__ = ["LENGTH_BYTES", "RecordReader", "pack_record"]

LENGTH_BYTES = 2


def pack_record(record: bytes) -> bytes:
    """Put its length before a record of 1 to 65,535 bytes."""
    return len(record).to_bytes(LENGTH_BYTES, "big") + record


class RecordReader:
    """Cuts what arrives, in pieces of any size, back into records.

    It holds less than one record, whatever is announced: a length beyond the limit is found out before its bytes.

    Attributes:
        is_broken: Whether a length was not allowed; nothing can be read any more.
    """

    __slots__ = ("_limit_bytes", "_partial", "is_broken")

    def __init__(self, limit_bytes: int) -> None:
        """Start with nothing.

        Args:
            limit_bytes: Longest record.
        """
        self._limit_bytes = limit_bytes
        self._partial = b""
        self.is_broken = False

    def __repr__(self) -> str:
        """Show what waits."""
        return f"RecordReader({self.held_bytes} B held{', broken' if self.is_broken else ''})"

    @property
    def held_bytes(self) -> int:
        """How much of an unfinished record has arrived."""
        return len(self._partial)

    def feed(self, data: bytes) -> list[bytes]:  # HOT: once per stream and pass
        """Take what arrived; return the records that are whole by now."""
        if self.is_broken:
            return []
        data = self._partial + data
        records, start, end = [], 0, len(data)
        while end - start >= LENGTH_BYTES:
            size = data[start] << 8 | data[start + 1]
            stop = start + LENGTH_BYTES + size
            if not 0 < size <= self._limit_bytes:
                self.is_broken = True
                start = end
            elif stop > end:
                break
            else:
                records.append(data[start + LENGTH_BYTES : stop])
                start = stop
        self._partial = data[start:]
        return records
