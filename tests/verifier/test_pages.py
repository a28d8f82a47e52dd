"""Every page about a verdict shows a protocol that gets it, and one that does not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ionto_dsl.driver import Memory, compile_file
from ionto_ir.codes import CODES
from ionto_verifier.driver import verify
from ionto_verifier.report import VerificationReport
from tests.architecture.tree import ROOT
from tests.corpus_format import MAIN_FILE, read_cases
from tests.verifier.sessions import QUICK

PAGES = ROOT / "ionto_ir" / "pages"
FOUND_EARLIER = {"I0610", "I0611", "I0619", "I0620", "I0621", "I0622"}
"""The compiler finds these before the verifier can; other tests put such plans before the verifier."""

WITHOUT_PROTOCOL = {"I0629", "I0630", "I0631", "I0704"}
"""What a sealed plan lacks, which no protocol can lack; a session without current, which the compiler has its
own words about.
"""

OURS = sorted(
    code for code in CODES if code[:3] in ("I06", "I07") and code not in FOUND_EARLIER | WITHOUT_PROTOCOL
)


def _examples(code: str) -> dict[str, Mapping[str, str]]:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    return {case.name: case.files for case in read_cases(page)}


def _report(files: Mapping[str, str]) -> VerificationReport:
    folder = Memory({f"{name}.ionto": text for name, text in files.items()})
    (compiled,) = compile_file(f"{MAIN_FILE}.ionto", folder=folder).plans
    return verify(compiled.plan, QUICK)


@pytest.mark.parametrize("code", OURS)
def test_the_wrong_example_gets_its_verdict_and_the_right_one_does_not(code: str) -> None:
    examples = _examples(code)
    assert code in {item.code for item in _report(examples["Wrong"]).diagnostics}
    assert code not in {item.code for item in _report(examples["Right"]).diagnostics}
