"""Codecs from outside for `fuzz_decoders.py`: hostile programs, and a pair of graphs.

The bytes of a tile decide what the decoding program does: it decodes, or fails in one of a dozen
ways. The graphs are the transform coder of the tests, whose decoder gets whatever tensors the bytes
make.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

from downpass.link.foreign.codec import CommandCodec, ForeignCodec, Samples, Shape
from downpass.link.foreign.command import Command
from downpass.link.foreign.onnx_codec import OnnxCodec
from downpass.link.foreign.quality_scale import QualityScale

NAMES: Final = ("command", "onnx")
BANDS: Final = 4
_SECONDS: Final = 2.0
_MEMORY: Final = 2 << 30
_GRAPHS: Final = Path(__file__).resolve().parents[1] / "tests" / "link" / "foreign"

_ENCODE: Final = 'printf O; cat "$1"'
# The first byte decides: O (79) decodes. A process in the background must end with its group.
_DECODE: Final = r"""
head=$(od -An -N1 -tu1 "$1")
case $((head % 16)) in
    0) echo "not mine" >&2; exit 3;;
    1) cat /dev/zero >> "$2";;
    2) ln -s /etc/passwd "$2";;
    3) mkfifo "$2";;
    4) tail -c +2 "$1" > "$2"; echo more >> "$2";;
    5) kill -SEGV $$;;
    6) sleep 1000 & tail -c +2 "$1" > "$2";;
    7) printf '\033[2J\r\n\0%5000d' 7 >&2; exit 1;;
    8) mkdir "$2" deep deep/er; chmod 000 deep "$2";;
    9) : > "$2";;
    10) cd /; rm -rf "$(dirname "$1")";;
    11) head -c 100 /dev/urandom > "$2";;
    12) trap '' TERM; test $((head / 16)) -eq 0 && sleep 1000; exit 9;;
    *) tail -c +2 "$1" > "$2";;
esac
"""


def foreign_codec(name: str, folder: Path) -> ForeignCodec:
    """Return a codec from outside.

    Args:
        name: One of `NAMES`.
        folder: Empty folder for its files, which must stay.
    """
    if name == "onnx":
        sys.path.insert(0, str(_GRAPHS))
        from onnx_graphs import cosine_pair

        encoder, decoder = cosine_pair(folder, BANDS)
        return OnnxCodec(encoder, decoder, multiple=8, seconds=_SECONDS, memory=_MEMORY)
    for way, script in (("encode", _ENCODE), ("decode", _DECODE)):
        (folder / way).write_text(script)
    shell = ["sh", str(folder / "encode"), "{input}"]
    return CommandCodec(
        Command.find("encode", shell),
        Command.find("decode", ["sh", str(folder / "decode"), "{input}", "{output}"]),
        "bip",
        QualityScale(single=True),
        _SECONDS,
        _MEMORY,
    )


class Watched:
    """A codec that notes whether a damaged codestream reached its decoder.

    Attributes:
        name, fingerprint: The codec's.
        is_sound: Whether what is decoded now is not damaged. It is then decoded only once.
        entered: Whether a codestream was decoded that is not one of these.
    """

    def __init__(self, codec: ForeignCodec) -> None:
        self._codec = codec
        self._known: dict[Any, Samples] = {}
        self.is_sound = True
        self.name = codec.name
        self.fingerprint = codec.fingerprint
        self.entered = False

    def decode(self, stream: bytes, shape: Shape, bit_depth: int) -> Samples:
        """Decode a tile."""
        key = stream, shape, bit_depth
        if key in self._known:
            return self._known[key]
        self.entered = self.entered or not self.is_sound
        found = self._codec.decode(stream, shape, bit_depth)
        if self.is_sound:
            self._known[key] = found
        return found


def left_behind(temporary: Path) -> list[str]:
    """Return what a codec has left in the folder of temporary files, and its processes."""
    folders = [path.name for path in temporary.iterdir()]
    sleeping = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == b"sleep\x001000\0" and _is_ours(path.parent):
                sleeping.append(f"process {path.parent.name}")
        except OSError:  # it has ended
            continue
    return folders + sleeping


def _is_ours(process: Path) -> bool:
    environment = (process / "environ").read_bytes()
    return f"TMPDIR={os.environ['TMPDIR']}".encode() in environment
