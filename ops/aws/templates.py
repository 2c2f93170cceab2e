"""The stacks of an environment: templates, names, and which parameters are known already. No calls of AWS."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / ".chalice" / "stacks"
# In the order in which they are made: each takes what those before it tell. The functions come between app and cdn.
NETWORK, DATA, APP, ROTATION, CDN = PARTS = ("network", "data", "app", "rotation", "cdn")
PROJECT_TAG = "elastic-images"


def stack_name(environment: str, part: str) -> str:
    """Of an environment's stack."""
    return f"{PROJECT_TAG}-{environment}-{part}"


def tags_of(environment: str) -> dict[str, str]:
    """What every stack and every resource of the environment is tagged with."""
    return {"project": PROJECT_TAG, "environment": environment}


def text_of(part: str) -> str:
    """The template as CloudFormation takes it."""
    return (FOLDER / f"{part}.yaml").read_text(encoding="utf-8")


def template_of(part: str) -> dict[str, Any]:
    """The template as plain values; `!Ref X` is {"Ref": "X"}, `!Sub x` is {"Fn::Sub": "x"}."""
    return parsed(text_of(part))


def parsed(text: str) -> dict[str, Any]:
    """A template's text as plain values. Raises yaml.YAMLError."""
    template: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader that knows the short forms
    return template


def parameters_for(part: str, known: Mapping[str, str]) -> dict[str, str]:
    """Those of `known` that are parameters of the template: outputs bear the name of the parameters they are for.

    An empty one is left out, so that the template's own default holds, or CloudFormation says what lacks.
    """
    return {name: known[name] for name in template_of(part)["Parameters"] if known.get(name)}


def capabilities_of(part: str) -> list[str]:
    """What CloudFormation wants to be told that one knows of."""
    template = template_of(part)
    named = any(one["Type"].startswith("AWS::IAM::") for one in template["Resources"].values())
    rotating = "Transform" in template
    return [
        *(["CAPABILITY_NAMED_IAM"] if named else ["CAPABILITY_IAM"] if rotating else []),
        *(["CAPABILITY_AUTO_EXPAND"] if rotating else []),
    ]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, and days that stay text."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101  # there is no fourth kind
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
