"""Keys, signatures and whom to trust: Ed25519, the only door to the `cryptography` library.

A key file is text: what it is, who owns it, its key id, and the key as PEM, so that a person can read
whose key lies in a folder and other tools can use it. The key id is the public key itself in hexadecimal,
so that an id can never stand for two keys. Whom a machine trusts is a folder of public keys: trust is
given by putting a file there and taken back by removing it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ionto_ir.canonical import printable
from ionto_ir.dataclass import dataclass, field
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.seal import SignatureVerdict, Signer, Verifier
from ionto_ir.source import Span

KEY_FILE_BYTES_MAX = 8 * 1024
"""A key file is under a kilobyte; what is far larger is something else."""

TRUSTED_KEYS_MAX = 256
"""A clinic trusts a handful of people; a folder with more files than this is the wrong folder."""

OWNER_CHARACTERS_MAX = 100

PUBLIC_SUFFIX = ".public.pem"
SECRET_SUFFIX = ".secret.pem"
_PUBLIC_TITLE = "ionto public key"
_SECRET_TITLE = "ionto secret key"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that checks signatures: 32 bytes, and the name of the person or place that it stands for."""

    owner: str
    raw: bytes

    @property
    def key_id(self) -> str:
        """The name of the key in seals and messages."""
        return f"ed25519:{self.raw.hex()}"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key that signs. Its 32 secret bytes never appear in its printed form."""

    public: PublicKey
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrustStore:
    """The public keys that a machine trusts, and what was wrong with files that hold none."""

    keys: tuple[PublicKey, ...]
    problems: tuple[Diagnostic, ...] = ()


def owner_fault(owner: str) -> str | None:
    """Why `owner` cannot name the owner of a key, or None."""
    if not owner.strip():
        return "a key has an owner"
    if len(owner) > OWNER_CHARACTERS_MAX:
        return f"an owner is named in at most {OWNER_CHARACTERS_MAX} characters"
    return None if owner.isprintable() and owner == owner.strip() else "an owner is one line of plain text"


def generate_key(owner: str) -> SecretKey:
    """A new key from the operating system's randomness. `owner_fault(owner)` is None."""
    assert owner_fault(owner) is None, "the caller has looked at the owner's name"
    return _secret_key(owner, Ed25519PrivateKey.generate())


def secret_key(owner: str, raw: bytes) -> SecretKey:
    """The key whose 32 secret bytes are `raw`."""
    return _secret_key(owner, Ed25519PrivateKey.from_private_bytes(raw))


def sign(key: SecretKey, message: bytes) -> bytes:
    """The 64 bytes of the signature; the same key and message always give the same ones."""
    return Ed25519PrivateKey.from_private_bytes(key.raw).sign(message)


def verify(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether `key` made `signature` over exactly `message`."""
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def signer_of(key: SecretKey) -> Signer:
    """The key in the form in which `ionto_ir.seal` takes it."""
    return Signer(key.public.key_id, lambda message: sign(key, message))


def verifier_of(store: TrustStore) -> Verifier:
    """The trusted keys in the form in which `ionto_ir.seal` takes them."""
    keys = {key.key_id: key for key in store.keys}

    def verdict(key_id: str, message: bytes, signature: bytes) -> SignatureVerdict:
        key = keys.get(key_id)
        if key is None:
            return SignatureVerdict.UNKNOWN_KEY
        return SignatureVerdict.GOOD if verify(key, message, signature) else SignatureVerdict.BAD

    return verdict


def public_key_text(key: PublicKey) -> str:
    """The content of a public key file."""
    pem = Ed25519PublicKey.from_public_bytes(key.raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _key_text(_PUBLIC_TITLE, key, pem)


def secret_key_text(key: SecretKey, passphrase: bytes | None = None) -> str:
    """The content of a secret key file, encrypted when there is a passphrase."""
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase)
    pem = Ed25519PrivateKey.from_private_bytes(key.raw).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )
    return _key_text(_SECRET_TITLE, key.public, pem)


def write_key_pair(
    key: SecretKey, folder: Path, name: str, passphrase: bytes | None = None
) -> tuple[Path, Path] | Diagnostic:
    """Write `name.secret.pem` (readable by its owner alone) and `name.public.pem`, never over another file.

    Returns their paths, secret first, or I0812. When the second cannot be written, the first is taken back.
    """
    secret, public = folder / f"{name}{SECRET_SUFFIX}", folder / f"{name}{PUBLIC_SUFFIX}"
    problem = _write_new(secret, secret_key_text(key, passphrase), 0o600)
    if problem is None:
        problem = _write_new(public, public_key_text(key.public), 0o644)
        if problem is not None:
            secret.unlink()
    return (secret, public) if problem is None else problem


def read_public_key(path: Path) -> PublicKey | Diagnostic:
    """The key in a public key file, or I0810."""
    parts = _read_key_file(path, _PUBLIC_TITLE)
    if isinstance(parts, Diagnostic):
        return parts
    owner, key_id, pem = parts
    try:
        loaded = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return _unusable(path, "it holds no key")
    if not isinstance(loaded, Ed25519PublicKey):
        return _unusable(path, "its key is not of the kind Ed25519")
    key = PublicKey(owner, loaded.public_bytes_raw())
    return key if key.key_id == key_id else _unusable(path, "its key is not the one that its key id names")


def read_secret_key(path: Path, passphrase: bytes | None = None) -> SecretKey | Diagnostic:
    """The key in a secret key file, or I0810. A file that others on the machine could read is refused."""
    parts = _read_key_file(path, _SECRET_TITLE)
    if isinstance(parts, Diagnostic):
        return parts
    owner, key_id, pem = parts
    try:
        loaded = serialization.load_pem_private_key(pem, passphrase)
    except TypeError:
        asks = "it is locked with a passphrase" if passphrase is None else "it has no passphrase"
        return _unusable(path, asks)
    except (ValueError, UnsupportedAlgorithm):
        return _unusable(path, "it holds no key" if passphrase is None else "the passphrase does not open it")
    if not isinstance(loaded, Ed25519PrivateKey):
        return _unusable(path, "its key is not of the kind Ed25519")
    key = _secret_key(owner, loaded)
    return (
        key
        if key.public.key_id == key_id
        else _unusable(path, "its key is not the one that its key id names")
    )


def read_trust_store(folder: Path) -> TrustStore:
    """The public keys in `folder` (files ending in .pem). A file that cannot be used trusts nobody and is
    named.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".pem")
    except OSError as problem:
        return TrustStore((), (_unusable(folder, _reason(problem)),))
    if len(paths) > TRUSTED_KEYS_MAX:
        return TrustStore((), (_unusable(folder, f"it has more than {TRUSTED_KEYS_MAX} keys"),))
    read = [read_public_key(path) for path in paths]
    keys = {key.key_id: key for key in read if isinstance(key, PublicKey)}
    problems = tuple(problem for problem in read if isinstance(problem, Diagnostic))
    return TrustStore(tuple(keys.values()), problems)


