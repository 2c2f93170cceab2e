"""What makes an instance a cache node: the script that its user data fetches from the bucket and checks. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.node_user_data import user_data


@dataclass(frozen=True, slots=True)
class NodeArtefact:
    """`key` is where it lies in the bucket. Two scripts never share one."""

    key: str
    sha256: str
    data: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the app's stack that it fills."""
        return {"NodeArtefactKey": self.key, "NodeArtefactSha256": self.sha256}


def node_artefact(project: Path, environment: str, settings: Mapping[str, str] | None = None) -> NodeArtefact:
    """The artefact of an environment's nodes; `settings` as user data takes them. Raises UserDataError."""
    data = user_data(project, {**(settings or {}), "ENVIRONMENT": environment}).encode()
    sha256 = hashlib.sha256(data).hexdigest()
    return NodeArtefact(f"artefacts/nodes/{sha256}.sh", sha256, data)
