"""What people do at ReturnLogic, and what can be seen there, at the back door."""

from collections.abc import Mapping

from pydantic import JsonValue

from bridge.sandbox.control import Deed
from bridge.sandbox.front import Json
from bridge.sandbox.returnlogic_api import Grants, ReturnLogicApi
from bridge.sandbox.returnlogic_team import ReturnLogicTeam, TeamRma


class Deeds:
    """What can be done in one team.

    | deed | body |
    |---|---|
    | `create` | `outcome` (`refund`, `exchange`, `giftCard`), `manual` |
    | `happen` | `rlRmaId`, `action`: a fact, also one that nobody knows |
    | `command` | `rlRmaId`, `action`; answers with its `correlationId` |
    | `repeat` | `rlRmaId`, `action`, `correlationId` or none |
    | `revoke` | ends every bearer |
    | `acknowledged` | tells how often each command was, and was turned away |
    """

    def __init__(
        self, team: ReturnLogicTeam, api: ReturnLogicApi, grants: Grants
    ) -> None:
        self._team = team
        self._api = api
        self._grants = grants

    def all(self) -> Mapping[str, Deed]:
        """Return them by name."""
        return {
            "create": self._create,
            "happen": self._happen,
            "command": self._command,
            "repeat": self._repeat,
            "revoke": self._revoke,
            "acknowledged": self._acknowledged,
        }

    def _rma(self, body: Json) -> TeamRma:
        return self._team.rmas[int(str(body["rlRmaId"]))]

    def _create(self, body: Json) -> JsonValue:
        outcome = str(body.get("outcome", "refund"))
        rma = self._team.create(outcome=outcome, manual=body.get("manual") is True)
        return {"rlRmaId": rma.id}

    def _happen(self, body: Json) -> JsonValue:
        self._team.happen(self._rma(body), str(body["action"]))
        return {}

    def _command(self, body: Json) -> JsonValue:
        action = str(body["action"])
        return {"correlationId": self._team.command(self._rma(body), action)}

    def _repeat(self, body: Json) -> JsonValue:
        given = body.get("correlationId")
        id_ = None if given is None else str(given)
        self._team.repeat(self._rma(body), str(body["action"]), id_)
        return {}

    def _revoke(self, _: Json) -> JsonValue:
        self._grants.revoke()
        return {}

    def _acknowledged(self, _: Json) -> JsonValue:
        counts = {"taken": self._api.acknowledged, "turnedAway": self._api.turned_away}
        return {
            name: [
                {"correlationId": id_, "result": result, "times": times}
                for (id_, result), times in counted.items()
            ]
            for name, counted in counts.items()
        }
