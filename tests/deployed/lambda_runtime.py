"""The Python environment that functions run in: boto3 and what it needs, as in Lambda's own, and nothing else."""

import re
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

LIMITS = Path(__file__).with_name("lambda_limits.py")


def make_runtime(folder: Path) -> Path:
    """Makes the environment from the packages that are installed here; its interpreter."""
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for found in _with_requirements("boto3").values():
        for name in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            (packages / name).symlink_to(str(found.locate_file(name)))
    (packages / LIMITS.name).symlink_to(LIMITS)
    (packages / "limits.pth").write_text(f"import {LIMITS.stem}\n")
    (folder / "tmp").mkdir()
    return folder / "bin" / "python"


def _with_requirements(name: str) -> dict[str, Distribution]:
    """The package and everything that it needs, by name; extras are left out."""
    found: dict[str, Distribution] = {}
    wanted = [name]
    while wanted:
        one = wanted.pop()
        if one not in found:
            found[one] = distribution(one)
            needed = (text for text in found[one].requires or [] if "extra ==" not in text)
            wanted += [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0].lower() for text in needed]
    return found
