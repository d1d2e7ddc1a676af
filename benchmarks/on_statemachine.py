"""The lifecycle as a program hosts it on python-statemachine: a class for each machine, an instance for each thing."""

from __future__ import annotations

from statemachine import State, StateMachine


class _Request(StateMachine):
    """A transfer request."""

    start = State(value="start", initial=True)
    routing = State(value="routing")
    invited = State(value="invited")
    accepted = State(value="accepted", final=True)
    rejected = State(value="rejected", final=True)
    expired = State(value="expired", final=True)
    cancelled = State(value="cancelled", final=True)
    failed = State(value="failed", final=True)

    invite = start.to(invited) | routing.to(invited)
    route = start.to(routing) | invited.to(routing)
    accept = invited.to(accepted)
    reject = invited.to(rejected)
    expire = invited.to(expired) | routing.to(expired)
    cancel = invited.to(cancelled) | routing.to(cancelled)
    fail = invited.to(failed) | routing.to(failed)


class _Interaction(StateMachine):
    """An interaction."""

    active = State(value="active", initial=True)
    transferring = State(value="transferring")
    queued = State(value="queued")
    done = State(value="done", final=True)

    begin_transfer = active.to(transferring)
    hand_over = transferring.to(active) | queued.to(active)
    keep = transferring.to(active)
    place = transferring.to(queued)
    mark_done = active.to(done) | transferring.to(done) | queued.to(done)


class StateMachineRules:
    """A fresh pair of machines for each transfer."""

    def __init__(self) -> None:
        self._request = _Request()
        self._interaction = _Interaction()

    def begin(self) -> tuple[str, str]:
        """A request is made."""
        self._request, self._interaction = _Request(), _Interaction()
        self._request.invite()
        self._interaction.begin_transfer()
        return str(self._request.current_state_value), str(self._interaction.current_state_value)

    def accept(self) -> tuple[str, str]:
        """It is accepted."""
        self._request.accept()
        self._interaction.hand_over()
        return str(self._request.current_state_value), str(self._interaction.current_state_value)
