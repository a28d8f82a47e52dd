"""The recheck: it accepts what was proved, derives it anew, and refuses whatever was tampered with."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ionto_dsl.driver import compile_file
from ionto_ir.dataclass import replace
from ionto_ir.features import KNOWN_FEATURES
from ionto_ir.limits import LimitKind
from ionto_ir.recheck.check import Rechecked, Standing
from ionto_ir.recheck.derive import FEATURES, derive
from ionto_ir.recheck.record import METHODS, Record, read_record
from ionto_verifier.certificate import Closed
from ionto_verifier.certify import method_of
from ionto_verifier.decision import Proved, Refuted, Stage, Unknown
from ionto_verifier.driver import verify
from ionto_verifier.properties import Question
from ionto_verifier.report import Answered
from ionto_verifier.rests import EXISTENCE, Rest
from tests.golden.everything import everything
from tests.ir.sealing import PROVE_ONLY, Json, codes, parts_of, rechecked, rechecked_plan
from tests.library.test_library import LIBRARY, TREATMENTS
from tests.verifier.test_cross_check import square

CLOSED = ["closed"]
DERIVED = [
    "current",
    "density",
    "ramp",
    "dose",
    "duration",
    "sessions",
    "stop time",
    "guard",
    "range",
    "zero",
    "course",
    "drug",
    "scope",
    "total",
]
"""Properties whose every hard claim in the library is derived again and certified."""


REGIMENS = sorted((LIBRARY / "regimens").glob("*.ionto"))
ARITHMETIC = {"sessions", "device", "drug", "table", "grid", "voltage", "course", "scope"}
"""Properties that plain arithmetic may settle."""


def untouched(_plan: Json, _certificates: Json) -> None:
    """Change nothing."""


def accepted(name: str) -> Rechecked:
    checked = rechecked(untouched, name)
    assert isinstance(checked, Rechecked)
    assert checked.faults == ()
    return checked


@pytest.mark.parametrize("path", TREATMENTS, ids=lambda path: path.stem)
def test_every_safety_claim_of_a_shipped_treatment_is_derived_again_and_certified(path) -> None:
    checked = accepted(str(path))
    assert checked.count(Standing.SOLVER) == 0
    assert checked.not_understood is None
    for claim in checked.claims:
        if claim.property in DERIVED and claim.standing is not Standing.OPEN:
            assert claim.standing is Standing.DERIVED, (claim.claim, claim.why_not_derived)
    open_ones = [claim.property for claim in checked.claims if claim.standing is Standing.OPEN]
    assert open_ones in ([], ["dose"])  # a soft limit of one treatment, which is meant to be passed


@pytest.mark.soak
@pytest.mark.parametrize("path", REGIMENS, ids=lambda path: path.stem)
def test_every_limit_of_a_proved_regimen_is_derived_again_and_certified(path) -> None:
    for compiled in compile_file(str(path)).plans:
        report = verify(compiled.plan, PROVE_ONLY)
        claims = rechecked_plan(compiled.plan, report).claims if report.proved else ()
        for claim in claims:
            if "limits[" in claim.claim:
                told = (claim.claim, claim.why_not_derived)
                assert claim.standing in (Standing.DERIVED, Standing.OPEN), told


def test_certificates_are_counted_and_none_is_counted_that_is_not_there() -> None:
    _, _, certificates = parts_of()
    checked = accepted("treatments.plantar_fasciitis_dexamethasone")
    with_proof = [item for item in certificates["stated"] if item[5] is not None]
    derived = [place for _, place in certificates["derived"] if place is not None]
    assert checked.certificates == len(with_proof) + len(derived)
    assert checked.stated == (len(with_proof), len(certificates["stated"]))


# --- tampering ----------------------------------------------------------------------------------------------


def farkas(certificates: Json) -> Iterator[Json]:
    """The certificates that have multipliers."""
    for proof in certificates["proofs"]:
        if proof[0] == "farkas":
            yield proof


def test_a_changed_multiplier_is_refused() -> None:
    def change(_: Json, certificates: Json) -> None:
        proof = next(item for item in farkas(certificates) if len(item[1]) > 1)
        proof[1][0][0] = str(int(proof[1][0][0]) + 1)

    assert codes(change) == {"I0831"}


def test_every_multiplier_counts() -> None:
    _, _, certificates = parts_of()
    places = [
        (place, number)
        for place, proof in enumerate(certificates["proofs"])
        if proof[0] == "farkas" and len(proof[1]) > 1
        for number in range(len(proof[1]))
    ]
    assert places
    for place, number in places:

        def change(_: Json, certificates: Json, place: int = place, number: int = number) -> None:
            summand = certificates["proofs"][place][1][number]
            summand[0] = str(int(summand[0]) * 2)

        assert "I0831" in codes(change), (place, number)


@pytest.mark.parametrize("kind", [LimitKind.CURRENT, LimitKind.DENSITY, LimitKind.DOSE, LimitKind.DURATION])
def test_a_limit_that_was_lowered_is_refused(kind: LimitKind) -> None:
    def change(plan: Json, _: Json) -> None:
        for item in plan["limits"]:
            if item["kind"] == kind.value:
                item["bound"] = item["bound"] // 2

    assert codes(change) & {"I0831", "I0834"}


def test_a_limit_that_was_raised_is_refused_too() -> None:
    """It would still hold; but the verification did not speak of it."""

    def change(plan: Json, _: Json) -> None:
        next(item for item in plan["limits"] if item["kind"] == "dose")["bound"] *= 2

    assert "I0833" in codes(change)


def test_a_current_that_was_raised_is_refused() -> None:
    def change(plan: Json, _: Json) -> None:
        domain = next(item for item in plan["variables"] if item["name"] == "current")["domain"]
        domain["hi"] += 2 * domain["step"]

    assert {"I0831", "I0833"} <= codes(change)


def test_a_constant_current_that_was_raised_is_refused() -> None:
    def change(plan: Json, _: Json) -> None:
        plan.update(json.loads(json.dumps(plan).replace('_na": 1500000', '_na": 1600000')))

    plan, _, _ = parts_of("treatments.sweat_test_pilocarpine")
    assert '"level_na": 1500000' in json.dumps(plan)
    assert "I0831" in codes(change, "treatments.sweat_test_pilocarpine")


def test_an_area_that_shrank_is_refused() -> None:
    def change(plan: Json, _: Json) -> None:
        for electrode in plan["electrodes"]:
            electrode["area_um2"] //= 4

    assert "I0831" in codes(change)


def test_a_requirement_that_is_gone_is_refused() -> None:
    def change(plan: Json, _: Json) -> None:
        plan["requirements"] = []

    assert codes(change, "treatments.palmar_hyperhidrosis_tap_water_child") & {"I0831", "I0833"}


def test_a_refusal_that_is_gone_is_refused() -> None:
    def change(plan: Json, _: Json) -> None:
        plan["rules"] = [rule for rule in plan["rules"] if rule["kind"] != "refuse"]

    assert codes(change) & {"I0831", "I0833"}


def test_a_less_accurate_device_is_refused() -> None:
    def change(plan: Json, _: Json) -> None:
        plan["device"]["accuracy_ppm"] *= 10

    assert "I0831" in codes(change)


def test_a_stop_that_got_faster_than_the_limit_is_refused_by_arithmetic() -> None:
    def change(plan: Json, _: Json) -> None:
        plan["stop_slew_na_s"] *= 2

    assert "I0834" in codes(change)


def test_certificates_of_another_plan_are_refused_even_where_they_would_fit() -> None:
    def change(plan: Json, _: Json) -> None:
        plan["title"] = "Another title"

    assert codes(change, fitting=False) == {"I0830"}
    assert codes(change) == set()


def test_a_dropped_certificate_is_refused() -> None:
    def derived(_: Json, certificates: Json) -> None:
        del certificates["derived"][5]

    def stated(_: Json, certificates: Json) -> None:
        next(item for item in certificates["stated"] if item[5] is not None)[5] = None

    assert codes(derived) == {"I0832"}
    assert codes(stated) == {"I0832"}


def test_a_certificate_for_a_question_that_is_not_asked_is_refused() -> None:
    def change(_: Json, certificates: Json) -> None:
        certificates["derived"].append(["limits[99]/1", 0])

    assert codes(change) == {"I0832"}


def test_two_certificates_for_one_question_are_refused() -> None:
    def change(_: Json, certificates: Json) -> None:
        certificates["derived"].append(certificates["derived"][0])

    assert "I0832" in codes(change)


def test_a_certificate_moved_to_another_question_is_refused() -> None:
    _, _, certificates = parts_of()
    derived = certificates["derived"]
    moved = 0
    for number, (_, place) in enumerate(derived):
        other = next(spot for _, spot in derived if spot != place and certificates["proofs"][spot] != CLOSED)
        if certificates["proofs"][place] == CLOSED:
            continue

        def change(_: Json, certificates: Json, number: int = number, other: int = other) -> None:
            certificates["derived"][number][1] = other

        moved += 1
        assert codes(change) == {"I0831"}, derived[number]
    assert moved > 0


def test_a_solver_s_word_can_be_claimed_but_never_passes_for_a_certificate() -> None:
    def change(_: Json, certificates: Json) -> None:
        for item in certificates["stated"]:
            item[4:] = ["solver", None]
        for item in certificates["derived"]:
            item[1] = None

    checked = rechecked(change)
    assert isinstance(checked, Rechecked)
    assert checked.faults == ()
    assert checked.certificates == 0
    by_arithmetic = {item.property for item in checked.claims if item.standing is Standing.DERIVED}
    assert by_arithmetic <= ARITHMETIC | EXISTENCE
    assert checked.count(Standing.SOLVER) + checked.count(Standing.DERIVED) == len(checked.claims)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda certificates: certificates.pop("stated"),
        lambda certificates: certificates.update(schema="ionto.certificates/1"),
        lambda certificates: certificates.update(more=1),
        lambda certificates: certificates["derived"].append(["x", 10**6]),
        lambda certificates: certificates["derived"].append(["x", True]),
        lambda certificates: certificates["grounds"].append([]),
        lambda certificates: certificates["stated"][0].append(1),
    ],
)
def test_what_is_not_written_as_certificates_are_is_refused(spoil) -> None:
    assert codes(lambda _, certificates: spoil(certificates)) == {"I0829"}


# --- what is not understood ---------------------------------------------------------------------------------


def test_a_feature_that_the_recheck_was_not_taught_leaves_the_plan_underived_and_says_so() -> None:
    plan = everything()
    foreign = replace(plan, requires=("adjust", "teleportation"))
    derivation = derive(foreign)
    assert derivation.questions == derivation.settled == derivation.left == ()
    assert "`teleportation`" in str(derivation.not_understood)


def test_the_recheck_was_taught_every_feature() -> None:
    """One that is new to the language is beyond it until somebody teaches it, and then no plan that requires
    it is derived."""
    assert FEATURES == KNOWN_FEATURES


def test_each_way_of_settling_a_question_is_recorded_by_its_own_word() -> None:
    def method(decision, about: str = "current", decided: bool = False) -> str:
        question = Question("c", replace(square(81), property=about), decided=decision if decided else None)
        return method_of(Answered(question, decision))

    assert method(Proved(Stage.SOLVER, None, ())) == "solver"
    assert method(Proved(Stage.RELAXATION, None, ())) == "solver"
    assert method(Proved(Stage.SPLIT, None, ()), decided=True) == "values"
    assert method(Unknown("given up")) == "open"
    assert method(Refuted(Stage.SOLVER, {})) == "open"
    assert method(Refuted(Stage.SOLVER, {}), "treatable") == "witness"
    for stage in Stage:
        assert method(Proved(stage, Closed(), ())) == stage.value
    assert {stage.value for stage in Stage} | {rest.value for rest in Rest} - {"certificate"} <= METHODS


def test_the_recheck_needs_neither_solver_nor_parser_nor_prover() -> None:
    code = (
        "import sys, ionto_ir.recheck.sealed\n"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('z3', 'cvc5', 'lark', 'ionto_verifier', 'ionto_dsl')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"


def test_a_record_that_was_written_is_read_back_whole() -> None:
    _, _, certificates = parts_of()
    record = read_record(certificates)
    assert isinstance(record, Record)
    assert len(record.stated) == len(certificates["stated"])
    assert len(record.derived) == len(certificates["derived"])
