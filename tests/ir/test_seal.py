"""Sealed plans: opened only when every byte is accounted for and somebody trusted signed them."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest

from ionto_ir import seal as seal_module
from ionto_ir.canonical import JsonLike, canonical, digest
from ionto_ir.diagnostic import Diagnostic, Severity
from ionto_ir.dsse import signed_message
from ionto_ir.seal import (
    PAYLOAD_TYPE,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    Opened,
    SignatureVerdict,
    Signer,
    open_sealed,
    seal,
)

PLAN: dict[str, JsonLike] = {
    "schema": "ionto.plan/1",
    "name": "heel",
    "steps": [{"ramp": 4_000_000}],
    "title": "Heel – µA",
}
PREDICATE: dict[str, JsonLike] = {"verdict": "proved", "tool": "0.1.0", "limits": ["density"]}
SECRETS = {"key-a": b"first", "key-b": b"second"}


def signer(key_id: str) -> Signer:
    return Signer(key_id, lambda message: hmac.digest(SECRETS[key_id], message, "sha256"))


def trusting(*key_ids: str) -> seal_module.Verifier:
    def verify(key_id: str, message: bytes, signature: bytes) -> SignatureVerdict:
        if key_id not in key_ids:
            return SignatureVerdict.UNKNOWN_KEY
        fits = hmac.compare_digest(hmac.digest(SECRETS[key_id], message, "sha256"), signature)
        return SignatureVerdict.GOOD if fits else SignatureVerdict.BAD

    return verify


def sealed(*key_ids: str) -> bytes:
    data = seal(PLAN, "heel", PREDICATE, [signer(key_id) for key_id in key_ids or ("key-a",)])
    assert isinstance(data, bytes)
    return data


def refusals(data: bytes, *trusted: str) -> list[str]:
    opened = open_sealed(data, trusting(*(trusted or ("key-a",))), "heel.plan.json")
    assert not isinstance(opened, Opened), "it was opened"
    assert opened, "a refusal gives a reason"
    assert all(problem.severity is Severity.ERROR for problem in opened)
    return [problem.code for problem in opened]


def with_changes(change: Any) -> bytes:
    """The sealed file after `change` of its JSON value, written canonically again."""
    value = json.loads(sealed())
    change(value)
    return canonical(value) + b"\n"


def with_statement(change: Any, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """A file whose changed statement carries a good signature: only its content can be the reason to
    refuse.
    """
    value = json.loads(sealed())
    statement = json.loads(base64.b64decode(value["envelope"]["payload"]))
    changed = change(statement)
    payload = changed if isinstance(changed, bytes) else canonical(statement)
    signature = signer("key-a").sign(signed_message(payload_type, payload))
    value["envelope"] = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": "key-a", "sig": base64.b64encode(signature).decode()}],
    }
    return canonical(value) + b"\n"


def test_what_was_sealed_opens_with_its_plan_its_record_and_its_signer() -> None:
    opened = open_sealed(sealed(), trusting("key-a"), "heel.plan.json")
    assert isinstance(opened, Opened)
    assert opened.plan == PLAN
    assert opened.statement.subject == "heel"
    assert opened.statement.plan_sha256 == digest(PLAN)
    assert opened.statement.predicate == PREDICATE
    assert opened.key_ids == ("key-a",)


def test_the_signed_encoding_is_the_one_that_the_envelope_format_publishes() -> None:
    assert signed_message("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert signed_message("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_the_statement_is_an_in_toto_statement_about_exactly_this_plan() -> None:
    envelope = json.loads(sealed())["envelope"]
    assert envelope["payloadType"] == PAYLOAD_TYPE
    assert json.loads(base64.b64decode(envelope["payload"])) == {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "heel", "digest": {"sha256": digest(PLAN)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": PREDICATE,
    }


def test_sealing_is_deterministic_and_ends_with_a_line_end() -> None:
    assert sealed() == sealed()
    assert sealed().endswith(b"}\n")


def test_every_single_changed_byte_is_refused() -> None:
    data = sealed()
    for position in range(len(data)):
        for flip in (0x01, 0x20, 0x80):
            damaged = bytearray(data)
            damaged[position] ^= flip
            assert refusals(bytes(damaged)), f"byte {position} may be changed"


def test_every_cut_is_refused() -> None:
    data = sealed()
    for length in range(len(data)):
        assert refusals(data[:length])


def test_a_valid_seal_of_another_plan_is_refused() -> None:
    other = seal({**PLAN, "name": "wrist"}, "wrist", PREDICATE, [signer("key-a")])
    assert isinstance(other, bytes)
    value, donor = json.loads(sealed()), json.loads(other)
    value["envelope"] = donor["envelope"]
    assert refusals(canonical(value) + b"\n") == ["I0807"]


def test_the_message_about_another_plan_names_both_digests() -> None:
    data = with_changes(lambda value: value["plan"].update(name="wrist"))
    opened = open_sealed(data, trusting("key-a"), "heel.plan.json")
    assert not isinstance(opened, Opened)
    assert digest(PLAN) in opened[0].notes[0]
    assert digest({**PLAN, "name": "wrist"}) in opened[0].notes[1]


def test_independent_problems_are_reported_together() -> None:
    data = with_changes(lambda value: value["plan"].update(name="wrist"))
    assert refusals(b" " + data, "key-b") == ["I0803", "I0807", "I0809"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "I0801"),
        (b"not json", "I0801"),
        (b'{"ionto_sealed_plan": 1, "ionto_sealed_plan": 1}', "I0801"),
        (b'{"ionto_sealed_plan": 1.0}', "I0801"),
        (b"\xff\xfe", "I0801"),
        (b"[]", "I0804"),
        (b"{}", "I0804"),
        (canonical(PLAN), "I0804"),
        (b'{"ionto_sealed_plan":3,"future":true}', "I0805"),
        (b'{"ionto_sealed_plan":true}', "I0805"),
        (b'{"ionto_sealed_plan":"1"}', "I0805"),
        (b'{"ionto_sealed_plan":1,"plan":{}}', "I0804"),
        (b'{"ionto_sealed_plan":1,"plan":[],"envelope":{}}', "I0804"),
    ],
)
def test_what_is_no_sealed_plan_is_refused_with_its_reason(data: bytes, code: str) -> None:
    assert refusals(data) == [code]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda value: value.update(extra=1), "I0804"),
        (lambda value: value["envelope"].update(extra=1), "I0804"),
        (lambda value: value["envelope"].update(payload=1), "I0804"),
        (lambda value: value["envelope"].update(payload="A"), "I0804"),
        (lambda value: value["envelope"].update(payload=value["envelope"]["payload"] + "\n"), "I0804"),
        (lambda value: value["envelope"].update(payloadType=None), "I0804"),
        (lambda value: value["envelope"].update(signatures=[]), "I0804"),
        (lambda value: value["envelope"].update(signatures={}), "I0804"),
        (lambda value: value["envelope"]["signatures"].append("x"), "I0804"),
        (lambda value: value["envelope"]["signatures"][0].update(extra=1), "I0804"),
        (lambda value: value["envelope"]["signatures"].extend(value["envelope"]["signatures"]), "I0804"),
        (lambda value: value["envelope"]["signatures"].extend([{"keyid": "k", "sig": ""}] * 8), "I0804"),
    ],
)
def test_a_field_that_is_not_understood_is_refused(change: Any, code: str) -> None:
    assert refusals(with_changes(change)) == [code]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda statement: statement.update(_type="https://in-toto.io/Statement/v0.1"), "I0806"),
        (lambda statement: statement.update(predicateType="urn:ionto:verification:2"), "I0806"),
        (lambda statement: statement.update(predicateType=None), "I0806"),
        (lambda statement: statement.update(extra=1), "I0804"),
        (lambda statement: statement.pop("predicate"), "I0804"),
        (lambda statement: statement.update(predicate=[]), "I0804"),
        (lambda statement: statement.update(subject=[]), "I0804"),
        (lambda statement: statement["subject"].append(statement["subject"][0]), "I0804"),
        (lambda statement: statement["subject"][0]["digest"].update(sha1="0"), "I0804"),
        (lambda statement: statement["subject"][0].update(uri="x"), "I0804"),
        (lambda statement: statement["subject"][0]["digest"].update(sha256="0" * 64), "I0807"),
        (lambda statement: statement["subject"][0]["digest"].update(sha256=digest(PLAN).upper()), "I0807"),
        (lambda statement: json.dumps(statement).encode(), "I0803"),
        (lambda _: b"[]", "I0804"),
        (lambda _: b'{"a":1,"a":2}', "I0804"),
    ],
)
def test_a_signed_statement_that_says_something_else_is_refused(change: Any, code: str) -> None:
    assert refusals(with_statement(change)) == [code]


def test_a_signed_statement_of_another_kind_is_refused_although_its_text_is_right() -> None:
    assert refusals(with_statement(lambda _: None, "application/json")) == ["I0806"]


def test_a_signature_by_a_trusted_key_that_does_not_fit_is_refused() -> None:
    foreign = base64.b64encode(b"x" * 32).decode()
    data = with_changes(lambda value: value["envelope"]["signatures"][0].update(sig=foreign))
    assert refusals(data) == ["I0808"]


def test_a_plan_signed_only_by_unknown_keys_is_refused_and_the_keys_are_named() -> None:
    opened = open_sealed(sealed("key-a", "key-b"), trusting(), "heel.plan.json")
    assert not isinstance(opened, Opened)
    assert opened[0].code == "I0809"
    assert opened[0].notes == ("signed by key `key-a`", "signed by key `key-b`")


def test_one_trusted_signature_among_unknown_ones_is_enough() -> None:
    opened = open_sealed(sealed("key-a", "key-b"), trusting("key-b"), "heel.plan.json")
    assert isinstance(opened, Opened)
    assert opened.key_ids == ("key-b",)


def test_a_bad_signature_is_not_outweighed_by_a_good_one() -> None:
    value = json.loads(sealed("key-a", "key-b"))
    value["envelope"]["signatures"][1]["sig"] = base64.b64encode(b"x" * 32).decode()
    assert refusals(canonical(value) + b"\n", "key-a", "key-b") == ["I0808"]


def test_a_file_beyond_the_bound_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = sealed()
    monkeypatch.setattr(seal_module, "SEALED_BYTES_MAX", len(data) - 1)
    assert refusals(data) == ["I0802"]
    written = seal(PLAN, "heel", PREDICATE, [signer("key-a")])
    assert not isinstance(written, bytes)
    assert [problem.code for problem in written] == ["I0802"]


def test_a_plan_with_a_number_that_json_cannot_carry_is_refused_when_sealing() -> None:
    written = seal({"charge_pc": 2**60}, "heel", PREDICATE, [signer("key-a")])
    assert not isinstance(written, bytes)
    assert written[0].code == "I0811"
    assert "at `charge_pc`" in written[0].message


def test_words_of_an_untrusted_file_cannot_command_the_terminal() -> None:
    data = with_changes(lambda value: value["envelope"]["signatures"][0].update(keyid="\x1b[2J"))
    opened = open_sealed(data, trusting("key-a"), "heel.plan.json")
    assert not isinstance(opened, Opened)
    assert all("\x1b" not in text for problem in opened for text in words(problem))


def words(problem: Diagnostic) -> tuple[str, ...]:
    return (problem.message, *problem.notes, problem.help or "")
