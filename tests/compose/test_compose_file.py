"""The compose file and the Dockerfile, read as Compose itself reads them; no engine is needed."""

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPOSE = Path(sys.executable).with_name("docker-compose")
ONCE = {"init", "set-up", "desk", "place", "restore"}
"""Services that end when their work is done."""
ROOTS = {"drop-zone", "place"}
"""Services that begin as root: sshd becomes whoever logs in, and the place of backups gets its owners."""
WATCHING = {"airflow-beats", "node-exporter", "prometheus", "alertmanager", "grafana"}
"""The services of the profile `monitoring`."""
SHELLS = (
    "curl ",
    "wget ",
    "--trusted-host",
    "PIP_CERT",
    "SSL_CERT",
    "http_proxy",
    "https_proxy",
    "--index-url",
    "ADD http",
)


@cache
def rendered(*profiles, backups=None):
    """What Compose reads with these profiles, and with BACKUPS= in the environment."""
    stated = {"BACKUPS": backups} if backups else {}
    options = [each for profile in profiles for each in ("--profile", profile)]
    done = subprocess.run(
        [COMPOSE, *options, "config", "--format", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | stated,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def everything():
    return rendered("demo", "desk", "monitoring", "restore")


def services(pick=lambda name, service: True):
    return {name: each for name, each in everything()["services"].items() if pick(name, each)}


def networks(name):
    return set(everything()["services"][name]["networks"])


def mounted(name):
    return {each["source"]: each for each in everything()["services"][name].get("volumes", [])}


def secrets(name):
    return {each["source"] for each in everything()["services"][name].get("secrets", [])}


def together(one, other):
    return networks(one) & networks(other)


every_service = pytest.mark.parametrize("name", sorted(services()))
LONG_RUNNING = sorted(set(services()) - ONCE)


def test_without_a_profile_only_the_platform_comes_up():
    named = set(rendered()["services"])
    assert {"worker", "scheduler", "drop-zone", "councils-db"} <= named
    assert not {name for name in named if name.startswith("demo-")} | (named & ({"desk"} | WATCHING))
    assert {name for name in rendered("monitoring")["services"] if name not in named} == WATCHING
    assert {name for name in rendered("demo")["services"] if name.startswith("demo-")} == {
        "demo-partners",
        "demo-office",
        "demo-third-party",
    }


@every_service
def test_nobody_has_more_power_than_it_needs(name):
    service = everything()["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert service["read_only"] is True
    assert not {"pid", "ipc", "network_mode", "userns_mode", "devices"} & service.keys()
    assert not any("docker.sock" in source for source in mounted(name))
    if name in ROOTS:
        assert {"SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE"}.isdisjoint(service["cap_add"])
    else:
        assert "cap_add" not in service
        assert service["user"].split(":")[0] not in {"0", "root"}


@every_service
def test_everybody_has_limits_and_a_log_that_is_rotated(name):
    service = everything()["services"][name]
    assert int(service["mem_limit"]) >= 256 << 20
    assert float(service["cpus"]) > 0
    assert service["pids_limit"] >= 50
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}


@every_service
def test_a_crash_leaves_no_image_of_memory_behind(name):
    said = everything()["services"][name]["ulimits"]["core"]
    assert said in (0, {}, {"soft": 0, "hard": 0})  # Compose leaves noughts out when it tells what it read


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_whoever_stays_up_is_looked_after_and_started_again(name):
    service = everything()["services"][name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]


def test_nothing_waits_for_a_service_that_cannot_say_that_it_is_ready():
    for name, service in services().items():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in ONCE else "service_healthy"
            assert how["condition"] == expected, (name, needed)


def test_the_drop_zone_and_whoever_comes_in_by_it_never_see_a_database():
    for outside in ("drop-zone", "demo-partners", "demo-third-party"):
        for database in ("airflow-db", "councils-db", "valkey"):
            assert not together(outside, database), (outside, database)


def test_only_workers_reach_councils_and_the_scheduler_reaches_no_drop_zone():
    for component in ("api-server", "scheduler", "dag-processor", "triggerer"):
        assert not together(component, "councils-db"), component
    for component in ("api-server", "scheduler", "dag-processor"):
        assert not together(component, "drop-zone"), component
    assert together("worker", "councils-db")
    assert together("worker", "drop-zone")
    assert together("triggerer", "drop-zone")


def test_databases_and_broker_have_no_way_out():
    assert {name for name, each in everything()["networks"].items() if each.get("internal")} >= {"airflow", "councils"}
    for inner in ("airflow-db", "councils-db", "valkey"):
        assert all(everything()["networks"][network].get("internal") for network in networks(inner))


def test_workers_know_no_way_into_the_database_of_airflow_and_sign_nothing_for_it():
    for private in ("airflow_db_url", "fernet_key", "jwt_secret", "api_secret_key"):
        assert private not in secrets("worker")
        assert private in secrets("api-server")
    assert not any("SQL_ALCHEMY" in name for name in services()["worker"]["environment"])


def test_connections_of_councils_are_for_worker_and_triggerer_only_and_private_keys_not_for_the_triggerer():
    readers = {name for name in services() if "settings" in mounted(name)}
    assert readers == {"worker", "triggerer", "set-up", "desk", "demo-office", "keeper", "restore"}
    assert mounted("worker")["settings"]["read_only"]
    assert mounted("triggerer")["settings"]["read_only"]
    with_state = {name for name in services() if "state" in mounted(name)}
    assert with_state == {"worker", "set-up", "desk", "demo-office", "keeper", "restore"}


# --- backups -----------------------------------------------------------------------------------------------------


def test_the_place_of_backups_is_for_those_who_write_or_read_there_and_for_nobody_else():
    seers = {name for name in services() if "backups" in mounted(name)}
    assert seers == {"councils-db", "place", "keeper", "restore", "worker", "desk"}
    assert {mounted(name)["backups"]["target"] for name in seers} == {"/srv/backups"}


def test_another_disk_takes_the_place_of_the_volume_for_all_of_them_at_once():
    elsewhere = rendered("restore", "desk", backups="/mnt/backups")["services"]
    sources = {
        name: each["source"]
        for name, service in elsewhere.items()
        for each in service.get("volumes", [])
        if each["target"] == "/srv/backups"
    }
    assert set(sources.values()) == {"/mnt/backups"}
    assert len(sources) == 6


def test_only_the_keeper_may_copy_the_server_and_only_a_restore_may_change_it():
    assert {name for name in services() if "replication_url" in secrets(name)} == {"keeper"}
    assert "restore" not in rendered()["services"]
    powerful = {name for name in services() if "councils_db_url" in secrets(name)}
    assert powerful == {"set-up", "demo-office", "restore"}
    assert {name for name in services() if "copier_password" in secrets(name)} == {"councils-db"}


def test_whoever_keeps_or_restores_backups_reaches_the_councils_server_and_nothing_else():
    for name in ("keeper", "restore", "place"):
        assert networks(name) == {"councils"}
        assert not services()[name].get("ports")


def test_the_councils_server_hands_out_its_log_every_minute_by_the_script_that_docs_describe():
    service = services()["councils-db"]
    assert {"archive_mode=on", "archive_timeout=60"} <= set(service["command"])
    (command,) = (each for each in service["command"] if each.startswith("archive_command="))
    assert command.split()[1] == "/usr/local/bin/archive-wal"
    assert command.endswith(" /srv/backups/server/wal /srv/backups/recovery.asc until-a-key-comes")
    script = next(each for each in service["volumes"] if each["target"] == "/usr/local/bin/archive-wal")
    assert Path(script["source"]) == ROOT / "deploy/archive-wal"
    assert script["read_only"]


def test_programs_of_postgresql_are_in_the_image_for_backups_alone():
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert [stage.split()[2] for stage in stages if "postgresql-17" in stage] == ["keeper"]
    assert {name for name in services() if "keeper" in services()[name]["image"]} == {"keeper", "restore"}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The health check's own function, over a place and a council's folder of the test."""
    spec = spec_from_file_location("healthcheck", ROOT / "docker/airflow/healthcheck.py")
    check = module_from_spec(spec)
    spec.loader.exec_module(check)
    monkeypatch.setattr(check, "PLACE", str(tmp_path))
    monkeypatch.setattr(check, "STATE", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__FAMILY_EXCHANGE__COUNCILS", "one")
    (tmp_path / "one" / "backups").mkdir(parents=True)

    def healthy(key=None, files=0, database=0, wrong=(), prepared=False):
        now = datetime.now(UTC)
        if key is not None:
            (tmp_path / "recovery.asc").touch()
            os.utime(tmp_path / "recovery.asc", (time.time() - key * 3600,) * 2)
        said = {"taken_at": now - timedelta(hours=files), "database_at": now - timedelta(hours=database)}
        folder = tmp_path / "one" / "backups"
        if prepared:
            (folder / "place.json").touch()
        (folder / "last.json").write_text(json.dumps(said, default=datetime.isoformat))
        (folder / "looked.json").write_text(json.dumps({"at": now.isoformat(), "wrong": list(wrong)}))
        return check.backups()

    return healthy


def test_before_there_is_a_recovery_key_no_backup_is_missed(kept):
    assert kept(files=999, database=999)


def test_a_place_that_is_away_with_its_key_is_missed_at_once(kept):
    assert not kept(prepared=True)
    assert kept(prepared=True, key=99)


@pytest.mark.parametrize(
    ("ages", "well"),
    [
        ({"key": 99, "files": 1, "database": 25}, True),
        ({"key": 99, "files": 3, "database": 25}, False),
        ({"key": 99, "files": 1, "database": 27}, False),
        ({"key": 99, "files": 1, "database": 1, "wrong": ["log"]}, False),
        ({"key": 1, "files": 99, "database": 99}, True),  # a new key gives time for the first
    ],
)
def test_since_there_is_one_the_keeper_is_healthy_while_backups_are_young_and_whole(kept, ages, well):
    assert kept(**ages) == well


def test_every_secret_is_a_file_and_none_stands_in_the_file_itself():
    assert all(set(each) <= {"name", "file"} and each["file"] for each in everything()["secrets"].values())
    for name, service in services().items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN|CONN|URL", variable) and value:
                harmless = str(value).startswith(("cat /run/secrets/", "/run/secrets/", "http://")) or value == "true"
                assert harmless or variable in {"AIRFLOW__SECRETS__BACKEND", "AIRFLOW__SECRETS__BACKEND_KWARGS"}, (
                    name,
                    variable,
                )


def test_the_secrets_that_are_made_are_the_secrets_that_are_read(tmp_path):
    made = subprocess.run(
        ["sh", ROOT / "docker/make-secrets.sh", tmp_path / "secrets"], capture_output=True, text=True, check=False
    )
    assert (made.returncode == 0) == (os.geteuid() == 0), made.stderr
    folder = tmp_path / "secrets"
    assert {path.name for path in folder.iterdir()} == set(everything()["secrets"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert all(len(path.read_text()) >= 40 for path in folder.iterdir())
    before = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run(["sh", ROOT / "docker/make-secrets.sh", folder], capture_output=True, check=False)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_the_example_of_settings_can_be_copied_as_it_is_and_has_what_is_read(tmp_path):
    """docs/compose.md begins with that; Compose reads every line that is no comment."""
    example = (ROOT / ".env.example").read_text()
    whole = (ROOT / "docker-compose.yml").read_text()
    (tmp_path / "docker-compose.yml").write_text(whole)
    (tmp_path / ".env").write_text(example)
    done = subprocess.run([COMPOSE, "config", "-q"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    read = set(re.findall(r"\$\{([A-Z_]+)", whole))
    named = set(re.findall(r"^# ([A-Z_]+)=", example, flags=re.MULTILINE))
    assert {name for name in read - named if not name.startswith("DEMO_")} == set()
    assert {name for name in named - read if not name.startswith("FAMILY_EXCHANGE__")} == set()


def test_ports_are_open_to_this_machine_only():
    published = {name: service["ports"] for name, service in services().items() if service.get("ports")}
    assert published.keys() == {"api-server", "drop-zone", "alertmanager", "grafana"}
    assert {port["host_ip"] for ports in published.values() for port in ports} == {"127.0.0.1"}


@every_service
def test_images_have_a_version_and_are_never_the_newest_whatever_it_is(name):
    image = everything()["services"][name]["image"]
    assert ":" in image
    assert not image.endswith(":latest")


@pytest.mark.parametrize("database", ["councils-db"])
def test_nothing_that_somebody_typed_gets_into_the_log_of_the_councils_server(database):
    command = services()[database]["command"]
    assert {
        "log_statement=none",
        "log_error_verbosity=terse",
        "log_min_error_statement=panic",
        "log_parameter_max_length=0",
        "log_parameter_max_length_on_error=0",
    } <= set(command)


def test_each_worker_has_an_agent_of_its_own_for_the_shared_key_ring():
    for name in ("worker", "set-up", "desk"):
        assert any(each.startswith("/run/user/50000:") for each in services()[name]["tmpfs"]), name


@pytest.mark.parametrize("name", sorted(WATCHING))
def test_whoever_watches_has_nothing_but_what_the_exchange_tells_of_itself(name):
    assert networks(name) <= ({"airflow"} if name == "airflow-beats" else {"monitoring", "monitoring-front"})
    assert everything()["networks"]["monitoring"]["internal"]
    assert set(mounted(name)) <= {"metrics", name} | {
        source for source in mounted(name) if source.startswith(str(ROOT / "deploy"))
    }
    assert all(each["read_only"] for source, each in mounted(name).items() if source.startswith("/"))
    assert secrets(name) <= {"grafana_admin_password", "grafana_secret_key", "alert_mail_password"}


def test_what_the_watch_measured_goes_by_one_folder_that_its_reader_cannot_write():
    folder = services()["worker"]["environment"]["AIRFLOW__FAMILY_EXCHANGE__METRICS_FOLDER"]
    assert {name for name in services() if "metrics" in mounted(name)} == {
        "worker",
        "desk",
        "airflow-beats",
        "node-exporter",
    }
    assert {mounted(name)["metrics"]["target"] for name in services() if "metrics" in mounted(name)} == {folder}
    assert mounted("node-exporter")["metrics"]["read_only"]
    collectors = [word for word in services()["node-exporter"]["command"] if word.startswith("--collector")]
    assert collectors == [
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
    ]
    assert not any("admin-api" in word or "lifecycle" in word for word in services()["prometheus"]["command"])


def test_nobody_looks_at_the_dashboard_without_a_log_in_and_nothing_is_told_to_its_makers():
    said = services()["grafana"]["environment"]
    assert said["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin_password"
    for closed in ("AUTH_ANONYMOUS_ENABLED", "USERS_ALLOW_SIGN_UP", "SNAPSHOTS_EXTERNAL_ENABLED"):
        assert said[f"GF_{closed}"] == "false"
    for told in ("REPORTING_ENABLED", "CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES"):
        assert said[f"GF_ANALYTICS_{told}"] == "false"


def test_a_broken_compose_file_would_be_noticed(tmp_path):
    bad = (ROOT / "docker-compose.yml").read_text().replace("networks: [airflow, drop-zone]", "networks: [nowhere]")
    (tmp_path / "docker-compose.yml").write_text(bad)
    done = subprocess.run([COMPOSE, "config", "-q"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "nowhere" in done.stderr


def test_the_dockerfile_has_no_way_around_the_network_and_pins_by_hash():
    said = (ROOT / "Dockerfile").read_text()
    assert not said.startswith("# syntax")
    assert [word for word in SHELLS if word in said] == []
    assert "--require-hashes" in said
    assert said.index("USER 50000:0") > said.index("AS runtime")
    pinned = (ROOT / "requirements.txt").read_text()
    named = re.findall(r"^[a-z0-9][^\s;]*==", pinned, flags=re.MULTILINE)
    assert len(named) > 100
    assert pinned.count("--hash=sha256:") >= len(named)


def test_the_image_leaves_out_what_is_not_asked_for():
    assert (ROOT / ".dockerignore").read_text().splitlines()[0] == "*"


def test_the_drop_zone_takes_keys_only_and_lets_nobody_link_or_overwrite():
    said = (ROOT / "docker/drop-zone/sshd_config").read_text()
    assert "PasswordAuthentication no" in said
    assert "AuthenticationMethods publickey" in said
    assert "ChrootDirectory %h" in said
    forced = re.findall(r"ForceCommand internal-sftp -l INFO .* -P (\S+)", said)
    assert len(forced) == 2
    for denied in forced:
        assert {"symlink", "hardlink", "posix-rename", "setstat", "fsetstat", "lsetstat", "mkdir"} <= set(
            denied.split(",")
        )
