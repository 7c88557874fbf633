"""Heads of websocket frames (RFC 6455, section 5.2), as far as whole text messages need them."""

from typing import Final

FINAL_TEXT: Final = 0x81
PONG: Final = 0x8A
MASKED: Final = 0x80
MASK_BYTES: Final = 4
PING_BYTES: Final = 4
PING_HEAD: Final = bytes((0x89, PING_BYTES))

_TWO_BYTES: Final = 126
_EIGHT_BYTES: Final = 127


def text_head(length: int) -> bytes:
    """Return the beginning of an unmasked frame that is one whole text."""
    if length < _TWO_BYTES:
        return bytes((FINAL_TEXT, length))
    if length < 1 << 16:
        return bytes((FINAL_TEXT, _TWO_BYTES, length >> 8, length & 0xFF))
    return bytes((FINAL_TEXT, _EIGHT_BYTES)) + length.to_bytes(8, "big")


def head_of(data: bytes, start: int) -> tuple[int, int]:
    """Return the bytes of a frame's head, 0 while it is not whole, and of its payload."""
    size = len(data) - start
    if size < 2:  # noqa: PLR2004 - the shortest head
        return 0, 0
    length = data[start + 1] & 0x7F
    head = 2 + (MASK_BYTES if data[start + 1] & MASKED else 0)
    if length < _TWO_BYTES:
        return (head, length) if size >= head else (0, 0)
    extended = 2 if length == _TWO_BYTES else 8
    head += extended
    if size < head:
        return 0, 0
    return head, int.from_bytes(data[start + 2 : start + 2 + extended], "big")
