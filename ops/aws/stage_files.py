"""Writes a stage where Chalice looks for it: .chalice/config.json and .chalice/policies/STAGE/."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops.aws.stage import Choices, policies, policy_file, stage, with_stage
from ops.local.state import write_whole


def write_stage(project: Path, outputs: Mapping[str, str], choices: Choices) -> None:
    """Writes it, over an earlier one of the same name. Raises StageError before anything is written."""
    made, policies_of = stage(outputs, choices), policies(outputs, choices)
    folder = project / ".chalice"
    for function, policy in policies_of.items():
        path = folder / policy_file(choices.environment, function)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, _text(policy))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    write_whole(folder / "config.json", _text(with_stage(config, choices.environment, made)))


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"
