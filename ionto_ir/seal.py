"""The sealed plan: a plan, what was verified about it, and signatures that bind the two together.

The file is one canonical JSON object and a line end, with the fields `ionto_sealed_plan` (the format),
`plan`, `envelope` and, from format 2 on, `certificates`. The envelope's content is an in-toto Statement v1
whose only subject is the SHA-256 of the plan's canonical form and whose predicate says what was verified; of
certificates it holds the SHA-256. Everything has exactly one
spelling, so that no byte of the file can be changed unnoticed. Nothing here knows cryptography: who
signs, and who tells good signatures from bad ones, is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import assert_never

from ionto_ir.canonical import (
    Json,
    JsonLike,
    JsonProblem,
    canonical,
    digest,
    fields_fault,
    printable,
    read_json,
    unwritable,
)
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.dsse import (
    SIGNATURES_MAX,
    Envelope,
    Signature,
    read_envelope,
    signed_message,
    write_envelope,
)
from ionto_ir.source import Span

SEALED_FORMAT = 2
"""With certificates. A plan without any is written, and read, in format 1."""

FORMATS: dict[Json, tuple[str, ...]] = {
    1: ("ionto_sealed_plan", "plan", "envelope"),
    SEALED_FORMAT: ("ionto_sealed_plan", "plan", "envelope", "certificates"),
}
"""The fields of each format."""

CERTIFICATES = "certificates_sha256"
"""Where the predicate says which certificates belong to the plan."""

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:ionto:verification:1"

SEALED_BYTES_MAX = 16 * 1024 * 1024
"""A plan of a thousand steps is about a megabyte; what is far larger is not taken apart at all."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who signs: the name of the key, and what it makes of a message."""

    key_id: str
    sign: Callable[[bytes], bytes]


class SignatureVerdict(Enum):
    """What a keeper of trusted keys says of one signature."""

    GOOD = "made by a trusted key"
    UNKNOWN_KEY = "made by a key that is not trusted"
    BAD = "not made by the key that it names"


Verifier = Callable[[str, bytes, bytes], SignatureVerdict]
"""Key id, message, signature -> verdict."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the signers state: the plan of this digest was verified, with this result."""

    subject: str
    plan_sha256: str
    predicate: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Opened:
    """A sealed plan whose every byte is accounted for; `key_ids` are the trusted keys that signed it.

    `certificates` is None where none were sealed with it.
    """

    plan: dict[str, Json]
    statement: Statement
    key_ids: tuple[str, ...]
    certificates: dict[str, Json] | None = None


def seal(
    plan: Mapping[str, JsonLike],
    subject: str,
    predicate: Mapping[str, JsonLike],
    signers: Sequence[Signer],
    certificates: Mapping[str, JsonLike] | None = None,
) -> bytes | tuple[Diagnostic, ...]:
    """The sealed plan as the bytes of its file, or why it cannot be written (I0802, I0811).

    `subject` is the plan's name for people; its digest is what identifies it.
    """
    assert 1 <= len(signers) <= SIGNATURES_MAX, "somebody seals a plan, and not arbitrarily many"
    parts = ((plan, "the plan"), (predicate, "the verification record"), (certificates or {}, "the proof"))
    for value, what in parts:
        reason = unwritable(value)
        if reason is not None:
            return (error("I0811", f"{what} cannot be written: {reason}", None),)
    if certificates is not None:
        predicate = {**predicate, CERTIFICATES: digest(certificates)}
    payload = canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": subject, "digest": {"sha256": digest(plan)}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )
    message = signed_message(PAYLOAD_TYPE, payload)
    signatures = tuple(Signature(signer.key_id, signer.sign(message)) for signer in signers)
    envelope = write_envelope(Envelope(PAYLOAD_TYPE, payload, signatures))
    sealed: dict[str, JsonLike] = {"ionto_sealed_plan": 1, "plan": plan, "envelope": envelope}
    if certificates is not None:
        sealed |= {"ionto_sealed_plan": SEALED_FORMAT, "certificates": certificates}
    data = _file(sealed)
    return (_too_large(None),) if len(data) > SEALED_BYTES_MAX else data


def open_sealed(data: bytes, verifier: Verifier, file: str) -> Opened | tuple[Diagnostic, ...]:
    """The plan and the statement in `data`, or every reason to refuse them (I0801 to I0809, I0828).

    `file` is the name that messages use. What plan and predicate say is the loader's to understand; here
    it is only made sure that they are whole, belong together and were signed by a trusted key.
    """
    if len(data) > SEALED_BYTES_MAX:
        return (_too_large(file),)
    value = read_json(data)
    if isinstance(value, JsonProblem):
        span = Span(file, value.line, value.column, value.line, value.column)
        advice = "`ionto compile FILE.ionto` writes a sealed plan, FILE.plan.json; a part of one is none"
        return (error("I0801", f"the sealed plan cannot be read: {value.text}", span, "here", help=advice),)
    parts = _parts(value, file)
    if isinstance(parts, Diagnostic):
        return (parts,)
    plan, envelope, certificates = parts
    problems: list[Diagnostic] = []
    if _file(value) != data:
        problems.append(_refused(file, "I0803", "the sealed plan is not in canonical form"))
    statement = _statement(envelope, file)
    if isinstance(statement, Diagnostic):
        problems.append(statement)
    elif statement.plan_sha256 != digest(plan):
        problems.append(_other_plan(statement, plan, file))
    elif statement.predicate.get(CERTIFICATES) != (None if certificates is None else digest(certificates)):
        problems.append(_other_certificates(file))
    key_ids, of_signatures = _trusted_keys(envelope, verifier, file)
    problems.extend(of_signatures)
    if problems or isinstance(statement, Diagnostic):
        return tuple(problems)
    return Opened(plan, statement, key_ids, certificates)


