"""Which settings of Airflow are taken as sound."""

import pytest

from family_exchange.domain import airflow_settings
from family_exchange.domain.airflow_settings import WANTED, database_standing, judge, secret_standing
from family_exchange.domain.doctor import Grade

SOUND = {
    "task_instance_heartbeat_timeout": "60",
    "task_instance_heartbeat_timeout_detection_interval": "10.0",
    "orphaned_tasks_check_interval": "30",
    "task_queued_timeout": "600.0",
    "killed_task_cleanup_time": "60",
    "max_failed_heartbeats": "3",
    "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "simple_auth_manager_all_admins": "False",
    "expose_config": "False",
    "access_control_allow_origins": "",
    "host": "127.0.0.1",
    "allowed_deserialization_classes": "",
    "hide_sensitive_var_conn_fields": "True",
    "load_examples": "false",
    "unit_test_mode": "False",
    "logging_level": "INFO",
    "executor": "airflow.providers.celery.executors.celery_executor.CeleryExecutor",
    "fernet_key": "set",
    "secret_key": "set",
    "jwt_secret": "set",
    "sql_alchemy_conn": "set",
    "visibility_timeout": "30",
    "task_acks_late": "True",
    "worker_prefetch_multiplier": "1",
}

BROKEN = [
    ("task_instance_heartbeat_timeout", "300", Grade.WARNING),
    ("task_instance_heartbeat_timeout", "soon", Grade.WARNING),
    ("task_instance_heartbeat_timeout_detection_interval", "60", Grade.WARNING),
    ("orphaned_tasks_check_interval", "300.0", Grade.WARNING),
    ("task_queued_timeout", "6000", Grade.WARNING),
    ("killed_task_cleanup_time", "600", Grade.WARNING),
    ("max_failed_heartbeats", "30", Grade.WARNING),
    (
        "auth_manager",
        "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        Grade.BAD,
    ),
    ("simple_auth_manager_all_admins", "True", Grade.BAD),
    ("expose_config", "non-sensitive-only", Grade.WARNING),
    ("expose_config", "True", Grade.WARNING),
    ("access_control_allow_origins", "*", Grade.BAD),
    ("host", "0.0.0.0", Grade.NOTE),
    ("allowed_deserialization_classes", "airflow.*", Grade.NOTE),
    ("hide_sensitive_var_conn_fields", "False", Grade.BAD),
    ("load_examples", "True", Grade.WARNING),
    ("unit_test_mode", "True", Grade.BAD),
    ("logging_level", "debug", Grade.BAD),
    ("executor", "airflow.executors.sequential_executor.SequentialExecutor", Grade.WARNING),
    ("fernet_key", "unset", Grade.BAD),
    ("secret_key", "well known", Grade.BAD),
    ("jwt_secret", "short", Grade.BAD),
    ("sql_alchemy_conn", "sqlite", Grade.BAD),
    ("visibility_timeout", "3600", Grade.WARNING),
    ("task_acks_late", "False", Grade.WARNING),
    ("worker_prefetch_multiplier", "4", Grade.WARNING),
]


def judged(**changes):
    values = {one.option: (SOUND | changes)[one.name] for one in WANTED}
    executor = (SOUND | changes)["executor"]
    return {finding.subject.split(" ")[1]: finding for finding in judge(values, executor=executor)}


def test_sound_settings_are_good():
    assert {finding.grade for finding in judged().values()} == {Grade.GOOD}


@pytest.mark.parametrize(("name", "value", "grade"), BROKEN)
def test_each_setting_that_does_harm_is_found_with_what_to_set(name, value, grade):
    with_celery = judged(**{name: value}) | {} if name != "executor" else judged(executor=value)
    finding = with_celery[name]
    assert (finding.grade, finding.found) == (grade, value)
    assert f"{name} to " in finding.advice
    assert {one.grade for one in with_celery.values() if one is not finding} == {Grade.GOOD}


def test_every_setting_that_is_looked_at_was_broken_once():
    assert {name for name, *_ in BROKEN} == {one.name for one in WANTED}


def test_a_setting_that_is_not_there_is_not_good():
    (finding,) = [
        one for one in judge({}, executor="") if "auth_manager " in f"{one.subject} " and "simple" not in one.subject
    ]
    assert (finding.grade, finding.found) == (Grade.BAD, "not set")


def test_celerys_settings_matter_with_celery_only():
    assert "visibility_timeout" in judged()
    assert "visibility_timeout" not in judged(executor="LocalExecutor")


@pytest.mark.parametrize(
    ("value", "standing"),
    [
        ("", "unset"),
        (" ", "unset"),
        ("airflow", "well known"),
        ("TEMPORARY_KEY", "well known"),
        ("x" * 31, "short"),
        ("x" * 32, "set"),
    ],
)
def test_of_a_secret_only_its_standing_is_told(value, standing):
    assert secret_standing(value) == standing


@pytest.mark.parametrize(
    ("url", "standing"),
    [
        ("sqlite:////home/airflow.db", "sqlite"),
        ("", "sqlite"),
        ("postgresql+psycopg2://airflow:airflow@db/airflow", "well-known password"),
        ("postgresql+psycopg2://airflow@db/airflow", "no password"),
        ("postgresql+psycopg2://db/airflow", "no password"),
        ("postgresql+psycopg2://airflow:p%40ss@db:5432/airflow", "set"),
    ],
)
def test_of_the_databases_url_only_its_standing_is_told(url, standing):
    assert database_standing(url) == standing


def test_every_secret_is_one_of_the_settings():
    assert set(airflow_settings.SECRETS) <= {one.option for one in WANTED}
