"""Texts on their way to contacts."""

from __future__ import annotations

from sms_transfer.core.model import Contact
from sms_transfer.log import log_failure
from sms_transfer.ports import ContactGateway, TransferStore
from sms_transfer.serial import OneAtATime


class Outbox:
    """Hands recorded texts to the gateway until it says yes: at least once, in order for each interaction (F6).

    A text is recorded before it leaves, under the epoch check, so nothing is sent that the transcript does not show and
    nothing a former owner writes is sent at all (F1).
    """

    def __init__(self, store: TransferStore, gateway: ContactGateway | None) -> None:
        self._store = store
        self._gateway = gateway
        self._turns = OneAtATime()

    def send(self, interaction_id: str, contact: Contact) -> int:
        """Send what waits in one interaction, and stop at the first text that the gateway does not take.

        Returns:
            How many it took. 0 too if another thread is at it: that one will send the rest.
        """
        sent = 0

        def drain() -> None:
            nonlocal sent
            while self._send_next(interaction_id, contact):
                sent += 1

        self._turns.run(interaction_id, drain)
        return sent

    def _send_next(self, interaction_id: str, contact: Contact) -> bool:
        try:
            message = self._store.next_unsent(interaction_id)
            if message is None:
                return False
            if self._gateway is not None:
                self._gateway.send(message, contact)
            self._store.mark_sent(message.id)
        except Exception as error:  # noqa: BLE001 - whatever a gateway or a store raises, the text is recorded and waits
            log_failure("could not send a text of interaction", interaction_id, error)
            return False
        return True
