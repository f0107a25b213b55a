"""Read YAML 1.2 text into plain values, with the line of each value.

The values are built from the parser's events instead of by its constructor. Depth, size and the
expansion of aliases are thus limited before anything is built, every duplicate key is found, and
`10:30`, `yes` or `2024-12-02T00:00:00Z` stay text. Depth, values and characters are counted with
all aliases expanded, because a file of a few lines can expand to a terabyte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from .refusal import shown

LARGEST_FILE = 1_000_000
DEEPEST = 32
MOST_VALUES = 250_000
MOST_CHARACTERS = 8_000_000
LONGEST_TEXT = 20_000
LONGEST_KEY = 100
# Total length of the paths of all values, under which their lines are stored.
_MOST_PATH_CHARACTERS = 16_000_000
_MOST_FAULTS = 1000

# The core schema of YAML 1.2.2, section 10.3.2. Longer numbers stay text, which every field
# refuses with its own message.
_WORDS: dict[str, Any] = {"": None, "~": None}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"), None)
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}", re.ASCII)
_BASED = re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_ENDLESS = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class YamlError(Exception):
    """A fault of the text, with its line (from 1) if it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(slots=True)
class Tree:
    """Plain values, the line of each by its path, and faults that did not stop the parser."""

    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[str, int, str]] = field(default_factory=list)
    path_characters: int = 0

    def fault(self, path: str, line: int, message: str) -> None:
        """Record a fault; only the first thousand are kept."""
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append((path, line, message))

    def checked(self) -> Tree:
        """Return the tree if it has no faults.

        Raises:
            YamlError: It has some: the first of them.
        """
        for path, line, message in self.faults[:1]:
            raise YamlError(f"{path}: {message}" if path else message, line)
        return self


@dataclass(slots=True)
class _Node:
    """A value; `size`, `characters` and `height` count its content with aliases expanded."""

    line: int
    value: Any = None
    characters: int = 0
    height: int = 0
    items: list[_Node] | None = None
    pairs: list[tuple[_Node, _Node]] | None = None
    size: int = 1
    closed: bool = True


def parse(text: str) -> Tree:
    """Read one YAML document.

    Raises:
        YamlError: The text is not YAML, or it exceeds a limit.
    """
    tree = Tree()
    root = _compose(_events(text))
    if root is not None:
        tree.value = _build(root, "", tree)
    return tree


