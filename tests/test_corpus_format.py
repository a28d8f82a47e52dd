"""The corpus mechanism itself: what is read from the Markdown, and what `--accept` writes back."""

from __future__ import annotations

import pytest

from tests.corpus_format import CorpusError, read_cases, write_expected

PAGE = """# Types

Prose.

## A charge is no current

```ionto
hold total
```

```diagnostics
error: old
second line
```

## A file beside it

```ionto limits
envelope e {}
```
```ionto
import limits
```
"""


def test_a_heading_with_a_block_is_a_test_and_one_without_is_prose() -> None:
    assert [(case.name, case.line) for case in read_cases(PAGE)] == [
        ("A charge is no current", 5),
        ("A file beside it", 16),
    ]


def test_blocks_become_files_by_their_name() -> None:
    assert read_cases(PAGE)[1].files == {"limits": "envelope e {}\n", "protocol": "import limits\n"}


def test_the_expected_block_is_read_to_the_letter() -> None:
    expected = read_cases(PAGE)[0].expected
    assert expected is not None
    assert expected.text == "error: old\nsecond line"


def test_accept_replaces_what_was_expected_and_adds_what_was_missing() -> None:
    page = write_expected(PAGE, {"A charge is no current": "error: new\n", "A file beside it": "warning: x"})
    assert [case.expected.text for case in read_cases(page) if case.expected] == ["error: new", "warning: x"]
    assert page.replace("error: new", "error: old\nsecond line").startswith(PAGE)


def test_accept_touches_only_the_tests_that_were_seen() -> None:
    assert write_expected(PAGE, {}) == PAGE


def test_a_heading_inside_a_block_is_no_test() -> None:
    page = "# One\n\n````ionto\n# a comment\n```\n````\n"
    assert [case.name for case in read_cases(page)] == ["One"]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("# A\n```ionto\nx\n", "never closed"),
        ("# A\n```ionto other\nx\n```\n", "no block under test"),
        ("# A\n```ionto\nx\n```\n```ionto\ny\n```\n", "two files"),
        ("# A\n```ionto\nx\n```\n```diagnostics\n```\n```diagnostics\n```\n", "twice"),
        ("# A\n```ionto\nx\n```\n```python\n```\n", "unknown kind"),
        ("# A\n```ionto\nx\n```\n# A\n```ionto\nx\n```\n", "two tests are called"),
        ("# A\n\nProse alone.\n", "without a test"),
    ],
)
def test_a_malformed_page_is_refused(page: str, reason: str) -> None:
    with pytest.raises(CorpusError, match=reason):
        read_cases(page)
