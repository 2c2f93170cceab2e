"""The packages of releases, kept in the environment's bucket as they were deployed: the way back needs no build."""

import hashlib
import os
import tarfile
import tempfile
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ops.aws.errors import OperatorError
from ops.aws.package_folder import make_package_folder
from ops.aws.releases import Release
from ops.migration_kinds import Kind, kinds_in

PACKAGES = "operator/releases/"


def release_of(project: Path) -> Release:
    """The release that the code in a folder is: its version, and what is deployed of it with its migrations."""
    version = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    kinds = kinds_in(project / "migrations")
    with tempfile.TemporaryDirectory(prefix="elastic-images-") as folder:
        package = make_package_folder(project, Path(folder) / "project")
        digest = hashlib.sha256()
        for root in (package, project / "migrations"):
            for path in _files_in(root):
                name, content = path.relative_to(root).as_posix().encode(), path.read_bytes()
                digest.update(b"%d %d %s" % (len(name), len(content), name) + content)
    contracts = tuple(name for name, kind in kinds.items() if kind is Kind.CONTRACT)
    return Release(f"{version}-{digest.hexdigest()[:12]}", tuple(kinds), contracts)


class ReleasePackages:
    """Of one environment."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def keep(self, name: str, project: Path) -> None:
        """The whole folder, with the package that Chalice made of it and the stage's configuration."""
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as packed:
                packed.add(project, arcname=".")
            file.seek(0)
            self._s3.put_object(Bucket=self._bucket, Key=_key(name), Body=file)

    def fetch(self, name: str, target: Path) -> None:
        """Into a new folder. Raises OperatorError if it is not there."""
        with tempfile.TemporaryFile() as file:
            try:
                self._s3.download_fileobj(self._bucket, _key(name), file)
            except self._s3.exceptions.ClientError as error:
                raise OperatorError(
                    f"The package of {name} is not in {self._bucket}.", str(error), "`deploy` with that release's code"
                ) from error
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:gz") as packed:
                packed.extractall(target, filter="data")

    def forget_all_but(self, names: Collection[str]) -> None:
        """Removes the packages of releases that nothing leads back to."""
        wanted = {_key(name) for name in names}
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PACKAGES):
            for one in page.get("Contents", []):
                if one["Key"] not in wanted:
                    self._s3.delete_object(Bucket=self._bucket, Key=one["Key"])


def _key(name: str) -> str:
    return f"{PACKAGES}{name}.tar.gz"


def _files_in(root: Path) -> Iterator[Path]:
    """In an order that is the same everywhere; links are left to what they lead to."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            if not path.is_symlink() and path.suffix != ".pyc":
                yield path
