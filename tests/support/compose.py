"""What stands in deploy/compose.yaml."""

import re
from pathlib import Path

import yaml
from pydantic import BaseModel, TypeAdapter

DEPLOY = Path(__file__).parents[2] / "deploy"


class Service(BaseModel):
    """What is looked at of a service of compose.yaml."""

    environment: dict[str, str] = {}
    command: list[str] = []
    ports: list[str] = []
    cap_drop: list[str]
    security_opt: list[str]
    read_only: bool = False
    privileged: bool = False

    def environ(self) -> dict[str, str]:
        """Return its environment where nobody has set anything outside."""
        return {
            name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
            for name, value in self.environment.items()
        }


def services() -> dict[str, Service]:
    """Return the services by name."""
    tree = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return TypeAdapter(dict[str, Service]).validate_python(tree["services"])
