"""The formatter keeps everything, changes nothing but blanks, rests after one pass, and looks as it ought."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_dsl import surface
from ionto_dsl.formatter import format_source
from ionto_dsl.parse import cut_text, parse
from ionto_ir.source import SourceFile, Span
from tests.architecture.tree import ROOT
from tests.dsl.sentences import laid_out, sentence

LIBRARY = sorted((ROOT / "protocols" / "ionto_protocols").rglob("*.ionto"))


def formatted(text: str) -> str:
    """The text laid out; it must have no syntax error."""
    found = format_source(SourceFile("t.ionto", text))
    assert isinstance(found, str), found
    return found


def without_places(node: object) -> object:
    """A tree as nested tuples in which nothing says where it stood."""
    if isinstance(node, Span):
        return None
    if isinstance(node, tuple):
        return tuple(without_places(part) for part in node)
    if hasattr(node, "__match_args__"):
        return (
            type(node).__name__,
            *(without_places(getattr(node, name)) for name in type(node).__match_args__),
        )
    return node


def meaning(text: str) -> object:
    """The tree of a text without places; the problems in its place when there is none."""
    file, problems = parse(SourceFile("t.ionto", text))
    return [one.code for one in problems] if file is None else without_places(file)


def kept(text: str) -> tuple[list[str], list[str]]:
    """Every token and every comment of a text."""
    cut = cut_text("\n".join(SourceFile("t", text).lines()))
    return [token.text for token in cut.tokens], [comment.text.rstrip() for comment in cut.comments]


def check(text: str) -> None:
    """Laid out, a text means and holds the same, and laid out again it stays as it is."""
    found = format_source(SourceFile("t.ionto", text))
    if not isinstance(found, str):
        assert [one.code for one in found] == meaning(text)
        return
    assert meaning(found) == meaning(text)
    assert kept(found) == kept(text)
    assert formatted(found) == found
    assert found == "" or found.endswith("\n")
    assert not any(line != line.rstrip() for line in found.split("\n"))
    assert "\n\n\n" not in found
    assert "\t" not in "".join(line for line in found.split("\n") if "#" not in line and '"' not in line)


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_any_file_keeps_its_meaning_its_comments_and_its_layout(seed: int, blanks: int) -> None:
    check(laid_out(sentence(seed), blanks))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_the_shipped_library_keeps_its_meaning(path: Path) -> None:
    check(path.read_text(encoding="utf-8"))


@given(st.sampled_from(LIBRARY), st.integers(0, 2**32))
def test_the_layout_does_not_depend_on_how_lines_were_broken(path: Path, seed: int) -> None:
    words = kept(path.read_text(encoding="utf-8"))[0]
    blanks = [" ", "\n", "  \n\t", "\r\n"]
    spread = "".join(word + blanks[(seed >> index % 29) % 4] for index, word in enumerate(words))
    once = formatted(spread)
    assert meaning(once) == meaning(spread)
    lines = [line for line in once.split("\n") if line]
    assert lines == [line for line in formatted(" ".join(words)).split("\n") if line] or _only_columns(
        once, words
    )


def _only_columns(text: str, words: list[str]) -> bool:
    """Whether two layouts differ in columns at most: a blank line ends a run of them."""
    one, other = text.split(), formatted(" ".join(words)).split()
    return one == other


def test_a_file_with_errors_is_not_touched_but_explained() -> None:
    found = format_source(SourceFile("t.ionto", "protocol p { ramp }"))
    assert not isinstance(found, str)
    assert found[0].code == "I0101"


UNTIDY = """\
# head
import  a.b # why
import c
protocol x   extends y{# open
 # first
 title "t" source "s"



 param a:1mA..2 mA=1 mA # one
 param bbb : yes / no=yes step 1 mA "two" # two
 session { ramp to # mid
 -2 mA # mid2
 # own
 over 30 s if a>-1 mA and(bbb or not c=3){ hold for 3 s }else if bbb { }
 else{ wait 3 s } # after else
  # last in block
 }
 test "a" { given a = 1 mA,bbb = no at 3 s pause expect stopped } # tt
 test "longer" { given a = 1 mA # in
 expect stopped }
 let z = min( 1 mA,-2 mA )*3
 before{}
}
envelope e{ limit current<=4 mA hazard H-BURN limit density at cathode <= 0.5 mA/cm2 per session source "s"}


# tail"""

TIDY = """\
# head
import a.b  # why
import c

protocol x extends y {  # open
  # first
  title  "t"
  source "s"

  param a:   1 mA .. 2 mA = 1 mA           # one
  param bbb: yes/no = yes step 1 mA "two"  # two
  session {
    ramp to    # mid
        -2 mA  # mid2
        # own
        over 30 s
    if a > -1 mA and (bbb or not c = 3) {
      hold for 3 s
    } else if bbb { } else {
      wait 3 s
    }  # after else
    # last in block
  }
  test "a" { given a = 1 mA, bbb = no  at 3 s pause  expect stopped }  # tt
  test "longer" {
    given a = 1 mA  # in
    expect stopped
  }
  let z = min(1 mA, -2 mA) * 3
  before { }
}

envelope e {
  limit current            <= 4 mA                   hazard H-BURN
  limit density at cathode <= 0.5 mA/cm2 per session source "s"
}

# tail
"""


def test_the_layout_is_the_house_s() -> None:
    assert formatted(UNTIDY) == TIDY


RUN_TOGETHER = """\
screening s { ask pacemaker: yes/no "Cardiac pacemaker?" icd10cm "Z95.0" ask age: 0 yr .. 120 yr "Age"
refuse when pacemaker "why" caution when age < 18 yr "why" }
device d { driver simulated current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA slew at most 1 mA/s
host gap 250 ms } protocol p { session { classify x { < 30 mmol/L: "a" 30 mmol/L .. < 60 mmol/L: "b" } } }
"""

SET_OUT = """\
screening s {
  ask pacemaker: yes/no         "Cardiac pacemaker?" icd10cm "Z95.0"
  ask age:       0 yr .. 120 yr "Age"
  refuse  when pacemaker   "why"
  caution when age < 18 yr "why"
}

device d {
  driver   simulated
  current  0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA
  slew     at most 1 mA/s
  host gap 250 ms
}

protocol p {
  session {
    classify x {
      < 30 mmol/L:              "a"
      30 mmol/L .. < 60 mmol/L: "b"
    }
  }
}
"""


def test_neighbours_of_one_kind_are_set_in_columns() -> None:
    assert formatted(RUN_TOGETHER) == SET_OUT


def test_byte_order_marks_and_foreign_line_ends_go() -> None:
    assert formatted("\ufeffimport a\r\nimport b\r# c\u00a0\r\n") == "import a\nimport b\n# c\n"


def test_an_empty_file_stays_empty() -> None:
    assert formatted("") == ""
    assert formatted("\n\n  \n") == ""
    assert formatted("\n\n# x") == "# x\n"


def test_places_are_all_that_is_left_out_of_the_comparison() -> None:
    one = surface.Name("a", Span("f", 1, 1, 1, 2))
    moved = dataclasses.replace(one, span=Span("f", 2, 1, 2, 2))
    assert without_places(one) == without_places(moved)
    assert without_places(one) != without_places(surface.Name("b", one.span))
