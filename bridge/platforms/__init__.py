"""Outside systems, one package each; this table is all that knows them."""

from collections.abc import Mapping
from types import MappingProxyType

from bridge.platforms.contract import Offer
from bridge.platforms.loop import OFFER as LOOP
from bridge.platforms.redo import OFFER as REDO
from bridge.platforms.returngo import OFFER as RETURNGO
from bridge.platforms.returnlogic import OFFER as RETURNLOGIC
from bridge.platforms.warehouse import OFFER as WAREHOUSE

#: By the `platform` of an account; a new platform is a new line here.
PLATFORMS: Mapping[str, Offer] = MappingProxyType(
    {
        "loop": LOOP,
        "redo": REDO,
        "returngo": RETURNGO,
        "returnlogic": RETURNLOGIC,
        "warehouse": WAREHOUSE,
    }
)
