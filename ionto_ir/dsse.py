"""The DSSE envelope: bytes of a named kind with signatures over both, read strictly.

Signed is not the JSON around the content but an unambiguous encoding of kind and content, so that no
reader has to agree with another about JSON before trust is settled. Base64 has one spelling here,
although the format allows more, so that every changed character of an envelope is noticed.
"""

from __future__ import annotations

import binascii

from ionto_ir.canonical import Json, JsonLike, fields_fault
from ionto_ir.dataclass import dataclass

SIGNATURES_MAX = 8
"""Author, reviewer and site sign; each signature costs a check before anybody is trusted."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the name of the key that is said to have made it."""

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Content, its kind, and who signed both (each key at most once)."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


def signed_message(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: kind and content with their lengths, so that neither can be
    mistaken.
    """
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def write_envelope(envelope: Envelope) -> JsonLike:
    """The envelope as a JSON value."""
    return {
        "payload": _base64(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [
            {"keyid": signature.key_id, "sig": _base64(signature.signature)}
            for signature in envelope.signatures
        ],
    }


def read_envelope(value: Json) -> Envelope | str:
    """The envelope that `value` writes, or what is wrong with its form. No signature is checked here."""
    if not isinstance(value, dict):
        return "the envelope is not an object"
    fault = fields_fault(value, "the envelope", ("payload", "payloadType", "signatures"))
    if fault is not None:
        return fault
    payload_type, payload, listed = value["payloadType"], _unbase64(value["payload"]), value["signatures"]
    if not isinstance(payload_type, str):
        return "`payloadType` is not text"
    if payload is None:
        return "`payload` is not canonical base64"
    if not isinstance(listed, list) or not 1 <= len(listed) <= SIGNATURES_MAX:
        return f"there are not 1 to {SIGNATURES_MAX} signatures"
    signatures = tuple(found for item in listed if (found := _read_signature(item)) is not None)
    if len(signatures) < len(listed):
        return "a signature is not a `keyid` and a `sig` in canonical base64"
    if len({signature.key_id for signature in signatures}) < len(signatures):
        return "a key has signed twice"
    return Envelope(payload_type, payload, signatures)


def _read_signature(value: Json) -> Signature | None:
    if not isinstance(value, dict) or fields_fault(value, "a signature", ("keyid", "sig")) is not None:
        return None
    key_id, signature = value["keyid"], _unbase64(value["sig"])
    return Signature(key_id, signature) if isinstance(key_id, str) and signature is not None else None


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _unbase64(text: Json) -> bytes | None:
    """The bytes behind the one canonical spelling; any other could hide a changed character."""
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None
    return data if _base64(data) == text else None