def _events(text: str) -> Iterator[Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        problem = " ".join(str(error.problem or error.context or "cannot be read").split())
        if never := _never_closed(text, error):
            raise YamlError(f"not YAML: {never[0]}", never[1]) from None
        if "'\\t'" in problem or _tab_indents(text, line):
            problem = "a tab stands where YAML wants spaces"
        raise YamlError(f"not YAML: {problem}", line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = error.character
        code = ord(character) if isinstance(character, str) else int(character)
        raise YamlError(f"not YAML: character U+{code:04X} is not allowed", line) from None
    except YamlError:
        raise
    except Exception:
        # The parser raises other exceptions, too (an escape beyond Unicode, a malformed
        # directive). They are still faults of the text.
        raise YamlError("not YAML: the parser cannot read it") from None


def _never_closed(text: str, error: MarkedYAMLError) -> tuple[str, int] | None:
    """Return the message and line of an unclosed bracket; a comment may hold the closing one."""
    about, lines, first = str(error.context or ""), text.splitlines(), 0
    bracket, closing = "a bracket", "}]"
    if about.startswith(("while parsing a flow mapping", "while parsing a flow sequence")):
        first = error.context_mark.line if error.context_mark else 0
        bracket, closing = ("{", "}") if "mapping" in about else ("[", "]")
    elif not (
        about.startswith("while parsing a flow node") and "<stream end>" in str(error.problem)
    ):
        return None
    for number, line in enumerate(lines[first:], first + 1):
        comment = re.search(r"(?:^|\s)(#.*)", line)
        if comment and (held := [one for one in closing if one in comment[1]]):
            return (
                f"{bracket} is not closed; the comment {shown(comment[1])} in line {number} holds "
                f"its {held[0]}, so put the comment behind it"
            ), first + 1 if first else number
    if bracket == "a bracket":
        return "a { or [ is not closed before the end", len(lines)
    return f"{bracket} is not closed, or a comma is missing in it", first + 1


def _tab_indents(text: str, line: int | None) -> bool:
    lines = text.splitlines()
    if line is None or line > len(lines):
        return False
    found = lines[line - 1]
    return "\t" in found[: len(found) - len(found.lstrip())]


def _compose(events: Iterator[Event]) -> _Node | None:
    """Build nodes from events, without recursion; an alias shares the node of its anchor."""
    root: _Node | None = None
    open_nodes: list[_Node] = []
    keys: list[_Node | None] = []
    anchors: dict[str, _Node] = {}
    documents = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise YamlError("holds more than one YAML document; allowed: one", line)
            continue
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            node = open_nodes.pop()
            keys.pop()
            node.closed = True
            if open_nodes:
                _grow(open_nodes[-1], node, node.line)
            continue
        if isinstance(event, AliasEvent):
            found = anchors.get(event.anchor)
            if found is None or not found.closed:
                raise YamlError(f"alias *{shown(event.anchor)} names nothing before it", line)
            node = found
        elif isinstance(event, ScalarEvent):
            _check_length(event.value, keys, open_nodes, line)
            node = _Node(line, _scalar(event, line), characters=len(event.value))
        elif isinstance(event, SequenceStartEvent):
            _check_tag(event.tag, "seq", line)
            node = _Node(line, items=[], height=1, closed=False)
        elif isinstance(event, MappingStartEvent):
            _check_tag(event.tag, "map", line)
            node = _Node(line, pairs=[], height=1, closed=False)
        else:
            continue
        if not isinstance(event, AliasEvent) and event.anchor:
            anchors[event.anchor] = node
        if not open_nodes:
            root = node
        else:
            parent = open_nodes[-1]
            if parent.items is not None:
                parent.items.append(node)
            elif keys[-1] is None:
                keys[-1] = node
            else:
                parent.pairs.append((keys[-1], node))  # type: ignore[union-attr]
                keys[-1] = None
            if node.closed:
                _grow(parent, node, line)
        if len(open_nodes) + node.height > DEEPEST:
            raise YamlError(f"nested more than {DEEPEST} deep", line)
        if not node.closed:
            open_nodes.append(node)
            keys.append(None)
    return root


def _grow(node: _Node, part: _Node, line: int) -> None:
    node.size += part.size
    node.characters += part.characters
    node.height = max(node.height, part.height + 1)
    for count, most, what in (
        (node.size, MOST_VALUES, "values"),
        (node.characters, MOST_CHARACTERS, "characters"),
    ):
        if count > most:
            raise YamlError(f"holds more than {most} {what}, aliases counted each time", line)


def _check_length(text: str, keys: list[_Node | None], parents: list[_Node], line: int) -> None:
    is_key = bool(parents) and parents[-1].pairs is not None and keys[-1] is None
    most, what = (LONGEST_KEY, "a key") if is_key else (LONGEST_TEXT, "a value")
    if len(text) > most:
        raise YamlError(
            f"found {what} of {len(text)} characters, {shown(text)}; allowed: at most {most}", line
        )


def _check_tag(tag: str | None, kind: str, line: int) -> None:
    if tag is not None and str(tag) not in ("!", f"tag:yaml.org,2002:{kind}"):
        raise YamlError(f"tag {shown(str(tag))} has no meaning here", line)


def _scalar(event: ScalarEvent, line: int) -> Any:
    text: str = event.value
    _check_tag(event.tag, "str", line)
    if event.tag is not None or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _ENDLESS.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _build(node: _Node, path: str, tree: Tree) -> Any:
    tree.path_characters += len(path)
    if tree.path_characters > _MOST_PATH_CHARACTERS:
        raise YamlError("holds too many values under long keys, aliases counted each time")
    tree.lines[path] = node.line
    if node.items is not None:
        return [
            _build(item, f"{path}.{i}" if path else str(i), tree)
            for i, item in enumerate(node.items)
        ]
    if node.pairs is None:
        return node.value
    mapping: dict[str, Any] = {}
    for key, (key_line, value) in _keys(node, path, tree).items():
        where = f"{path}.{key}" if path else key
        mapping[key] = _build(value, where, tree)
        tree.lines[where] = key_line
    return mapping


def _keys(node: _Node, path: str, tree: Tree) -> dict[str, tuple[int, _Node]]:
    """Return a mapping's pairs by key; its own override those merged in with `<<`."""
    own: dict[str, tuple[int, _Node]] = {}
    merged: dict[str, tuple[int, _Node]] = {}
    merge: _Node | None = None
    for key, value in node.pairs or ():
        if key.value == "<<":
            if merge is not None:
                # Parsers disagree on which of them goes first.
                tree.fault(
                    path,
                    key.line,
                    f"<< given twice, first in line {merge.line}; allowed: one, with a list "
                    "such as [*a, *b]",
                )
            merge = merge or key
            for source in value.items if value.items is not None else [value]:
                if source.pairs is None:
                    tree.fault(path, key.line, "<< wants a mapping to merge")
                    continue
                for name, pair in _keys(source, path, tree).items():
                    merged.setdefault(name, pair)
        elif not isinstance(key.value, str):
            found = shown(key.value) if key.items is None and key.pairs is None else "a structure"
            tree.fault(path, key.line, f"found {found} as a key; allowed: text")
        elif key.value in own:
            first = own[key.value][0]
            where = f"{path}.{key.value}" if path else key.value
            tree.fault(where, key.line, f"given twice, first in line {first}")
        else:
            own[key.value] = (key.line, value)
    return merged | own
