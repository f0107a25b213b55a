"""Starts boards that are emulated on this computer: `emulator:NAME` instead of a port.

NAME is the Linux agent or an emulated machine. A firmware job other than the student follows the
machine's name: `emulator:zynq-a9:echo`.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...link.errors import InputError
from ...link.scratch import scratch_folder
from ...link.serial.port import shown_name
from ...link.serial.portname import ALLOWED, port_fault
from ...payload.board.firmware.build import (
    BOARDS,
    JOBS,
    STUDENT,
    Machine,
    build,
    tool,
    why_it_failed,
)
from ...payload.encoders import registry

PREFIX: Final = "emulator:"
AGENT: Final = "agent"
PORTS: Final = f"{ALLOWED} or {PREFIX}NAME"
"""The allowed forms of a board's port, as text for messages."""
_MACHINES: Final = {name: board.machine for name, board in BOARDS.items() if board.machine}
EMULATORS: Final = {
    AGENT: "the Linux agent with JPEG 2000, or agent:CODEC, in a process of its own",
    **{name: BOARDS[name].what for name in _MACHINES},
}
# Runs a program until the keeper's standard input ends: this process closes it, or is killed.
# (Linux sends its parent-death signal already when the thread that started the program ends.) The
# keeper has a session of its own, because Ctrl-C would otherwise end it before its program.
_KEEPER: Final = '"$@" </dev/null & exec >&-; read -r _; kill $! 2>/dev/null; wait $!'


def board_fault(name: str) -> str:
    """Return why a name cannot be a board's port; empty if it may be opened.

    Allowed are the names of `link.serial.portname` and the emulators' names.
    """
    if not is_emulated(name):
        fault = port_fault(name)
        return fault.replace(ALLOWED, PORTS)
    kind, colon, what = name.removeprefix(PREFIX).partition(":")
    if kind not in EMULATORS:
        return f"no emulator has this name; allowed: {', '.join(EMULATORS)}"
    allowed = registry.names() if kind == AGENT else JOBS
    if colon and what not in allowed:
        return f"the emulator {kind} cannot do this; allowed: {', '.join(allowed)}"
    return ""


def is_emulated(name: str) -> bool:
    """Return whether a board's port is an emulator's."""
    return name.startswith(PREFIX)


@contextlib.contextmanager
def board_port(name: str) -> Iterator[str]:
    """Yield the port of a board; an emulated board is started first and stopped at the end.

    Raises:
        InputError: No port or emulator can have this name, or a program it needs is not installed.
    """
    if fault := board_fault(name):
        raise InputError(f"{shown_name(name)}: {fault}")
    if not is_emulated(name):
        yield name
        return
    kind, _, what = name.removeprefix(PREFIX).partition(":")
    with contextlib.ExitStack() as stack:
        if kind == AGENT:
            command = [sys.executable, "-m", "downpass.payload.board", "serve"]
            command += ["--pty", "--name", kind, *(["--codec", what] if what else [])]
        else:
            folder = stack.enter_context(scratch_folder("board"))
            command = qemu(kind, emulated_image(kind, folder, what or STUDENT))
        yield stack.enter_context(running(kind, command))


def emulated_image(name: str, folder: Path, job: str = STUDENT) -> Path:
    """Build the firmware of an emulated board.

    Raises:
        InputError: No such emulator or job, or the compiler is not installed.
    """
    if name not in _MACHINES:
        raise InputError(f"emulator {name!r}: there are {', '.join(EMULATORS)}")
    return build(name, folder / f"{name}.elf", job)


def qemu(name: str, image: Path, serial: str = "pty", *more: str) -> list[str]:
    """Return the command that runs an emulated board's image.

    QEMU counts instructions, so the same tile takes the same ticks at every start, whatever else
    this computer does. Every start of the machine is identical, so a random number is placed where
    the firmware reads its seed.

    Raises:
        InputError: QEMU is not installed.
    """
    machine: Machine = _MACHINES[name]
    seed = f"loader,addr={machine.seed_at:#x},data={secrets.randbits(32):#x},data-len=4"
    sleep = "on" if machine.sleep else "off"
    return [
        tool("qemu-system-arm"),
        *machine.options.split(),
        *f"-display none -monitor none -serial {serial}".split(),
        *f"-icount shift={machine.shift},sleep={sleep} -device {seed}".split(),
        *("-kernel", str(image)),
        *more,
    ]


class EmulatedBoard:
    """An emulated board that can be switched off, reset and halted; `port` stays the same.

    Args:
        name: Name of an emulator with a firmware.
        job: What its firmware does with tiles.

    Raises:
        InputError: No such emulator or job, or a program it needs is not installed.
    """

    def __init__(self, name: str, job: str = STUDENT) -> None:
        self._name = name
        self._stack = contextlib.ExitStack()
        self._folder = self._stack.enter_context(scratch_folder("board"))
        self._image = emulated_image(name, self._folder, job)
        self._power = contextlib.ExitStack()
        self.port = str(self._folder / "port")
        self.power_on()

    def power_on(self, image: Path | None = None) -> None:
        """Start it with empty memory, and with another firmware if `image` is given."""
        self._control_at = self._folder / "control"
        self._control_at.unlink(missing_ok=True)
        command = qemu(self._name, image or self._image)
        command += ["-qmp", f"unix:{self._control_at},server=on,wait=off"]
        port = self._power.enter_context(running(self._name, command))
        fresh = self._folder / "fresh"
        fresh.symlink_to(port)
        fresh.replace(self.port)
        control = self._power.enter_context(socket.socket(socket.AF_UNIX))
        control.connect(str(self._control_at))
        self._control = self._power.enter_context(control.makefile("rwb", buffering=0))
        self._control.readline()
        self._say("qmp_capabilities")

    def power_off(self) -> None:
        """Switch it off; its port vanishes."""
        # The kernel may give the pseudo-terminal's number to another program at once.
        Path(self.port).unlink(missing_ok=True)
        self._power.close()

    def reset(self) -> None:
        """Press its reset button; its memory and its port stay."""
        self._say("system_reset")

    def stop(self) -> None:
        """Halt it, as a debugger does."""
        self._say("stop")

    def go_on(self) -> None:
        """Resume it after `stop`."""
        self._say("cont")

    def close(self) -> None:
        """Switch it off for good, and delete its files."""
        self._power.close()
        self._stack.close()

    def __enter__(self) -> EmulatedBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _say(self, what: str) -> None:
        """Send a command of the QEMU Machine Protocol, and wait until it is done."""
        self._control.write(json.dumps({"execute": what}).encode() + b"\n")
        while "return" not in json.loads(self._control.readline()):
            pass


@contextlib.contextmanager
def running(kind: str, command: list[str]) -> Iterator[str]:
    """Run a program that prints its pseudo-terminal in its first line; stop it at the end.

    Raises:
        InputError: It ends without that line.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603  (a program of this package, no user input)
            ["/bin/sh", "-c", _KEEPER, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101  (they are pipes)
        assert process.stdout is not None  # noqa: S101
        try:
            port = re.search(r"/dev/\S+", process.stdout.readline())
            if port:
                yield port[0]
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()
        if not port:
            said.seek(0)
            raise InputError(f"the emulator {kind} did not start: {why_it_failed(said.read())}")
