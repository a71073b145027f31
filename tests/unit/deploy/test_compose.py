"""The containers are wired as the code expects: addresses, ports, the broker's settings, what is confined."""

import os
import re
import subprocess
from pathlib import Path

import yaml

from deploy.compose import keys
from deploy.local.guard import BROKER, CLIENTS, GUARD, logins
from deploy.local.kafka import SETTINGS
from deploy.local.replica_set import REPLICA_SET
from deploy.local.routes import OTHERS, PRIVATE, ROUTES
from tests.harness import stores
from tests.harness.deploy.compose import CADDYFILE, CONTAINERS, DOCKERFILE, ROOT, SERVICES, lineage, target

OURS = (*SERVICES, "keys", "init", "development", "demo")
PROMETHEUS = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())


def port(container: str) -> str:
    """The LINKWORK_PORT of its image."""
    settings = " ".join(line for stage in lineage(target(container)) for line in stage.arguments("ENV"))
    return str(re.findall(r"LINKWORK_PORT=(\d+)", settings)[0])


def test_the_two_proxies_have_the_same_table() -> None:
    table = {
        (path.removesuffix("/*").removesuffix("/"), name)
        for name, paths in re.findall(r"@(\w+) path (.+)", CADDYFILE)
        for path in paths.split()
        if name != "private"
    }
    # The referral service answers whatever is left, so its own addresses need no line there.
    assert table == {(prefix.removesuffix("/"), part) for prefix, part in ROUTES if part != OTHERS}


def test_what_is_for_those_who_run_it_is_not_passed_on() -> None:
    private = re.search(r"@private path (.+)", CADDYFILE)
    assert private is not None
    # The proxy says itself that it is ready.
    assert {*private[1].split(), "/readyz"} == set(PRIVATE)


def test_the_proxy_and_prometheus_find_every_service_at_its_port() -> None:
    asked = dict(re.findall(r"import service \{\$\w+_HOST:(\w+)\} \{\$\w+_PORT:(\d+)\}", CADDYFILE))
    assert asked == {name: port(name) for name in (*SERVICES, "development")}
    (scraped,) = PROMETHEUS["scrape_configs"][0]["dns_sd_configs"]
    assert set(scraped["names"]) == set(SERVICES)
    assert {str(scraped["port"])} == {port(name) for name in SERVICES}


def test_our_containers_have_no_rights_and_replicas_no_port() -> None:
    for name in OURS:
        container = CONTAINERS[name]
        assert container["cap_drop"] == ["ALL"]
        assert container["read_only"] is True
        assert container["security_opt"] == ["no-new-privileges:true"]
        assert any(stage.arguments("USER") == ["linkwork"] for stage in lineage(target(name)))
        assert "ports" not in container, f"{name} could not be scaled"
        assert "container_name" not in container
    assert "USER root" not in DOCKERFILE


def test_what_is_built_here_is_looked_for_in_no_registry() -> None:
    built = {container["image"] for container in CONTAINERS.values() if "build" in container}
    for name, container in CONTAINERS.items():
        assert (container["image"] in built) == (container.get("pull_policy") == "never"), name


def test_every_port_on_the_host_is_of_this_machine_only() -> None:
    for container in CONTAINERS.values():
        assert all(given.startswith("127.0.0.1:") for given in container.get("ports", ()))


def test_a_service_may_finish_what_it_has_in_hand() -> None:
    for name in SERVICES:
        assert int(CONTAINERS[name]["stop_grace_period"].removesuffix("s")) >= 20


def test_the_broker_is_set_as_the_one_of_a_single_machine() -> None:
    given = {
        key.removeprefix("KAFKA_").lower().replace("_", "."): value
        for key, value in CONTAINERS["kafka"]["environment"].items()
    }
    assert {key for key in given.keys() & SETTINGS.keys() if given[key] != SETTINGS[key]} == set()
    assert GUARD.keys() <= given.keys()
    assert {
        "auto.create.topics.enable",
        "offsets.retention.minutes",
        "group.min.session.timeout.ms",
    } <= given.keys()


def test_the_tests_use_the_same_stores() -> None:
    assert CONTAINERS["kafka"]["image"] == stores.KAFKA_IMAGE
    assert CONTAINERS["mongo"]["image"] == stores.MONGO_IMAGE
    assert REPLICA_SET in CONTAINERS["mongo"]["command"]


def test_the_broker_gets_its_user_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a_pass-word\n")
    script = ROOT / "deploy/compose/kafka.sh"
    started = subprocess.run(
        ["bash", str(script), "env"],
        env={"PATH": os.environ["PATH"], "BROKER_PASSWORD_FILE": str(tmp_path / "password")},
        check=True,
        capture_output=True,
        text=True,
    )
    given = dict(line.split("=", 1) for line in started.stdout.splitlines() if line.startswith("KAFKA_"))
    wanted = {
        f"KAFKA_{key.upper().replace('-', '___').replace('.', '_')}": value
        for key, value in logins([CLIENTS], "a_pass-word").items()
    }
    assert given == wanted
    assert CONTAINERS["kafka"]["entrypoint"] == ["/bin/bash", "/linkwork/kafka.sh"]
    assert "./deploy/compose/kafka.sh:/linkwork/kafka.sh:ro" in CONTAINERS["kafka"]["volumes"]


def test_passwords_are_made_once_and_each_in_its_own_volume(tmp_path: Path) -> None:
    keys.main(tmp_path)
    made = {file.relative_to(tmp_path): file.read_text() for file in tmp_path.glob("*/*")}
    keys.main(tmp_path)
    assert made == {file.relative_to(tmp_path): file.read_text() for file in tmp_path.glob("*/*")}
    assert {path.parts[0] for path in made} == {*keys.OWN, keys.OTHERS}
    for user, folder in (("operator", "operator"), ("meir.vast-hub", keys.OTHERS)):
        assert keys.passwords_in(tmp_path, [user])[user] == made[Path(folder, user)].strip()


def test_a_container_sees_no_password_but_its_own() -> None:
    for name, container in CONTAINERS.items():
        mounted = {
            str(volume).split(":")[0] for volume in container.get("volumes", ()) if "key-" in str(volume)
        }
        allowed = {
            "keys": {f"key-{user}" for user in (*keys.OWN, keys.OTHERS)},
            "init": {f"key-{user}" for user in (*keys.OWN, keys.OTHERS)},
            "kafka": {f"key-{BROKER}"},
            "referral": {"key-referral", "key-admission"},
            "development": set(),
            "proxy": set(),
            "prometheus": set(),
            "mongo": set(),
        }.get(name, {f"key-{name}"})
        assert mounted == allowed, name
        file = container.get("environment", {}).get("LINKWORK_KAFKA_PASSWORD_FILE", "")
        assert not file or f"key-{file.split('/')[2]}" in mounted
