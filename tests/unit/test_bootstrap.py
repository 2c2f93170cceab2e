import subprocess
import sys
import threading
from pathlib import Path

from chalicelib.adapters.cloudfront_addresses import CloudFrontAddresses
from chalicelib.wiring.made_once import at_first_use
from chalicelib.wiring.real_ports import RealPorts
from tests.fakes.parts import ENVIRON, memory_config, memory_services

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


def test_services_are_built_without_asking_for_secrets() -> None:
    secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:one"
    statements = f"import os; os.environ.update(DATABASE_SECRET_ARN='{secret}', FORM_SECRET_ARN='{secret}')"
    loaded = modules_after(f"{statements}; import app; app.services()")
    assert loaded & {"boto3", "botocore"} == set()


def test_images_addresses_are_the_cdns_where_it_has_a_key_of_ours() -> None:
    key = {"IMAGE_SIGNING_KEY_ID": "K1", "IMAGE_SIGNING_SECRET_ARN": "arn"}

    def signs(environ: dict[str, str]) -> str:
        return type(RealPorts(memory_config(environ)).image_addresses).__name__

    behind = signs({**key, "SITE_ADDRESS": "https://images.example.org"})
    assert behind == CloudFrontAddresses.__name__
    assert behind not in {signs(key), signs({"SITE_ADDRESS": "https://images.example.org"}), signs({})}


def test_two_environments_of_one_account_have_each_its_own_queues() -> None:
    blue = "import os; os.environ['QUEUE_PREFIX'] = 'elastic-images-blue-'; import app"
    named = "sys.modules |= dict.fromkeys((app.JOB_QUEUE, app.INCOMING_QUEUE, app.FLEET_QUEUE), app)"
    names = {f"elastic-images-blue-{name}" for name in ("image-jobs", "incoming-images", "fleet-changes")}
    assert modules_after(f"{blue}; {named}") >= names


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


def test_the_key_of_forms_is_the_settings_or_the_secrets() -> None:
    by_setting = memory_config(form_secret_arn=None, secret_key="a key among the settings")
    assert memory_services(config=by_setting).form_key() == "a key among the settings"
    by_secret = memory_config()
    assert (by_secret.secret_key, memory_services(config=by_secret).form_key()) == ("", ENVIRON["SECRET_KEY"])
