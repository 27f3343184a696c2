"""Loop Returns (API 2026-10), and servers that speak its language: what it offers."""

from bridge.platforms.contract import Offer
from bridge.platforms.fetching import FetchTargetOptions
from bridge.platforms.loop.options import LoopAccount, LoopTargetOptions

OFFER = Offer(
    account=LoopAccount,
    targets={"loop": LoopTargetOptions, "fetch": FetchTargetOptions},
)
