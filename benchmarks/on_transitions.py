"""The lifecycle as a program hosts it on `transitions`: mutable models, bound to machines that all of them share."""

from __future__ import annotations

from collections.abc import Callable

from transitions import Machine

from sms_transfer import INTERACTION, TRANSFER, InteractionState, Lifecycle, TransferState


class _Request:
    """A request's model; the machine sets the triggers on it."""

    state: str
    invite: Callable[[], bool]
    accept: Callable[[], bool]


class _Interaction:
    """An interaction's model."""

    state: str
    begin_transfer: Callable[[], bool]
    hand_over: Callable[[], bool]


class TransitionsRules:
    """A fresh pair of models for each transfer, taken off their machines when it is over."""

    def __init__(self) -> None:
        self._requests = _machine(TRANSFER)
        self._interactions = _machine(INTERACTION)
        self._request = _Request()
        self._interaction = _Interaction()

    def begin(self) -> tuple[str, str]:
        """A request is made."""
        self._request, self._interaction = _Request(), _Interaction()
        self._requests.add_model(self._request)
        self._interactions.add_model(self._interaction)
        self._request.invite()
        self._interaction.begin_transfer()
        return self._request.state, self._interaction.state

    def accept(self) -> tuple[str, str]:
        """It is accepted."""
        self._request.accept()
        self._interaction.hand_over()
        self._requests.remove_model(self._request)
        self._interactions.remove_model(self._interaction)
        return self._request.state, self._interaction.state


def _machine(lifecycle: Lifecycle[TransferState] | Lifecycle[InteractionState]) -> Machine:
    return Machine(
        model=None,
        states=list(lifecycle.states),
        transitions=[[arc.trigger, str(arc.source), str(arc.dest)] for arc in lifecycle.arcs],
        initial=str(lifecycle.initial),
        auto_transitions=False,
    )
