"""Reading the CloudEvents that the simulated warehouse gets (wms.md, section 6.2)."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError, model_validator
from starlette.requests import Request

from bridge.sandbox.warehouse_documents import Announced


class Envelope(BaseModel):
    """A CloudEvent, as far as this warehouse reads it."""

    subject: str = ""
    type: str | None = None
    data: Announced

    @model_validator(mode="after")
    def _is_what_it_says(self) -> "Envelope":
        due = f"returns.inbound_return.{self.data.state}.v1"
        if self.type not in {None, due}:
            raise ValueError("the type is another state's")
        return self


_Body = TypeVar("_Body", bound=BaseModel)


def read_as(model: type[_Body], body: bytes) -> _Body | None:
    """Parse a body; None if it is not what it should be."""
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None


def unpacked(request: Request, body: bytes) -> Envelope | None:
    """Read binary mode: the attributes are headers, the body is the document.

    No signature covers the headers, so only a token proves such a request.
    """
    told = {name: request.headers.get(f"ce-{name}", "") for name in ("type", "subject")}
    announced = read_as(Announced, body)
    try:
        return Envelope.model_validate({**told, "data": announced})
    except ValidationError:
        return None
