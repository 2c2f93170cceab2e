import pytest

from chalicelib.config import ConfigError, config_from
from tests.fakes.parts import ENVIRON


def test_what_has_a_default_need_not_be_set() -> None:
    config = config_from(ENVIRON)
    assert config.bucket == "images"
    assert config.database_tls
    assert config.database_port == 3306
    assert config.database_reader_host is None
    assert config.cache_timeout_seconds == 0.05
    assert config.node_subnets == ("subnet-1", "subnet-2")


@pytest.mark.parametrize("name", ENVIRON)
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_named(name: str, value: str | None) -> None:
    environ = {other: text for other, text in ENVIRON.items() if other != name}
    if value is not None:
        environ[name] = value
    with pytest.raises(ConfigError, match=name):
        config_from(environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_PORT", "mysql"),
        ("DATABASE_TLS", "yes"),
        ("DATABASE_READER_PORT", "0"),
        ("FLEET_NODES", "two"),
        ("FLEET_NODES", "-3"),
        ("FLEET_NODES", "9"),
        ("CACHE_TIMEOUT_MS", "nan"),
        ("NODE_PORT", "99999999"),
        ("NODE_SUBNETS", ","),
        ("MAX_UPLOAD_BYTES", "-1"),
        ("CACHE_TIMEOUT_MS", "50ms"),
        ("MAX_UPLOAD_BYTES", "4MB"),
    ],
)
def test_what_is_wrong_is_named_and_quoted(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.*{value}"):
        config_from({**ENVIRON, name: value})


def test_units_are_converted() -> None:
    assert config_from({**ENVIRON, "CACHE_TIMEOUT_MS": "12.5"}).cache_timeout_seconds == 0.0125
    assert not config_from({**ENVIRON, "DATABASE_TLS": "off"}).database_tls


def test_a_reader_has_a_port_of_its_own() -> None:
    config = config_from({**ENVIRON, "DATABASE_PORT": "3307", "DATABASE_READER_HOST": "reader.test"})
    assert (config.database_reader_host, config.database_reader_port) == ("reader.test", 3306)
    assert config_from({**ENVIRON, "DATABASE_READER_PORT": "3308"}).database_reader_port == 3308


def test_nobody_is_signed_in_unless_the_setting_says_so() -> None:
    assert config_from(ENVIRON).signed_in_as is None
    assert config_from({**ENVIRON, "SIGNED_IN_AS": "demo"}).signed_in_as == "demo"


def test_a_short_secret_is_refused_without_being_told() -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY must have at least 32") as refused:
        config_from({**ENVIRON, "SECRET_KEY": "too short"})
    assert "too short" not in str(refused.value)


def test_a_secret_stands_in_for_user_and_password() -> None:
    plain = {name: text for name, text in ENVIRON.items() if name not in ("DATABASE_USER", "DATABASE_PASSWORD")}
    config = config_from({**plain, "DATABASE_SECRET_ARN": "arn:secret"})
    assert (config.database_secret_arn, config.database_user, config.database_password) == ("arn:secret", "", "")
    assert config_from(ENVIRON).database_secret_arn is None


def test_a_secret_stands_in_for_the_key_of_forms() -> None:
    plain = {name: text for name, text in ENVIRON.items() if name != "SECRET_KEY"}
    config = config_from({**plain, "FORM_SECRET_ARN": "arn:secret"})
    assert (config.form_secret_arn, config.secret_key) == ("arn:secret", "")
