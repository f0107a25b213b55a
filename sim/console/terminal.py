"""Print tables within the terminal's width: long cells fold and nothing is cut.

A pipe has no width; 80 columns are assumed, as usual in a shell. Where even the figures alone are
wider, lines are longer than that: a figure that is cut is a wrong one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...link.text import printable
from .streams import as_it_is

_PADDING = (0, 1, 0, 0)
"""A blank beside each cell; the box adds another between columns."""

_FOLDED = 8
"""Columns of text are folded to this width at most."""

_WIDEST_HEAD = 24
"""A column's head beyond this many columns is folded."""


class PlainConsole(Console):
    """A console that interprets no markup and escapes characters that act on the terminal."""

    def render_str(self, text: str, **how: Any) -> Text:
        """Return text to print, escaped line by line."""
        return super().render_str(_shown(text), **how)


def console(*, error: bool = False, least: int = 0) -> Console:
    """Return a console on standard output, or on standard error.

    Args:
        error: Whether it is on standard error.
        least: Least width in columns; by default, the terminal's width counts alone.
    """
    found = PlainConsole(
        file=as_it_is(sys.stderr if error else sys.stdout),
        soft_wrap=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    if found.width < least:
        found.width = least
    return found


def plain_table(
    title: str, columns: Sequence[tuple[str, bool]], whole: Sequence[str] = ()
) -> Table:
    """Return an empty table whose cells fold instead of being cut.

    Args:
        title: Title above the table.
        columns: For each column, its head and whether it holds numbers.
        whole: Heads of columns of short words, which never fold; numbers never fold either.
    """
    table = Table(
        title=_text(title) if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=_PADDING,
        show_edge=False,
    )
    for head, is_number in columns:
        table.add_column(
            _text(head),
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=is_number or head in whole,
        )
    return table


def print_side_by_side(titles: Sequence[str], columns: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Print figures of several items in one column each, in as many tables as the width needs.

    Args:
        titles: Titles of the rows.
        columns: For each item, its name and its figures in the order of `titles`.
    """
    terminal = console()
    columns = [(_shown(name), [_shown(figure) for figure in own]) for name, own in columns]
    titles_wide = max(map(cell_len, titles))
    room = terminal.width - titles_wide - 2
    chunk: list[tuple[str, Sequence[str]]] = []
    left = room
    for name, figures in columns:
        wide = _width(name, figures) + 2
        if chunk and wide > left:
            _print_chunk(terminal, titles, chunk)
            chunk, left = [], room
        chunk.append((name, figures))
        left -= wide
    if chunk:
        _print_chunk(terminal, titles, chunk)


def print_rows(rows: Iterable[Sequence[str]]) -> None:
    """Print rows of equal length in columns, without lines; the last column folds first.

    Args:
        rows: Cells of each row, the name first.
    """
    terminal = console()
    cells = [[_shown(cell) for cell in row] for row in rows]
    table = Table.grid(padding=(0, 2, 0, 0))
    for place in range(len(cells[0]) if cells else 0):
        wide = max(cell_len(row[place]) for row in cells)
        # The last column folds; the others only if they are very long.
        last = place == len(cells[0]) - 1
        table.add_column(
            overflow="fold", min_width=None if last else min(wide, terminal.width // 3)
        )
    for row in cells:
        table.add_row(*map(_text, row))
    _print(terminal, table)


def print_text(text: str) -> None:
    """Print a paragraph, folded between words."""
    _print(console(), Text(_shown(text)))


def print_table(table: Table) -> None:
    """Print a table of `plain_table`."""
    terminal = console(least=_least_width(table))
    title, table.title = table.title, None
    sys.stdout.write("\n")
    if title:  # within the table it would fold at the table's width
        _print(terminal, Text(str(title), style="table.title"))
    _print(terminal, table)


def _least_width(table: Table) -> int:
    """Return the width that a table needs if all cells that may fold are folded."""
    total = 0
    for column in table.columns:
        cells = (column.header, *column.cells)
        widest = max(cell_len(line) for cell in cells for line in _lines(cell))
        total += widest if column.no_wrap else min(widest, _FOLDED)
    return total + 2 * len(table.columns) - 1  # a blank in each cell, and one between two


def _lines(cell: object) -> list[str]:
    return _shown(cell.plain if isinstance(cell, Text) else str(cell)).split("\n")


def _shown(text: str) -> str:
    """Return text from outside escaped for printing; its line breaks stay."""
    return "\n".join(map(printable, text.split("\n")))


def _text(text: str) -> Text:
    return Text(_shown(text))


def _width(name: str, figures: Sequence[str]) -> int:
    lines = [line for figure in figures for line in figure.split("\n")]
    head = min(cell_len(name), _WIDEST_HEAD)
    return max([head, *(min(cell_len(line), _WIDEST_HEAD) for line in lines)])


def _print_chunk(
    terminal: Console, titles: Sequence[str], chunk: Sequence[tuple[str, Sequence[str]]]
) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=_PADDING, show_edge=False)
    table.add_column("", no_wrap=terminal.width >= 60, overflow="fold")
    for name, figures in chunk:
        table.add_column(
            _text(name),
            justify="right",
            overflow="fold",
            max_width=max(_width(name, figures), 1),
        )
    for row, title in enumerate(titles):
        table.add_row(_text(title), *(_text(figures[row]) for _, figures in chunk))
    _print(terminal, table)


def _print(terminal: Console, table: Table | Text) -> None:
    """Print line by line without trailing blanks."""
    with terminal.capture() as captured:
        terminal.print(table)
    out = as_it_is(sys.stdout)  # with the table's own colours
    # The terminal's encoding may lack a letter of a name.
    encoding = sys.stdout.encoding or "utf-8"
    for line in captured.get().splitlines():
        text = line.rstrip().encode(encoding, "backslashreplace").decode(encoding)
        out.write(f"{text}\n")
