"""Keys that seal journals: one for each session, known to be its own, and gone when it has sealed.

The sessions of a records folder are numbered: epoch 0, 1, 2... When a session begins it takes the key that
the session before left for it, makes a key for the session after it, and writes an entry that names both
public keys and is signed with its own. So the public file `epochs` is a chain in which each key vouches for
the next, and a verifier needs no secret. The session's own key lives in memory only and is overwritten once
the seal is signed; on the disk there is never more than the key of the session to come. Who takes that one
can lie about the future, but cannot seal the past anew: an old epoch has its key for ever, and nobody has it
any more. (Bell and Yee called this forward security; a journal that is sealed with whatever key is current
does not have it, and neither does one whose reader forgets to ask which key belongs to which epoch.)

What no file can prove is that files are missing at its end; for that the last link is shown on the console
and printed on the report.
"""

from __future__ import annotations

import os
from pathlib import Path

from ionto_ir.canonical import Json, canonical, digest, read_json
from ionto_ir.dataclass import dataclass, replace
from ionto_runtime.journal_file import lock, sync_folder
from ionto_runtime.journal_reader import Reading, Sealed, seal_message
from ionto_runtime.signing import PublicKey, SecretKey, generate_key, secret_key, sign, verify

EPOCHS_NAME = "epochs"
EPOCHS_BYTES_MAX = 16 * 1024 * 1024
"""Twenty thousand sessions; a folder of journals holds ten thousand at most."""

_PURPOSE = b"ionto epoch 1\n"
_OWNER = "journal"
_NO_ENTRY = "0" * 64
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Epoch:
    """An entry of the chain. `anew` says that no earlier key vouches for this one: the chain begins here."""

    number: int
    session: str
    wall_ms: int
    key: str
    following_key: str
    before: str
    anew: bool
    signature: str

    def said(self) -> dict[str, Json]:
        """All that the signature covers."""
        return {
            "epoch": self.number,
            "session": self.session,
            "wall_ms": self.wall_ms,
            "key": self.key,
            "following_key": self.following_key,
            "before": self.before,
            "anew": self.anew,
        }

    def line(self) -> dict[str, Json]:
        """The entry as it is written."""
        return {**self.said(), "signature": self.signature}


@dataclass(frozen=True, slots=True)
class Chain:
    """The entries up to the first that is not right, and what is wrong with it (None: nothing)."""

    epochs: tuple[Epoch, ...]
    fault: str | None = None

    @property
    def anew(self) -> tuple[int, ...]:
        """Epochs before which the chain was broken and begun anew."""
        return tuple(epoch.number for epoch in self.epochs[1:] if epoch.anew)


NO_CHAIN = Chain(())


class SessionKey:
    """The secret key of one epoch, for as long as its session lasts."""

    def __init__(self, epoch: Epoch, secret: SecretKey) -> None:
        self.epoch = epoch
        self._secret: bytearray | None = bytearray(secret.raw)

    def header(self) -> dict[str, Json]:
        """What the header says of the key."""
        return {"epoch": self.epoch.number, "seal_key": self.epoch.key}

    def sign(self, message: bytes) -> str:
        """The signature in hexadecimal; the key has not been erased."""
        assert self._secret is not None, "a session seals once"
        return sign(secret_key(_OWNER, bytes(self._secret)), message).hex()

    def erase(self) -> None:
        """Overwrite the key. Copies that Python's own memory may still hold cannot be reached."""
        if self._secret is not None:
            self._secret[:] = bytes(len(self._secret))
            self._secret = None

    @property
    def erased(self) -> bool:
        """Whether nothing can be signed any more."""
        return self._secret is None


