"""Which resources a template makes with given parameters, and simple values in them. Pure."""

from collections.abc import Mapping
from typing import Any


def parameters_with_defaults(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """As CloudFormation fills them in; text, as it compares them."""
    every = template["Parameters"]
    return {name: str(given.get(name, one.get("Default", ""))) for name, one in every.items()}


def resources_made(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Those whose condition holds, by logical name."""
    values = parameters_with_defaults(template, given)
    conditions = template.get("Conditions", {})
    return {
        name: one
        for name, one in template["Resources"].items()
        if "Condition" not in one or holds(conditions[one["Condition"]], conditions, values)
    }


def holds(condition: Any, conditions: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    """Whether a condition is true. Raises KeyError for a form that no template uses."""
    ((form, of),) = condition.items()
    match form:
        case "Condition":
            return holds(conditions[of], conditions, values)
        case "Fn::Not":
            return not holds(of[0], conditions, values)
        case "Fn::And":
            return all(holds(one, conditions, values) for one in of)
        case "Fn::Or":
            return any(holds(one, conditions, values) for one in of)
        case "Fn::Equals":
            return _text(of[0], values) == _text(of[1], values)
    raise KeyError(form)


def value_of(part: Any, template: Mapping[str, Any], given: Mapping[str, str]) -> str | None:
    """A value made of parameters, mappings and conditions; None if it is made of anything else."""
    values = parameters_with_defaults(template, given)
    if not isinstance(part, dict):
        return str(part)
    ((form, of),) = part.items()
    if form == "Ref" and of in values:
        return values[of]
    if form == "Fn::FindInMap":
        keys = [value_of(one, template, given) for one in of]
        found: Any = template["Mappings"]
        for key in keys:
            found = found[key]
        return str(found)
    if form == "Fn::If":
        conditions = template.get("Conditions", {})
        return value_of(of[1] if holds(conditions[of[0]], conditions, values) else of[2], template, given)
    return None


def _text(part: Any, values: Mapping[str, str]) -> str:
    if not isinstance(part, dict):
        return str(part)
    ((form, of),) = part.items()
    if form == "Ref":
        return values[of]
    if form == "Fn::Join":
        inner = of[1]
        return values[inner["Ref"]] if isinstance(inner, dict) else of[0].join(_text(one, values) for one in inner)
    raise KeyError(form)
