"""`ionto keys`: the keys that seal plans, and the folder of public keys that are trusted."""

from __future__ import annotations

import argparse
from pathlib import Path

from ionto_cli.exits import Exit
from ionto_cli.files import system_words, write_whole
from ionto_cli.home import keys_folder, trusted_folder
from ionto_cli.terminal import complain
from ionto_ir.diagnostic import Diagnostic, error


def run(arguments: argparse.Namespace) -> Exit:
    """Make, list or trust keys."""
    folder = Path(arguments.folder) if arguments.folder else keys_folder()
    match arguments.action:
        case "new":
            return _new(folder, arguments.owner)
        case "trust":
            return _trust(arguments.path)
        case _:
            return _list(folder)


def _new(folder: Path, owner: str) -> Exit:
    made = make_key(folder, owner)
    if isinstance(made, Diagnostic):
        return complain(made)
    secret, public = made
    print(f"secret key  {secret}   keep it; whoever has it can seal plans in your name")
    print(f"public key  {public}   give it to the machines that run your plans")
    print(f"trusted     {trusted_folder() / public.name}   so that this machine runs what you seal")
    return Exit.PROVED


def make_key(folder: Path, owner: str) -> tuple[Path, Path] | Diagnostic:
    """A new key pair in `folder`, trusted on this machine; the paths of secret and public key."""
    from ionto_runtime.signing import generate_key, owner_fault, write_key_pair

    fault = owner_fault(owner)
    if fault is not None:
        return error("I0908", f"`{owner}` cannot be the owner of a key: {fault}", None)
    name = "-".join(owner.lower().split())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as failure:
        return error("I0904", f"cannot make the folder `{folder}`: {system_words(failure)}", None)
    pair = write_key_pair(generate_key(owner), folder, name)
    if isinstance(pair, Diagnostic):
        return pair
    problem = trust(pair[1])
    return pair if problem is None else problem


def trust(public: Path) -> Diagnostic | None:
    """Put a public key into the folder of trusted keys; a message when that cannot be done."""
    from ionto_runtime.signing import read_public_key

    key = read_public_key(public)
    if isinstance(key, Diagnostic):
        return key
    folder = trusted_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(folder / public.name, public.read_bytes())
    except OSError as failure:
        return error("I0904", f"cannot write into `{folder}`: {system_words(failure)}", None)
    return None


def _trust(path: str | None) -> Exit:
    if path is None:
        return complain(
            error(
                "I0901",
                "no public key was named",
                None,
                help="`ionto keys trust colleague.public.pem`",
            )
        )
    problem = trust(Path(path))
    if problem is not None:
        return complain(problem)
    print(f"trusted: {path}")
    return Exit.PROVED


def _list(folder: Path) -> Exit:
    from ionto_runtime.signing import PUBLIC_SUFFIX, read_public_key, read_trust_store

    own = sorted(folder.glob(f"*{PUBLIC_SUFFIX}")) if folder.is_dir() else []
    print(f"keys in {folder}:" if own else f"no keys in {folder}; `ionto keys new` makes one")
    for path in own:
        key = read_public_key(path)
        print(
            f"  {path.name}  "
            + ("cannot be used" if isinstance(key, Diagnostic) else f"{key.owner}  {key.key_id}")
        )
    trusted = trusted_folder()
    if not trusted.is_dir():
        print(f"nobody is trusted: {trusted} does not exist")
        return Exit.PROVED
    store = read_trust_store(trusted)
    print(f"trusted in {trusted}:")
    for known in store.keys:
        print(f"  {known.owner}  {known.key_id}")
    return complain(*store.problems) if store.problems else Exit.PROVED
