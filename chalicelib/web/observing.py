"""What is noted of each request and of each run: an id that goes with it, a line in the log, and its metrics."""

import logging
import time
from collections.abc import Callable
from typing import Any

from chalice.app import Request, Response

from chalicelib.domain.metrics import embedded, request_measured, run_measured
from chalicelib.services.tracing import traced

logger = logging.getLogger(__name__)

HEADER = "X-Request-Id"
API = "api"


def request_observer(
    environment: Callable[[], str],
) -> Callable[[Request, Callable[[Request], Response]], Response]:
    """Middleware for requests. API Gateway names each; elsewhere they get a name here.

    The log has the route and never the path, which may hold a key.
    """

    def observe(request: Request, get_response: Callable[[Request], Response]) -> Response:
        started = time.perf_counter()
        with traced(request.context.get("requestId")) as request_id:
            response = get_response(request)
            response.headers[HEADER] = request_id
            measured = request_measured((time.perf_counter() - started) * 1000, response.status_code)
            metrics = embedded(environment(), API, time.time_ns() // 1_000_000, measured)
            logger.info(
                "%s %s %s",
                request.method,
                request.path,
                response.status_code,
                extra={"method": request.method, "route": request.path, "status": response.status_code, **metrics},
            )
        return response

    return observe


def run_observer(environment: Callable[[], str]) -> Callable[[Any, Callable[[Any], Any]], Any]:
    """Middleware for what schedules and queues start. Each run is named as Lambda names the call."""

    def observe(event: Any, get_response: Callable[[Any], Any]) -> Any:
        started, failed = time.perf_counter(), True
        function = event.context.function_name.rpartition("-")[2]  # elastic-images-<stage>-<handler>
        with traced(getattr(event.context, "aws_request_id", None)):
            try:
                answer = get_response(event)
                failed = False
            finally:
                measured = run_measured((time.perf_counter() - started) * 1000, failed)
                metrics = embedded(environment(), function, time.time_ns() // 1_000_000, measured)
                logger.info("%s %s", function, "failed" if failed else "done", extra=metrics)
        return answer

    return observe
