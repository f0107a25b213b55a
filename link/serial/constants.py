"""Numbers that both ends of the serial line share. docs/serial-protocol.md specifies each."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

VERSION: Final = 1
OLDEST_VERSION: Final = 1

DEFAULT_BAUD: Final = 921600
LARGEST_BAUD: Final = 20_000_000
"""More than the converters and drivers of serial lines can do."""
SMALLEST_CHUNK: Final = 64
LARGEST_CHUNK: Final = 4096
LARGEST_WINDOW: Final = 64
"""Most chunks in flight, which is also the number of bits in a bitmap of chunks."""
MOST_SLOTS: Final = 16
MOST_CHUNKS: Final = 65535
"""Most chunks of a tile or a result: acknowledgements count them in 16 bits."""
LONGEST_TEXT: Final = 48
LARGEST_BODY: Final = LARGEST_CHUNK + 32
"""Bytes of the largest message with its header and CRC, before COBS."""
FIRST_ANSWER: Final = 0x80
"""Kinds of messages from here on go to the host, and those below to the board."""


class Kind(IntEnum):
    """Type of a message: below 0x80 from the host, above from the board."""

    RESET = 0x01
    QUERY = 0x02
    OPEN = 0x03
    JOB = 0x04
    LOAD = 0x05
    RUN = 0x06
    GOT = 0x07
    RELEASE = 0x08
    PING = 0x09
    HELLO = 0x81
    CAPS = 0x82
    READY = 0x83
    STATE = 0x84
    DATA = 0x85
    RESULT = 0x86
    PONG = 0x87
    ERROR = 0x88


class Code(IntEnum):
    """Why a board refuses a message."""

    NO_SESSION = 1
    VERSION = 2
    WRONG_MODEL = 3
    WRONG_BOOT = 4
    DEAD_SESSION = 5
    BAD_PARAMETER = 6
    TOO_LARGE = 7
    UNSUPPORTED = 8
    CONFLICT = 9
    AHEAD = 10
    MALFORMED = 11


class Unsupported(IntEnum):
    """What a board cannot do: the detail of an ERROR with the code UNSUPPORTED.

    A board checks in this order and reports the first that fails.
    """

    COLUMNS = 1
    ROWS = 2
    BANDS = 3
    BIT_DEPTH = 4
    SAMPLE = 5
    FLAGS = 6
    SETTING = 7
    CHUNKS = 8
    ROTATION = 9


class Stage(IntEnum):
    """How far a job is on the board."""

    FREE = 0
    LOADING = 1
    QUEUED = 2
    RUNNING = 3
    DONE = 4
    RELEASED = 5


class Status(IntEnum):
    """How a job ended."""

    CODED = 0
    FAILED = 1


class TickKind(IntEnum):
    """What a board's ticks count, so that modelled times are not taken for measured ones."""

    MEASURED = 0
    """A clock on real hardware."""
    MODELLED = 1
    """Instructions of an emulated machine, or a similar model."""


class SampleCode(IntEnum):
    """Types of a sample, as in the bitstream's header."""

    UINT8 = 0
    UINT16 = 1
    INT16 = 2


class SettingCode(IntEnum):
    """The kind of a job's setting."""

    QUALITY = 0
    """Thousandths of a quality from 0 to 100."""
    BYTES = 1
    """A budget for the encoded tile, in bytes."""
    STEP = 2
    """A step of the codec; 0 is the coarsest."""


class Feature(IntFlag):
    """What a board can do beyond uint8 tiles."""

    UINT16 = 1
    INT16 = 2
    NODATA = 4
    QUALITY = 8
    BYTES = 16
    STEP = 32
    ROTATION = 64
    """The codec rotates a tile's three bands by the quaternion in JOB."""


class JobFlag(IntFlag):
    """Properties of the frame that a tile's encoder needs."""

    NEGATIVE = 1
    """Samples are signed: the lowest is -2**(bit depth - 1)."""
    NODATA = 2
    """The field `nodata` is valid."""
    MASKS = 4
    """The payloads of the frame's tiles begin with a mask."""


class GotFlag(IntFlag):
    """What a host requests together with an acknowledgement."""

    RESULT = 1
    """Send the RESULT message again."""


class StateFlag(IntFlag):
    """What STATE reports about a job besides its stage."""

    RUN = 1
    """RUN has arrived."""
