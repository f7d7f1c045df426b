"""How the demo's Airflow is set: one machine, loopback only, secrets made for this one run."""

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

USER_FILE = "passwords.json"
CONNECTIONS = "AIRFLOW_CONN_"
"""Prefix of the variables that only task processes and the triggerer may see."""


def settings(
    home: Path, metadata_url: str, *, dags: Path, port: int, users: Mapping[str, str], parallelism: int
) -> dict[str, dict[str, object]]:
    """Airflow's configuration by section; `users` are names and roles."""
    base_url = f"http://127.0.0.1:{port}"
    return {
        "core": {
            "executor": "family_exchange.orchestration.executor.OneMachineExecutor",
            "parallelism": parallelism,
            "dags_folder": dags,
            "plugins_folder": dags.parent / "plugins",
            "load_examples": False,
            "dagbag_import_timeout": 300,  # seconds; a small machine has much else to do
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "execution_api_server_url": f"{base_url}/execution/",
            "simple_auth_manager_users": ",".join(f"{name}:{role}" for name, role in users.items()),
            "simple_auth_manager_passwords_file": home / USER_FILE,
        },
        "database": {"sql_alchemy_conn": _with_driver(metadata_url)},
        "api": {
            "host": "127.0.0.1",
            "port": port,
            "base_url": base_url,
            "workers": 1,
            "expose_config": False,
            "secret_key": secrets.token_urlsafe(32),
        },
        "api_auth": {"jwt_secret": secrets.token_urlsafe(64), "jwt_issuer": "family-exchange-demo"},
        "workers": {"execution_api_timeout": 60},  # an answer that a stall held up is not asked for twice
        "scheduler": {
            "task_instance_heartbeat_timeout": 60,
            "task_instance_heartbeat_timeout_detection_interval": 10,
            "orphaned_tasks_check_interval": 30,
            "scheduler_idle_sleep_time": 0.5,
        },
        "dag_processor": {
            "parsing_processes": 1,
            "dag_file_processor_timeout": 600,
            "min_file_process_interval": 120,  # the files do not change while the demo runs
            "print_stats_interval": 0,
        },
        "logging": {"base_log_folder": home / "logs", "colored_console_log": False},
        "usage_data_collection": {"enabled": False},
        "family_exchange": {"poll_seconds": 3, "retry_seconds": 5},
    }


def write(home: Path, sections: Mapping[str, Mapping[str, object]], passwords: Mapping[str, str]) -> None:
    """`airflow.cfg` and the password file are in `home`, readable by their owner only."""
    lines: list[str] = []
    for section, options in sections.items():
        # The file's reader takes `%` for the start of a reference.
        lines += [f"[{section}]", *(f"{name} = {str(value).replace('%', '%%')}" for name, value in options.items())]
    for name, text in (("airflow.cfg", "\n".join(lines) + "\n"), (USER_FILE, json.dumps(passwords))):
        path = home / name
        path.touch(mode=0o600)
        path.write_text(text)


def _with_driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)
