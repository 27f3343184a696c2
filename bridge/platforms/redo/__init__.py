"""Redo (API v2.2): what it offers to the bridge."""

from bridge.platforms.contract import Offer
from bridge.platforms.fetching import FetchTargetOptions
from bridge.platforms.redo.options import RedoAccount, RedoTargetOptions

OFFER = Offer(
    account=RedoAccount,
    targets={"redo": RedoTargetOptions, "fetch": FetchTargetOptions},
)
