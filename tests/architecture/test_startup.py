"""What `ionto verify` does not load: start-up is counted in modules, which do not jitter as seconds do."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.architecture.tree import ROOT

HEAVY = {
    "rich",
    "jinja2",
    "matplotlib",
    "numpy",
    "z3",
    "serial",
    "cryptography",
    "asyncio",
    "importlib.metadata",
    "email",
    "dataclasses",
    "inspect",
    "json",
    "pathlib",
    "ionto_runtime",
}
TREATMENT = ROOT / "protocols" / "ionto_protocols" / "treatments" / "plantar_fasciitis_dexamethasone.ionto"


def test_verifying_a_treatment_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from ionto_cli.__main__ import main\n"
        f"code = main(['verify', {str(TREATMENT)!r}])\n"
        "print()\n"
        "print([code, sorted(sys.modules)])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    verdict, loaded = ast.literal_eval(ran.stdout.splitlines()[-1])
    assert verdict == 0, ran.stdout
    assert HEAVY & set(loaded) == set()
    assert "ionto_verifier.driver" in loaded
