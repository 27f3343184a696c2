"""A secret in the settings: given by reference only, masked wherever it is shown."""

from typing import Annotated

from pydantic import BeforeValidator, SecretStr


def _only_by_reference(value: object) -> object:
    if isinstance(value, SecretStr):
        return value
    raise ValueError(
        "a secret is given by reference: write {env: NAME} or {file: PATH}"
    )


Secret = Annotated[SecretStr, BeforeValidator(_only_by_reference)]
"""`bridge/settings.py` turns `{env: NAME}` and `{file: PATH}` into a `SecretStr`;
literal text in the file is refused."""
