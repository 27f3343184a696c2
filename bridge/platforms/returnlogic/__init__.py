"""ReturnLogic (API V1): what it offers to the bridge."""

from bridge.platforms.contract import Offer
from bridge.platforms.returnlogic.look import ReturnLogicFetchOptions
from bridge.platforms.returnlogic.options import (
    ReturnLogicAccount,
    ReturnLogicTargetOptions,
)

OFFER = Offer(
    account=ReturnLogicAccount,
    targets={
        "returnlogic": ReturnLogicTargetOptions,
        "fetch": ReturnLogicFetchOptions,
    },
)
