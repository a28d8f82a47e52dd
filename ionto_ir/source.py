"""A source file and the places in it that diagnostics, plans and reports point at."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one file: lines and columns (of characters) count from 1, the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def to(self, other: Span) -> Span:
        """The stretch from the start of this span to the end of `other` (same file)."""
        assert self.file == other.file, "a span lies within one file"
        return Span(self.file, self.line, self.column, other.end_line, other.end_column)

    def start(self) -> Span:
        """The empty span where this one begins."""
        return Span(self.file, self.line, self.column, self.line, self.column)

    def end(self) -> Span:
        """The empty span where this one ends."""
        return Span(self.file, self.end_line, self.end_column, self.end_line, self.end_column)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The text of one file under the name by which messages call it (not necessarily an existing path)."""

    name: str
    text: str

    def lines(self) -> list[str]:
        """The lines without their ends. Only LF, CRLF and CR end a line, as every editor counts them."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty when there is no such line."""
        lines = self.lines()
        return lines[number - 1] if 1 <= number <= len(lines) else ""

    def digest(self) -> str:
        """The SHA-256 of the text as UTF-8, in hexadecimal: what a sealed plan says it was compiled from."""
        # hashlib pulls in the TLS library, which a run that only verifies would pay for and not use.
        from hashlib import sha256

        return sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def text_at(self, span: Span) -> str:
        """The characters that `span` covers."""
        lines = self.lines()[span.line - 1 : span.end_line]
        if not lines:
            return ""
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return "\n".join(lines)

    def whole(self) -> Span:
        """The span of the first line: where a message goes that concerns the file as a whole."""
        return Span(self.name, 1, 1, 1, len(self.line(1)) + 1)
