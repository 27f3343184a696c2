"""ReturnGO: what it offers to the bridge."""

from bridge.platforms.contract import Offer
from bridge.platforms.fetching import FetchTargetOptions
from bridge.platforms.returngo.options import ReturnGoAccount, ReturnGoTargetOptions

OFFER = Offer(
    account=ReturnGoAccount,
    targets={"returngo": ReturnGoTargetOptions, "fetch": FetchTargetOptions},
)
