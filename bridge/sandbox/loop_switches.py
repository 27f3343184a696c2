"""How a simulated Loop shop is set up: what its merchant chose, what nobody knows."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class LoopSwitches:
    """How the shop is set up, and what of Loop's behaviour nobody knows.

    `processing` lies between a call to process, or to make a label, and its end. With
    `pays_at_first_scan` Loop processes by itself when a carrier scans the label, with
    `processes_flagged` also what is under review. `labels_move_updated_at`: whether
    label news moves a return's update time. The next three: which commands come by
    webhook; `label_request_uuids`: the form of a label request's id.
    """

    processing: timedelta = timedelta(milliseconds=50)
    pays_at_first_scan: bool = False
    processes_flagged: bool = False
    labels_move_updated_at: bool = False
    restocks_by_webhook: bool = False
    credit_by_webhook: bool = False
    label_requests: bool = False
    label_request_uuids: bool = False
