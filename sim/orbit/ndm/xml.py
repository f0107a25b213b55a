"""The XML notation: elements with text, read by a parser that refuses everything else.

A document type is refused before anything in it is read. So there are no entities of the file's
own, neither external ones, which name other files, nor internal ones, which expand to gigabytes.
Nesting, elements and text are bounded.

Source of the notation: CCSDS 505.0-B-3, "XML Specification for Navigation Data Messages".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat  # a document type is refused, so no entity can be declared

from .fields import LONGEST_VALUE, Fields, Value, fault

DEEPEST: Final = 16
_LONGEST_NAME: Final = 64


@dataclass(slots=True)
class Element:
    """An element of the document.

    Attributes:
        name: Its name without a namespace's prefix.
        line: Line of its beginning, from 1.
        text: Its own text, without blanks around it.
        parts: The elements in it.
    """

    name: str
    line: int
    text: str = ""
    parts: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """Return the elements of a name directly in this one."""
        return [part for part in self.parts if part.name == name]

    def inside(self, name: str) -> list[Element]:
        """Return the elements of a name anywhere below this one, in order."""
        found: list[Element] = []
        pending = [self]
        while pending:
            element = pending.pop()
            if element.name == name:
                found.append(element)
            else:
                pending += reversed(element.parts)
        return found

    def add_to(self, fields: Fields) -> None:
        """Add the elements without parts, as keywords with values; comments are left out.

        Raises:
            InputError: A keyword is there twice.
        """
        for part in self.parts:
            if not part.parts and part.name != "COMMENT":
                fields.add(part.name, Value(part.text, part.line))


def parse(text: str, file: str, most_elements: int) -> Element:
    """Read a document and return its root.

    Args:
        text: The document.
        file: Its name, for messages.
        most_elements: How many elements it may have.

    Raises:
        InputError: The document is not well formed, has a document type or a processing
            instruction, or exceeds a bound.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    root = Element("", 0)
    open_elements = [root]
    count = 0

    def refuse(found: str, allowed: str) -> None:
        raise fault(file, f"found {found}; allowed: {allowed}", parser.CurrentLineNumber)

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > most_elements:
            refuse(f"more than {most_elements} elements", f"at most {most_elements}")
        if len(open_elements) > DEEPEST:
            refuse(f"elements more than {DEEPEST} deep", f"at most {DEEPEST}")
        name = name.rpartition(":")[2]
        if len(name) > _LONGEST_NAME:
            refuse(f"an element's name of {len(name)} characters", f"at most {_LONGEST_NAME}")
        holder = open_elements[-1]
        element = Element(name, parser.CurrentLineNumber)
        holder.parts.append(element)
        open_elements.append(element)

    def end(_name: str) -> None:
        element = open_elements.pop()
        element.text = element.text.strip()

    def data(found: str) -> None:
        element = open_elements[-1]
        if element.name == "COMMENT" or not found.strip():
            return
        element.text += found
        if len(element.text) > LONGEST_VALUE:
            refuse(f"more than {LONGEST_VALUE} characters of text", f"at most {LONGEST_VALUE}")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = lambda *_: refuse("a document type", "elements alone")
    parser.EntityDeclHandler = lambda *_: refuse("an entity", "elements alone")
    parser.ProcessingInstructionHandler = lambda *_: refuse("an instruction", "elements alone")
    try:
        # The text has been decoded; whatever encoding the document declares, it is UTF-8 now.
        parser.Parse(_without_declaration(text).encode("utf-8"), True)
    except expat.ExpatError as error:
        message = f"found no well-formed XML ({expat.ErrorString(error.code)})"
        raise fault(file, f"{message}; allowed: a message in XML or KVN", error.lineno) from None
    return root.parts[0]


def _without_declaration(text: str) -> str:
    """Blank out the XML declaration, whose encoding no longer holds; lines keep their numbers."""
    begin = len(text) - len(text.lstrip())
    end = text.find("?>", begin, begin + 200)
    if not text.startswith("<?xml", begin) or end < 0:
        return text
    return "\n" * text.count("\n", 0, end) + text[end + 2 :]
