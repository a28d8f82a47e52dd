"""Keys and trust: what is signed opens, and nothing else does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ionto_ir.diagnostic import Diagnostic
from ionto_ir.seal import Opened, SignatureVerdict, open_sealed, seal
from ionto_runtime.signing import (
    KEY_FILE_BYTES_MAX,
    TRUSTED_KEYS_MAX,
    PublicKey,
    SecretKey,
    TrustStore,
    generate_key,
    owner_fault,
    public_key_text,
    read_public_key,
    read_secret_key,
    read_trust_store,
    secret_key_text,
    sign,
    signer_of,
    verifier_of,
    verify,
    write_key_pair,
)


@pytest.fixture(scope="module")
def key() -> SecretKey:
    return generate_key("Dr Ada Example, Clinic µ")


def written(
    key: SecretKey, folder: Path, name: str = "ada", passphrase: bytes | None = None
) -> tuple[Path, Path]:
    paths = write_key_pair(key, folder, name, passphrase)
    assert not isinstance(paths, Diagnostic)
    return paths


def refusal(read: object) -> str:
    assert isinstance(read, Diagnostic)
    assert read.code == "I0810"
    return read.message


def test_a_signature_fits_only_its_message_and_its_key(key: SecretKey) -> None:
    signature = sign(key, b"message")
    assert verify(key.public, b"message", signature)
    assert not verify(key.public, b"massage", signature)
    assert not verify(generate_key("Somebody").public, b"message", signature)


def test_no_bit_of_a_signature_may_change(key: SecretKey) -> None:
    signature = sign(key, b"message")
    for bit in range(len(signature) * 8):
        damaged = bytearray(signature)
        damaged[bit // 8] ^= 1 << bit % 8
        assert not verify(key.public, b"message", bytes(damaged))
    assert not verify(key.public, b"message", signature[:-1])
    assert not verify(key.public, b"message", b"")


def test_signing_matches_the_published_test_vector() -> None:
    # RFC 8032, section 7.1, test 2.
    raw = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = sign(SecretKey(PublicKey("test", public), raw), b"\x72")
    assert signature.hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify(PublicKey("test", public), b"\x72", signature)


def test_a_sealed_plan_opens_with_the_author_s_key_and_with_no_other(key: SecretKey) -> None:
    data = seal({"name": "heel"}, "heel", {"verdict": "proved"}, [signer_of(key)])
    assert isinstance(data, bytes)
    assert isinstance(open_sealed(data, verifier_of(TrustStore((key.public,))), "plan"), Opened)
    stranger = generate_key("Somebody").public
    refused = open_sealed(data, verifier_of(TrustStore((stranger,))), "plan")
    assert not isinstance(refused, Opened)
    assert [problem.code for problem in refused] == ["I0809"]


def test_every_single_changed_byte_of_a_sealed_plan_is_refused(key: SecretKey) -> None:
    data = seal({"name": "heel"}, "heel", {"verdict": "proved"}, [signer_of(key)])
    assert isinstance(data, bytes)
    verifier = verifier_of(TrustStore((key.public,)))
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x01
        assert not isinstance(open_sealed(bytes(damaged), verifier, "plan"), Opened), position


def test_a_verifier_tells_an_unknown_key_from_a_bad_signature(key: SecretKey) -> None:
    verdict = verifier_of(TrustStore((key.public,)))
    assert verdict(key.public.key_id, b"m", sign(key, b"m")) is SignatureVerdict.GOOD
    assert verdict(key.public.key_id, b"m", sign(key, b"n")) is SignatureVerdict.BAD
    assert verdict("ed25519:00", b"m", sign(key, b"m")) is SignatureVerdict.UNKNOWN_KEY


def test_keys_written_to_files_read_back(key: SecretKey, tmp_path: Path) -> None:
    secret, public = written(key, tmp_path)
    assert secret.name == "ada.secret.pem"
    assert public.name == "ada.public.pem"
    assert read_secret_key(secret) == key
    assert read_public_key(public) == key.public


def test_a_key_file_tells_a_person_whose_key_it_is(key: SecretKey) -> None:
    lines = public_key_text(key.public).splitlines()
    assert lines[:3] == ["ionto public key", f"owner: {key.public.owner}", f"key id: {key.public.key_id}"]
    assert lines[3] == "-----BEGIN PUBLIC KEY-----"


def test_a_passphrase_locks_the_secret_key(key: SecretKey, tmp_path: Path) -> None:
    secret, _ = written(key, tmp_path, passphrase=b"correct horse")
    assert read_secret_key(secret, b"correct horse") == key
    assert "locked with a passphrase" in refusal(read_secret_key(secret))
    assert "does not open it" in refusal(read_secret_key(secret, b"battery staple"))


def test_a_passphrase_for_a_key_without_one_is_a_problem_and_not_a_crash(
    key: SecretKey, tmp_path: Path
) -> None:
    secret, _ = written(key, tmp_path)
    assert "no passphrase" in refusal(read_secret_key(secret, b"x"))


def test_the_secret_never_shows_in_the_printed_form(key: SecretKey) -> None:
    assert key.raw.hex() not in repr(key)
    assert repr(key.raw) not in repr(key)


@pytest.mark.skipif(os.name != "posix", reason="permission bits mean something on POSIX only")
def test_a_secret_key_that_others_may_read_is_refused(key: SecretKey, tmp_path: Path) -> None:
    secret, _ = written(key, tmp_path)
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o640)
    assert "other people on this machine may read it" in refusal(read_secret_key(secret))


def test_an_existing_key_is_never_overwritten_and_nothing_is_left_half_written(
    key: SecretKey, tmp_path: Path
) -> None:
    _, public = written(key, tmp_path)
    before = public.read_bytes()
    (tmp_path / "ada.secret.pem").unlink()
    again = write_key_pair(generate_key("Somebody"), tmp_path, "ada")
    assert isinstance(again, Diagnostic)
    assert again.code == "I0812"
    assert public.read_bytes() == before
    assert not (tmp_path / "ada.secret.pem").exists()


def test_a_folder_that_does_not_exist_is_a_problem_and_not_a_crash(key: SecretKey, tmp_path: Path) -> None:
    problem = write_key_pair(key, tmp_path / "absent", "ada")
    assert isinstance(problem, Diagnostic)
    assert problem.code == "I0812"


def test_a_full_disk_leaves_no_half_written_key(
    key: SecretKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    problem = write_key_pair(key, tmp_path, "ada")
    assert isinstance(problem, Diagnostic)
    assert problem.message == "the key file cannot be written: no space left on device"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "", "not a key file"),
        (lambda text: text.replace("ionto public key", "my key"), "not a key file"),
        (lambda text: text + "x" * KEY_FILE_BYTES_MAX, "not a key file"),
        (lambda text: text.replace("ionto public key", "ionto secret key"), "was expected"),
        (lambda text: text.replace("owner: Dr Ada Example, Clinic µ", "owner: "), "who owns it"),
        (
            lambda text: text.replace("key id: ed25519:", "key id: ed25519:0"),
            "not the one that its key id names",
        ),
        (lambda text: text.replace("BEGIN", "BEGUN"), "holds no key"),
        (lambda text: text.replace("MCow", "MCox"), "holds no key"),
    ],
)
def test_a_damaged_key_file_is_refused_with_its_reason(
    key: SecretKey, tmp_path: Path, change: object, says: str
) -> None:
    assert callable(change)
    path = tmp_path / "ada.public.pem"
    path.write_text(change(public_key_text(key.public)), encoding="utf-8")
    assert says in refusal(read_public_key(path))


def test_a_key_of_another_kind_is_refused(key: SecretKey, tmp_path: Path) -> None:
    # An X25519 key: the same length, made for key agreement and not for signatures.
    other = (
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
        "-----END PUBLIC KEY-----\n"
    )
    path = tmp_path / "ada.public.pem"
    path.write_text(f"ionto public key\nowner: Ada\nkey id: {key.public.key_id}\n{other}", encoding="utf-8")
    assert "not of the kind Ed25519" in refusal(read_public_key(path))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ada.public.pem"
    path.write_bytes(b"\xff\xfe")
    assert "not text" in refusal(read_public_key(path))
    assert "no such file" in refusal(read_public_key(tmp_path / "absent.pem"))


def test_the_trust_folder_gives_its_keys_and_names_the_files_that_hold_none(
    key: SecretKey, tmp_path: Path
) -> None:
    (tmp_path / "ada.public.pem").write_text(public_key_text(key.public), encoding="utf-8")
    (tmp_path / "bad.public.pem").write_text("nothing", encoding="utf-8")
    (tmp_path / "secret.pem").write_text(secret_key_text(key), encoding="utf-8")
    (tmp_path / "README").write_text("keys of the clinic", encoding="utf-8")
    store = read_trust_store(tmp_path)
    assert store.keys == (key.public,)
    assert [problem.primary.span.file for problem in store.problems if problem.primary] == [
        str(tmp_path / "bad.public.pem"),
        str(tmp_path / "secret.pem"),
    ]


def test_a_missing_trust_folder_trusts_nobody_and_says_so(tmp_path: Path) -> None:
    store = read_trust_store(tmp_path / "absent")
    assert store.keys == ()
    assert "no such file" in refusal(store.problems[0])


def test_a_folder_full_of_keys_is_refused_as_the_wrong_folder(key: SecretKey, tmp_path: Path) -> None:
    for number in range(TRUSTED_KEYS_MAX + 1):
        (tmp_path / f"{number}.pem").touch()
    store = read_trust_store(tmp_path)
    assert store.keys == ()
    assert len(store.problems) == 1


@pytest.mark.parametrize("owner", ["", "  ", "two\nlines", " edge", "x" * 101, "\x1b[2J"])
def test_an_owner_is_one_plain_line(owner: str) -> None:
    assert owner_fault(owner) is not None
