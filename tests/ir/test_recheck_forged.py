"""Whoever holds the key may forge: nothing that is forged is taken for proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

import pytest

from ionto_ir.canonical import digest
from ionto_ir.codec import plan_from_json
from ionto_ir.dataclass import replace
from ionto_ir.plan import Plan
from ionto_ir.recheck.check import Rechecked, Standing
from ionto_ir.recheck.sealed import faults_of, recheck_sealed
from ionto_ir.wellformed import check
from ionto_verifier.driver import verify
from ionto_verifier.report import verdict_name
from tests.ir.sealing import PROVE_ONLY, TREATMENT, Json, codes, parts_of, rechecked

LIBRARY = (
    TREATMENT,
    "regimens.etrans_basal_bolus",  # doses on demand
    "regimens.sweat_pulsed_gomez",  # pulses
    "regimens.tula_tymbion",  # two channels
)


def judged(plan: Json, said: Json, certificates: Json) -> Rechecked:
    read = plan_from_json(plan, "forged")
    assert isinstance(read, Plan)
    certificates["plan_sha256"] = digest(plan)
    found = recheck_sealed(read, digest(plan), said, certificates)
    assert isinstance(found, Rechecked), found
    return found


def refused_for(found: Rechecked) -> set[str]:
    return {item.code for item in faults_of(found, "forged")}


@pytest.mark.parametrize("name", LIBRARY)
def test_a_claim_that_is_left_out_is_missed(name: str) -> None:
    """With every certificate of it: nothing is left that speaks of it but the plan."""
    _, whole, _ = parts_of(name)
    left_out = [item["id"] for item in whole["claims"] if item["property"] not in ("treatable", "reachable")]
    missed = set()
    for claim in left_out:
        plan, said, certificates = parts_of(name)
        said["claims"] = [item for item in said["claims"] if item["id"] != claim]
        certificates["stated"] = [item for item in certificates["stated"] if item[0] != claim]
        for item in certificates["derived"]:
            item[1] = None if item[0].rpartition("/")[0] == claim else item[1]
        if refused_for(judged(plan, said, certificates)) == {"I0629"}:
            missed.add(claim)
    # What plain arithmetic over the plan settles holds whether somebody claims it or not.
    by_arithmetic = {"sessions", "device", "drug", "table", "grid", "voltage", "course", "scope"}
    kinds = {item["id"]: item["property"] for item in whole["claims"]}
    assert {kinds[claim] for claim in left_out if claim not in missed} <= by_arithmetic
    assert missed


def test_nothing_is_proved_by_nothing() -> None:
    """No certificate, no statement, no person, but a claim that all is proved."""

    def change(_: Json, certificates: Json) -> None:
        certificates["stated"] = certificates["people"] = certificates["shown"] = certificates["proofs"] = []
        for item in certificates["derived"]:
            item[1] = None

    assert codes(change) == {"I0630"}


def test_a_statement_that_is_open_proves_nothing() -> None:
    def change(_: Json, certificates: Json) -> None:
        for item in certificates["stated"]:
            item[4:] = ["open", None]
        for item in certificates["derived"]:
            item[1] = None

    assert codes(change) == {"I0630"}


def test_a_verification_that_says_itself_what_fails_is_refused() -> None:
    plan, said, certificates = parts_of()
    said["claims"][3]["verdict"] = "refuted"
    assert refused_for(judged(plan, said, certificates)) == {"I0630"}


def test_a_hard_limit_that_is_called_soft_is_still_derived_or_open() -> None:
    """To call it soft only hides it where it is not proved; then it is counted as open."""
    plan, said, certificates = parts_of()
    for item in said["claims"]:
        if item["property"] == "dose":
            item.update(soft=True, verdict="refuted")
    found = judged(plan, said, certificates)
    assert all(item.standing is Standing.DERIVED for item in found.claims if item.property == "dose")


# --- one certificate ----------------------------------------------------------------------------------------


def test_a_negative_multiplier_proves_nothing() -> None:
    """-1 times what is not negative is a step that proves anything."""

    def change(_: Json, certificates: Json) -> None:
        for proof in certificates["proofs"]:
            if proof[0] == "farkas":
                for summand in proof[1]:
                    summand[0] = "-" + summand[0]

    assert "I0831" in codes(change)


def test_no_multiplier_is_too_large_or_too_small_to_matter() -> None:
    for number in ("0", "-0", "+1", "1.5", "1e9", "", " 1", "٣"):

        def change(_: Json, certificates: Json, number: str = number) -> None:
            proof = next(item for item in certificates["proofs"] if item[0] == "farkas")
            proof[1][0][0] = number

        assert codes(change) & {"I0831", "I0829"}, number


def test_bounds_that_are_not_the_plan_s_prove_nothing_about_it() -> None:
    """The ground of a statement is narrowed: it then proves what it says, and that is not this plan."""

    def change(_: Json, certificates: Json) -> None:
        for domains, _facts in certificates["grounds"]:
            for domain in domains:
                if domain[0] == "current":
                    domain[2] = domain[1]

    assert "I0833" in codes(change)


def test_a_person_who_is_out_of_range_or_refused_shows_nothing() -> None:
    def out_of_range(_: Json, certificates: Json) -> None:
        for person in certificates["people"]:
            for item in person:
                item[1] = "1" if item[0] == "current" else item[1]

    def refused(_: Json, certificates: Json) -> None:
        for person in certificates["people"]:
            for item in person:
                item[1] = "1" if "pacemaker" in item[0] else item[1]

    def somebody_else(_: Json, certificates: Json) -> None:
        certificates["people"][0].pop()

    for change in (out_of_range, refused, somebody_else):
        assert codes(change) == {"I0831"}, change.__name__


def test_a_claim_of_another_kind_is_shown_by_nobody() -> None:
    def change(_: Json, certificates: Json) -> None:
        certificates["shown"].append(["limits[0]", 0])

    assert codes(change) == {"I0831"}


def test_people_may_be_left_out_and_are_counted_then() -> None:
    def change(_: Json, certificates: Json) -> None:
        certificates["people"], certificates["shown"] = [], []

    found = rechecked(change)
    assert isinstance(found, Rechecked)
    assert found.faults == ()
    assert found.count(Standing.WITNESS) == sum(
        item.property in ("treatable", "reachable") for item in found.claims
    )


# --- the plan -----------------------------------------------------------------------------------------------


def places(value: Json, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Where a plan has numbers that mean something: spans and digests mean nothing."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in ("span", "files", "codes"):
                yield from places(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*path, index))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path


def put(plan: Json, path: tuple[object, ...], change: int) -> None:
    for key in path[:-1]:
        plan = plan[key]
    plan[path[-1]] += change


def broken(name: str, path: tuple[object, ...], change: int) -> tuple[set[str], bool]:
    """Which claims are derived of a plan with another number, though the prover refutes them; whether the
    forged plan was refused.
    """
    plan, said, certificates = parts_of(name)
    put(plan, path, change)
    read = plan_from_json(plan, "forged")
    if not isinstance(read, Plan) or check(read):
        return set(), True
    found = judged(plan, said, certificates)
    derived = {item.claim for item in found.claims if item.standing is Standing.DERIVED}
    if found.faults:
        return set(), True
    report = verify(replace(read), PROVE_ONLY)
    words = {item.claim.id: verdict_name(item.verdict) for item in report.findings}
    return {claim for claim in derived if words.get(claim) == "refuted"}, False


@pytest.mark.parametrize("name", LIBRARY)
def test_no_number_of_a_plan_can_be_changed_so_that_what_is_false_stays_derived(name: str) -> None:
    plan, _, _ = parts_of(name)
    random = Random(name)
    tried = random.sample(list(places(plan)), 12)
    for path in tried:
        for change in (random.choice((-1, 1)), random.choice((-1, 1)) * 10 ** random.randint(2, 7)):
            assert broken(name, path, change)[0] == set(), (path, change)


@pytest.mark.soak
@pytest.mark.parametrize("name", LIBRARY)
def test_the_same_of_every_number(name: str) -> None:
    plan, _, _ = parts_of(name)
    refused = 0
    for path in places(plan):
        for change in (-1, 1, -(10**6), 10**6):
            wrong, was_refused = broken(name, path, change)
            assert wrong == set(), (path, change)
            refused += was_refused
    assert refused


def test_what_is_changed_here_is_a_plan() -> None:
    """The places are found in what the codec writes."""
    plan, _, _ = parts_of()
    assert ("stop_slew_na_s",) in set(places(plan))
    assert json.loads(json.dumps(plan)) == plan
