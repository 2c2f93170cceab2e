"""Starts ministack as it must be for this application to be deployed into it by `chalice deploy`.

    ENVIRONMENT/bin/python emulator.py PYTHON

PYTHON runs the functions. Run by ministack's own environment, so nothing of the project is imported here. Each function
below mends one gap between ministack and AWS; all of them lean on the version named here and on no other.
"""

import functools
import importlib
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

VERSION = "1.5.33"
# Both ways; Lambda's own figure, which leaves a little for what surrounds the payload.
PAYLOAD_BYTES = 6 * 1024 * 1024 + 100
# The schedule's minute lasts as many seconds: a test cannot wait for a real one.
MINUTE_SECONDS = 3
LOG_WAIT_SECONDS = 0.002
# What a path parameter may hold without being percent-encoded.
_PATH_SAFE = "!$&'()*+,;=:@-._~"

_v1: Any
_runtime: Any


def mend(python: str) -> None:
    """Mends every gap. Raises RuntimeError if this is another ministack."""
    global _v1, _runtime
    found = importlib.metadata.version("ministack")
    if found != VERSION:
        raise RuntimeError(f"The gaps of ministack {VERSION} are known; this is {found}: look at each again.")
    _v1 = importlib.import_module("ministack.services.apigateway_v1")
    _runtime = importlib.import_module("ministack.core.lambda_runtime")
    empty_compression_size()
    apis_from_swagger()
    encoded_path_parameters()
    actions_of_batches()
    own_python(python)
    payload_limit_and_freezing()
    short_wait_for_logs()
    short_minutes()
    requests_end_before_updates()
    signing_keys_by_stacks()


def empty_compression_size() -> None:
    """A REST API without a compression size is answered with an empty one, on which botocore breaks down."""
    view = _v1._rest_api_view

    def mended(api: dict[str, Any] | None) -> Any:
        shown = view(api)
        if shown and not shown.get("minimumCompressionSize"):
            shown.pop("minimumCompressionSize", None)
        return shown

    _v1._rest_api_view = mended


def apis_from_swagger() -> None:
    """ImportRestApi and PutRestApi make nothing of the Swagger document, and its binary types are dropped.

    The responses of mock integrations are dropped too, which no route here needs: none has CORS.
    """
    handle, import_api = _v1.handle_request, _v1._import_rest_api

    def imported(spec: dict[str, Any], base: dict[str, Any] | None = None) -> str:
        for operations in spec["paths"].values():
            if "options" in operations:
                raise RuntimeError("A route has CORS: mend the responses of its mock integration here.")
        binary = spec.get("x-amazon-apigateway-binary-media-types", [])
        return str(import_api(spec, {**(base or {}), "binaryMediaTypes": binary}))

    async def handled(method: str, path: str, headers: Any, body: bytes, query: Mapping[str, Any]) -> Any:
        parts = path.strip("/").split("/")
        if method == "POST" and parts == ["restapis"] and query.get("mode") in ("import", ["import"]):
            types = query.get("endpointConfigurationTypes", "EDGE")
            types = types if isinstance(types, list) else [types]
            api_id = imported(json.loads(body), {"endpointConfiguration": {"types": types}})
            return _v1._v1_response(_v1._rest_api_view(_v1._rest_apis[api_id]), 201)
        if method == "PUT" and len(parts) == 2 and parts[0] == "restapis":
            _replace(parts[1], imported(json.loads(body)))
            return _v1._v1_response(_v1._rest_api_view(_v1._rest_apis[parts[1]]))
        return await handle(method, path, headers, body, query)

    _v1.handle_request, _v1._import_rest_api = handled, imported


def _replace(api_id: str, made: str) -> None:
    """The resources and binary types of one API become those of another, which goes."""
    _v1._resources[api_id] = _v1._resources[made]
    _v1._rest_apis[api_id]["binaryMediaTypes"] = _v1._rest_apis[made]["binaryMediaTypes"]
    _v1._resources[made] = {}
    _v1._delete_rest_api(made)


def encoded_path_parameters() -> None:
    """Path parameters reach the function decoded; REST APIs hand them over as they were sent."""
    build = _v1._build_lambda_event_v1

    @functools.wraps(build)
    def built(*args: Any, **kwargs: Any) -> Any:
        event = build(*args, **kwargs)
        if event["pathParameters"]:
            event["pathParameters"] = {
                name: urllib.parse.quote(value, safe=_PATH_SAFE) for name, value in event["pathParameters"].items()
            }
        return event

    _v1._build_lambda_event_v1 = built


def actions_of_batches() -> None:
    """Calls for several messages at once ask for rights of their own; in SQS they need those for one message."""
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    extract = actions.extract_iam_action

    def extracted(*args: Any, **kwargs: Any) -> Any:
        action = extract(*args, **kwargs)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    actions.extract_iam_action = extracted


