"""Outside systems, one package each; this table is all that knows them."""

from collections.abc import Mapping
from types import MappingProxyType

from bridge.platforms.contract import Offer
from bridge.platforms.redo import OFFER as REDO
from bridge.platforms.warehouse import OFFER as WAREHOUSE

#: By the `platform` of an account; a new platform is a new line here.
PLATFORMS: Mapping[str, Offer] = MappingProxyType(
    {"redo": REDO, "warehouse": WAREHOUSE}
)
