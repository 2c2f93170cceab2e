"""A folder with what Chalice packages and nothing else: it writes beside the sources and reuses what it finds."""

import shutil
from pathlib import Path

_TAKEN = ("app.py", "requirements.txt", "chalicelib", "vendor", ".chalice")
_LEFT = shutil.ignore_patterns("__pycache__", "*.pyc", "deployments", "deployed")


def make_package_folder(project: Path, target: Path) -> Path:
    """Copies the project's part, and what links in vendor/ lead to; the folder."""
    for name in _TAKEN:
        source = project / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=_LEFT, symlinks=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    for link in (project / "vendor").iterdir():
        if link.is_symlink():
            shutil.copytree(link.resolve(), target / link.resolve().name, ignore=_LEFT)
    return target