def own_python(python: str) -> None:
    """Functions run in ministack's own environment, whose packages hide what a function forgot to bring."""
    detect = _runtime._detect_runtime_binary

    def detected(runtime: str) -> tuple[str, str]:
        wanted = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        if runtime != wanted:
            raise RuntimeError(f"The function wants {runtime}; functions run with {wanted} here.")
        return python, detect(runtime)[1]

    _runtime._detect_runtime_binary = detected


def payload_limit_and_freezing() -> None:
    """Payloads have no limit, and a function's process goes on between requests; on Lambda it is frozen."""
    worker: Any = _runtime.Worker
    invoke: Callable[..., dict[str, Any]] = worker.invoke

    @functools.wraps(invoke)
    def invoked(self: Any, event: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if len(json.dumps(event)) > PAYLOAD_BYTES:
            return _refused("Request must be smaller than 6291556 bytes for the InvokeFunction operation")
        _signal(self, signal.SIGCONT)
        response = invoke(self, event, *args, **kwargs)
        _signal(self, signal.SIGSTOP)
        if len(json.dumps(response.get("result"))) > PAYLOAD_BYTES:
            return _refused("Response payload size exceeded maximum allowed payload size (6291556 bytes).")
        return response

    worker.invoke = invoked
    end = _runtime._signal

    def ended(process: Any) -> None:
        end(process)
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)  # a stopped process would not hear it

    _runtime._signal = ended


def thawing_at_the_end() -> Any:
    """Frozen functions would outlive an emulator that was killed; thawed, they see that nobody asks them any more."""
    return subprocess.Popen(["sh", "-c", "read -r _; kill -CONT 0"], stdin=subprocess.PIPE)  # 0: its own group


def _signal(worker: Any, number: signal.Signals) -> None:
    process = worker._proc
    if process is not None and process.poll() is None:
        process.send_signal(number)


def _refused(message: str) -> dict[str, Any]:
    return {"status": "error", "error": message, "cold_start": False, "log": message}


def short_wait_for_logs() -> None:
    """Every call of a function that logs nothing waits 50 ms for its standard error."""
    drain = _runtime.Worker._drain_stderr_bounded
    if drain.__defaults__ != (0.05, 0.005, 0.25):
        raise RuntimeError(f"The waits for logs are other ones: {drain.__defaults__}")
    drain.__defaults__ = (LOG_WAIT_SECONDS, LOG_WAIT_SECONDS, 0.25)


def short_minutes() -> None:
    """A schedule comes every minute and for the first time after one, which is right and too long for a test."""
    bridge: Any = importlib.import_module("ministack.services.eventbridge")
    parse = bridge._parse_rate_seconds

    def parsed(expression: str) -> float | None:
        seconds = parse(expression)
        return None if seconds is None else seconds / 60 * MINUTE_SECONDS

    bridge._parse_rate_seconds = parsed
    bridge._SCHEDULER_TICK_INTERVAL = 0.5


def requests_end_before_updates() -> None:
    """A change of a function kills the processes that answer just now; on Lambda those answer to their end."""
    kill: Callable[[list[Any]], None] = _runtime.kill_workers

    def kill_once_free(worker: Any) -> None:
        while worker.in_use:
            time.sleep(0.02)
        kill([worker])

    def killed(workers: list[Any]) -> None:
        for worker in (one for one in workers if one.in_use):
            threading.Thread(target=kill_once_free, args=(worker,), daemon=True).start()
        kill([one for one in workers if not one.in_use])

    _runtime.kill_workers = killed


def signing_keys_by_stacks() -> None:
    """CloudFront's public keys and key groups are known to its own calls, and not to CloudFormation."""
    cdn: Any = importlib.import_module("ministack.services.cloudfront")
    handlers: Any = importlib.import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS

    def handler(kept: Any, part: str, new_id: Callable[[], str]) -> dict[str, Any]:
        def create(_logical_id: str, properties: Any, _stack: str) -> tuple[str, dict[str, str]]:
            made = new_id()
            moment = {"CreatedTime": cdn._now_iso(), "LastModifiedTime": cdn._now_iso()}
            kept[made] = {"Id": made, "ETag": cdn.new_uuid(), **moment, "Config": dict(properties[part])}
            return made, {"Id": made}

        return {"create": create, "delete": lambda made, _properties: kept.pop(made, None)}

    handlers["AWS::CloudFront::PublicKey"] = handler(cdn._public_keys, "PublicKeyConfig", cdn._pk_id)
    handlers["AWS::CloudFront::KeyGroup"] = handler(cdn._key_groups, "KeyGroupConfig", cdn._kg_id)


if __name__ == "__main__":
    mend(sys.argv.pop(1))
    os.environ.pop("PYTHONPATH", None)  # functions inherit this environment
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # on Lambda they cannot: their folder is read-only
    sentinel = thawing_at_the_end()
    importlib.import_module("ministack.app").main()
