import subprocess
import sys
import threading
from pathlib import Path

from chalicelib.wiring.made_once import at_first_use
from tests.fakes.parts import ENVIRON

PROJECT = Path(__file__).parents[2]
SLOW_MODULES = ("boto3", "botocore", "jinja2", "pymysql", "pymemcache", "PIL", "subprocess")


def modules_after(statements: str) -> set[str]:
    """The modules that a new process has loaded after the statements."""
    program = f"import sys; before = set(sys.modules); {statements}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={**ENVIRON, "PATH": "", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_the_application_loads_nothing_slow() -> None:
    loaded = modules_after("import app")
    assert "chalice.app" in loaded
    assert loaded & set(SLOW_MODULES) == set()


def test_services_are_built_without_what_a_cached_image_does_not_need() -> None:
    loaded = modules_after("import app, chalicelib.web.api; [app.services().images, app.services().accounts]")
    assert "pymysql" in loaded
    assert loaded & {"boto3", "botocore", "jinja2", "PIL"} == set()


def test_what_is_made_at_first_use_is_made_once_also_by_many_at_once() -> None:
    made: list[list[int]] = []

    def build() -> list[int]:
        made.append([])
        return made[-1]

    numbers = at_first_use(build)
    assert made == []
    threads = [threading.Thread(target=numbers.append, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [sorted(each) for each in made] == [list(range(8))]
