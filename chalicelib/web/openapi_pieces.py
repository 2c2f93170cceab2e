"""The pieces that the OpenAPI document is put together from."""

Schema = dict[str, object]


def operation(
    name: str,
    summary: str,
    answers: Schema,
    parameters: list[Schema] | None = None,
    body: Schema | None = None,
    *,
    closed: bool = True,
) -> Schema:
    """One operation; a closed one may also answer that the caller may not, or that a part does not answer."""
    usual = errors("401", "403", "503") if closed else {}
    operation: Schema = {"operationId": name, "summary": summary, "responses": {**answers, **usual}}
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def json_content(schema: str | None, description: str) -> Schema:
    """An answer in JSON, by the name of its schema."""
    return {"description": description, "content": {"application/json": content_of(schema)}}


def content_of(schema: str | None) -> Schema:
    """The content that the named schema describes; None for any object."""
    return {"schema": {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}}


def errors(*statuses: str) -> Schema:
    """Answers that are problem documents."""
    return {status: {"$ref": "#/components/responses/Problem"} for status in statuses}


def object_of(**properties: Schema) -> Schema:
    """An object that has all these properties and no others."""
    return {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False}
