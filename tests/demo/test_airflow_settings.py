import configparser
import json
import stat

from family_exchange.demo import airflow_settings


def written(tmp_path, metadata="postgresql://airflow:se%40cret@127.0.0.1:5/airflow"):
    sections = airflow_settings.settings(
        tmp_path, metadata, dags=tmp_path / "dags", port=4711, users={"anna": "user", "ben": "admin"}, parallelism=2
    )
    airflow_settings.write(tmp_path, sections, {"anna": "a", "ben": "b"})
    read = configparser.ConfigParser()
    read.read(tmp_path / "airflow.cfg")
    return read


def test_what_is_secret_is_readable_by_its_owner_only(tmp_path):
    written(tmp_path)
    for name in ("airflow.cfg", airflow_settings.USER_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_passwords_are_in_place_before_airflow_looks_so_that_it_prints_none(tmp_path):
    config = written(tmp_path)
    assert json.loads((tmp_path / airflow_settings.USER_FILE).read_text()) == {"anna": "a", "ben": "b"}
    assert config["core"]["simple_auth_manager_users"] == "anna:user,ben:admin"
    assert config["core"]["simple_auth_manager_passwords_file"] == str(tmp_path / airflow_settings.USER_FILE)


def test_only_this_machine_is_served_and_the_configuration_is_not_shown(tmp_path):
    config = written(tmp_path)
    assert config["api"]["host"] == "127.0.0.1"
    assert not config["api"].getboolean("expose_config")
    assert not config["usage_data_collection"].getboolean("enabled")


def test_odd_characters_of_a_password_survive(tmp_path):
    config = written(tmp_path)
    assert config["database"]["sql_alchemy_conn"] == "postgresql+psycopg2://airflow:se%40cret@127.0.0.1:5/airflow"


def test_every_run_has_secrets_of_its_own(tmp_path):
    first, second = written(tmp_path), written(tmp_path)
    for section, name in (("core", "fernet_key"), ("api", "secret_key"), ("api_auth", "jwt_secret")):
        assert first[section][name] != second[section][name]