_Parts = tuple[dict[str, Json], Envelope, dict[str, Json] | None]


def _parts(value: Json, file: str) -> _Parts | Diagnostic:
    """Plan, envelope, certificates. The format is looked at first: a later one may have any other fields."""
    if not isinstance(value, dict) or "ionto_sealed_plan" not in value:
        return _refused(file, "I0804", "this is JSON, but not a sealed plan", "`ionto compile` makes one")
    version = value["ionto_sealed_plan"]
    if isinstance(version, bool) or not isinstance(version, int) or version not in FORMATS:
        return _other_format(version, file)
    fault = fields_fault(value, "the file", FORMATS[version])
    if fault is not None:
        return _malformed(file, fault)
    plan, envelope = value["plan"], read_envelope(value["envelope"])
    if not isinstance(plan, dict):
        return _malformed(file, "the plan is not an object")
    certificates = value.get("certificates")
    if not isinstance(certificates, dict | None):
        return _malformed(file, "the certificates are not an object")
    return _malformed(file, envelope) if isinstance(envelope, str) else (plan, envelope, certificates)


def _statement(envelope: Envelope, file: str) -> Statement | Diagnostic:
    if envelope.payload_type != PAYLOAD_TYPE:
        return _other_kind(file, "payloadType", envelope.payload_type, PAYLOAD_TYPE)
    value = read_json(envelope.payload)
    if isinstance(value, JsonProblem):
        return _malformed(file, f"the signed statement cannot be read: {value.text}")
    if canonical(value) != envelope.payload:
        return _refused(file, "I0803", "the signed statement is not in canonical form")
    if not isinstance(value, dict):
        return _malformed(file, "the signed statement is not an object")
    fault = fields_fault(value, "the statement", ("_type", "subject", "predicateType", "predicate"))
    if fault is not None:
        return _malformed(file, fault)
    for name, expected in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        if value[name] != expected:
            return _other_kind(file, name, value[name], expected)
    match value["subject"], value["predicate"]:
        case [
            {"name": str() as name, "digest": {"sha256": str() as sha256, **digests}, **fields}
        ], dict() as said:
            if not digests and not fields:
                return Statement(name, sha256, said)
    return _malformed(file, "the signed statement does not speak of exactly one plan")


def _trusted_keys(
    envelope: Envelope, verifier: Verifier, file: str
) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
    """The trusted keys that signed, and what is wrong: a bad signature spoils the seal, an unknown key
    does not.
    """
    message = signed_message(envelope.payload_type, envelope.payload)
    good: list[str] = []
    problems: list[Diagnostic] = []
    for signature in envelope.signatures:
        verdict = verifier(signature.key_id, message, signature.signature)
        match verdict:
            case SignatureVerdict.GOOD:
                good.append(signature.key_id)
            case SignatureVerdict.UNKNOWN_KEY:
                pass
            case SignatureVerdict.BAD:
                key = printable(signature.key_id, 80)
                text = f"the signature of key `{key}` does not fit what it signs"
                problems.append(_refused(file, "I0808", text, "do not run it: compile the protocol again"))
            case _:
                assert_never(verdict)
    if not good and not problems:
        problems.append(_nobody_trusted(envelope, file))
    return tuple(good), tuple(problems)


def _file(value: JsonLike) -> bytes:
    return canonical(value) + b"\n"


def _refused(file: str, code: str, message: str, advice: str | None = None) -> Diagnostic:
    return error(code, message, Span(file, 1, 1, 1, 1), "in this file", help=advice)


def _malformed(file: str, fault: str) -> Diagnostic:
    return _refused(file, "I0804", f"this is not a sealed plan: {fault}")


def _too_large(file: str | None) -> Diagnostic:
    mebibytes = SEALED_BYTES_MAX // (1024 * 1024)
    span = None if file is None else Span(file, 1, 1, 1, 1)
    return error("I0802", f"the sealed plan is larger than {mebibytes} MiB", span, "this file")


def _other_format(version: Json, file: str) -> Diagnostic:
    number = f" {version}" if isinstance(version, int) and not isinstance(version, bool) else ""
    return _refused(
        file,
        "I0805",
        f"the sealed plan has another format{number}: this program understands format {SEALED_FORMAT}",
        "run it with the ionto that made it, or compile the protocol again",
    )


def _other_kind(file: str, field: str, found: Json, expected: str) -> Diagnostic:
    shown = f"`{printable(found, 60)}`" if isinstance(found, str) else "no text"
    return _refused(file, "I0806", f"the seal's `{field}` is {shown} where `{expected}` was expected")


def _other_plan(statement: Statement, plan: dict[str, Json], file: str) -> Diagnostic:
    return error(
        "I0807",
        "the plan in this file is not the plan that was verified",
        Span(file, 1, 1, 1, 1),
        "in this file",
        notes=(
            f"verified was the plan with SHA-256 `{printable(statement.plan_sha256, 64)}`",
            f"this one has `{digest(plan)}`",
        ),
        help="do not run it: compile the protocol again",
    )


def _other_certificates(file: str) -> Diagnostic:
    return _refused(
        file,
        "I0828",
        "the certificates in this file are not those that were sealed with the plan",
        "do not run it: compile the protocol again",
    )


def _nobody_trusted(envelope: Envelope, file: str) -> Diagnostic:
    return error(
        "I0809",
        "nobody whom this machine trusts has signed this plan",
        Span(file, 1, 1, 1, 1),
        "in this file",
        notes=tuple(
            f"signed by key `{printable(signature.key_id, 80)}`" for signature in envelope.signatures
        ),
        help="if you trust its author, get the author's public key and say `ionto keys trust FILE`",
    )
