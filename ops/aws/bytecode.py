"""Puts bytecode beside the sources of a Lambda package, so that a cold start need not compile them."""

import compileall
import py_compile
import tempfile
import zipfile
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)  # Chalice's own: the same content is the same zip
ZIP_BYTES = 15 * 1024 * 1024


def with_bytecode(package: Path) -> None:
    """Writes the zip anew, with its bytecode; as it was if interrupted. The same sources give the same bytes.

    The bytecode is of the Python that runs this, and marked as unchecked: on Lambda nobody changes a source, and their
    dates mean nothing there.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        with zipfile.ZipFile(package) as zipped:
            modes = {one.filename: one.external_attr for one in zipped.infolist()}
            zipped.extractall(tree)
        compileall.compile_dir(
            tree,
            quiet=2,  # a library may hold sources for another Python, which do not compile
            stripdir=str(tree),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            force=True,
        )
        made = package.with_suffix(".unfinished")
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in sorted(path for path in tree.rglob("*") if path.is_file()):
                name = path.relative_to(tree).as_posix()
                entry = zipfile.ZipInfo(name, _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = modes.get(name, 0o100644 << 16)
                zipped.writestr(entry, path.read_bytes())
        made.replace(package)