def begin_epoch(records: Path, secrets: Path, session: str, wall_ms: int) -> SessionKey | str:
    """The key of a session that begins now, or why there is none.

    `records` is where journals and their chain lie, `secrets` where the key of the session to come is kept.
    """
    try:
        secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(records / EPOCHS_NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            lock(descriptor)
            return _begin(records, secrets, session, wall_ms, descriptor)
        finally:
            os.close(descriptor)
    except BlockingIOError:
        return "another session begins at this very moment"
    except OSError as problem:
        return (problem.strerror or "the system refused").lower()


def _begin(records: Path, secrets: Path, session: str, wall_ms: int, descriptor: int) -> SessionKey | str:
    chain = read_chain(records, signatures=False)
    if chain.fault is not None:
        return chain.fault
    # A crash while an entry was written leaves a part of it, which vouches for nobody.
    os.ftruncate(descriptor, sum(len(canonical(epoch.line())) + 1 for epoch in chain.epochs))
    last = chain.epochs[-1] if chain.epochs else None
    own = None if last is None else _kept(secrets, chain.epochs[0], last.following_key)
    anew = own is None
    own = generate_key(_OWNER) if own is None else own
    following = generate_key(_OWNER)
    unsigned = Epoch(
        number=len(chain.epochs),
        session=session,
        wall_ms=wall_ms,
        key=own.public.raw.hex(),
        following_key=following.public.raw.hex(),
        before=_NO_ENTRY if last is None else digest(last.line()),
        anew=anew,
        signature="",
    )
    epoch = replace(unsigned, signature=sign(own, _PURPOSE + canonical(unsigned.said())).hex())
    root = chain.epochs[0] if chain.epochs else epoch
    # In this order a crash leaves either the old key and the old chain, or the entry and both keys.
    new = secrets / f"{root.key[:16]}.new"
    _write_secret(new, following)
    os.write(descriptor, canonical(epoch.line()) + b"\n")
    os.fsync(descriptor)
    sync_folder(records)
    kept = _kept_path(secrets, root)
    _overwrite(kept)
    new.replace(kept)
    sync_folder(secrets)
    return SessionKey(epoch, own)


def read_chain(records: Path, *, signatures: bool = True) -> Chain:
    """The chain of a records folder. Without `signatures` only links and the last entry are looked at."""
    try:
        with (records / EPOCHS_NAME).open("rb") as file:
            data = file.read(EPOCHS_BYTES_MAX + 1)
    except FileNotFoundError:
        return NO_CHAIN
    except OSError as problem:
        return Chain((), (problem.strerror or "the system refused").lower())
    if len(data) > EPOCHS_BYTES_MAX:
        return Chain((), "the file of epochs is larger than it can be")
    *lines, _torn = data.split(b"\n")
    epochs: list[Epoch] = []
    for number, line in enumerate(lines):
        epoch = _entry(line)
        signed = signatures or number == len(lines) - 1
        fault = "it cannot be read" if epoch is None else _entry_fault(epochs, epoch, signed=signed)
        if fault is not None or epoch is None:
            return Chain(tuple(epochs), f"epoch {number} is not right: {fault}")
        epochs.append(epoch)
    return Chain(tuple(epochs))


def seal_fault(reading: Reading, chain: Chain) -> str | None:
    """Why the seal of a journal was not made by its session, or None. Unsealed journals have no such fault.

    A journal without a key in its header was never meant to be signed; only simulated ones may be so.
    """
    header = reading.header or {}
    number, key = header.get("epoch"), header.get("seal_key")
    if number is None and key is None:
        return None if header.get("simulated") is True else "no key belongs to its session"
    if not isinstance(number, int) or not 0 <= number < len(chain.epochs):
        return "its epoch is not in the chain of keys"
    epoch = chain.epochs[number]
    if (epoch.key, epoch.session) != (key, header.get("session")):
        return f"epoch {number} belongs to another session"
    if not isinstance(reading.end, Sealed):
        return None
    seal = reading.records[-1].payload
    signature = seal.get("signature")
    if not isinstance(signature, str) or not _signed(epoch.key, seal_message(seal), signature):
        return f"its seal was not signed with the key of epoch {number}"
    return None


def _entry(line: bytes) -> Epoch | None:
    """The entry that a line writes; None when it is another thing, or written in another way."""
    match read_json(line):
        case {
            "epoch": int() as number,
            "session": str() as session,
            "wall_ms": int() as wall_ms,
            "key": str() as key,
            "following_key": str() as following_key,
            "before": str() as before,
            "anew": bool() as anew,
            "signature": str() as signature,
        }:
            found = Epoch(number, session, wall_ms, key, following_key, before, anew, signature)
            return found if canonical(found.line()) == line else None
        case _:
            return None


def _entry_fault(epochs: list[Epoch], epoch: Epoch, *, signed: bool) -> str | None:
    last = epochs[-1] if epochs else None
    if epoch.number != len(epochs) or epoch.before != (_NO_ENTRY if last is None else digest(last.line())):
        return "it does not follow the entry before it"
    if epoch.anew is not True and (last is None or epoch.key != last.following_key):
        return "the epoch before it left another key"
    if signed and not _signed(epoch.key, _PURPOSE + canonical(epoch.said()), epoch.signature):
        return "its signature is not by its own key"
    return None


def _signed(key: str, message: bytes, signature: str) -> bool:
    try:
        raw, made = bytes.fromhex(key), bytes.fromhex(signature)
    except ValueError:
        return False
    return len(raw) == KEY_BYTES and verify(PublicKey(_OWNER, raw), message, made)


def _kept_path(secrets: Path, root: Epoch) -> Path:
    return secrets / f"{root.key[:16]}.next"


def _kept(secrets: Path, root: Epoch, wanted: str) -> SecretKey | None:
    """The key that the last session left, from either place where a crash may have left it."""
    path = _kept_path(secrets, root)
    for candidate in (path, path.with_suffix(".new")):
        try:
            raw = bytes.fromhex(candidate.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if len(raw) == KEY_BYTES and secret_key(_OWNER, raw).public.raw.hex() == wanted:
            return secret_key(_OWNER, raw)
    return None


def _write_secret(path: Path, secret: SecretKey) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, secret.raw.hex().encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def _overwrite(path: Path) -> None:
    """Write zeros over a key, where there is one; a disk that copies on write may still hold it."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return
    try:
        os.write(descriptor, b"0" * (2 * KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
