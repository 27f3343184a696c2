"""All configuration: one YAML file, overridden by the environment; read here only.

`BRIDGE_KAFKA__BOOTSTRAP=host:9092` overrides `kafka.bootstrap` (`-` in a name is
written `_`); the value is read as YAML. Durations are written `200ms`, `5s`, `10min`,
`8h`, `14d`. Secrets are references, `{env: NAME}` or `{file: PATH}`. Whatever does not
fit is collected and refused at once, with file, key and remedy.
"""

from bridge.settings.accounts import account_warnings
from bridge.settings.loading import build, load
from bridge.settings.model import (
    DeliverOptions,
    NormalizeOptions,
    PrivacyOptions,
    Settings,
    TargetSettings,
    TopicOptions,
)
from bridge.settings.showing import dump, show, tree_of

__all__ = [
    "DeliverOptions",
    "NormalizeOptions",
    "PrivacyOptions",
    "Settings",
    "TargetSettings",
    "TopicOptions",
    "account_warnings",
    "build",
    "dump",
    "load",
    "show",
    "tree_of",
]