def _secret_key(owner: str, loaded: Ed25519PrivateKey) -> SecretKey:
    public = PublicKey(owner, loaded.public_key().public_bytes_raw())
    return SecretKey(public, loaded.private_bytes_raw())


def _key_text(title: str, key: PublicKey, pem: bytes) -> str:
    return f"{title}\nowner: {key.owner}\nkey id: {key.key_id}\n{pem.decode('ascii')}"


def _read_key_file(path: Path, title: str) -> tuple[str, str, bytes] | Diagnostic:
    """Owner, key id and PEM block of a key file whose first line is `title`."""
    try:
        with path.open("rb") as file:
            if title == _SECRET_TITLE and _others_may_read(file.fileno()):
                return _unusable(path, "other people on this machine may read it", f"chmod 600 {path}")
            data = file.read(KEY_FILE_BYTES_MAX + 1)
        text = data.decode("utf-8")
    except OSError as problem:
        return _unusable(path, _reason(problem))
    except UnicodeDecodeError:
        return _unusable(path, "it is not text")
    lines = text.split("\n", 3)
    if len(data) > KEY_FILE_BYTES_MAX or len(lines) < 4 or lines[0] not in (_PUBLIC_TITLE, _SECRET_TITLE):
        return _unusable(path, "it is not a key file of ionto", "`ionto keys new` makes one")
    if lines[0] != title:
        return _unusable(path, f"it says `{lines[0]}` where `{title}` was expected")
    owner, key_id = lines[1].removeprefix("owner: "), lines[2].removeprefix("key id: ")
    if owner_fault(owner) is not None:
        return _unusable(path, "it does not say who owns it")
    return owner, key_id, lines[3].encode("utf-8")


def _others_may_read(descriptor: int) -> bool:
    # Elsewhere the permission bits say nothing about who may read a file.
    return os.name == "posix" and bool(stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077)


def _write_new(path: Path, text: str, mode: int) -> Diagnostic | None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as problem:
        return _unwritable(path, problem)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
    except OSError as problem:
        path.unlink(missing_ok=True)
        return _unwritable(path, problem)
    return None


def _unwritable(path: Path, problem: OSError) -> Diagnostic:
    return error("I0812", f"the key file cannot be written: {_reason(problem)}", _whole(path), "this file")


def _unusable(path: Path, reason: str, advice: str | None = None) -> Diagnostic:
    return error("I0810", f"the key file cannot be used: {reason}", _whole(path), "this file", help=advice)


def _whole(path: Path) -> Span:
    return Span(printable(str(path), 300), 1, 1, 1, 1)


def _reason(problem: OSError) -> str:
    """The system's words without its error number and without the path, which the message's place names."""
    return (problem.strerror or "the system refused").lower()
