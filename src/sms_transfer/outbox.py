"""Texts on their way to contacts."""

from __future__ import annotations

import attrs

from sms_transfer.core.model import Contact
from sms_transfer.drive import Driver
from sms_transfer.log import log_failure
from sms_transfer.ports import AsyncContactGateway, AsyncTransferStore
from sms_transfer.serial import OneAtATime


class Outbox:
    """Hands recorded texts to the gateway until it says yes: at least once, in order for each interaction (F6).

    A text is recorded before it leaves, under the epoch check, so nothing is sent that the transcript does not show and
    nothing a former owner writes is sent at all (F1).
    """

    def __init__(self, store: AsyncTransferStore, gateway: AsyncContactGateway | None, driver: Driver) -> None:
        self._store = store
        self._gateway = gateway
        self._driver = driver
        self._turns = OneAtATime()

    async def send(self, interaction_id: str, contact: Contact) -> int:
        """Send what waits in one interaction, and stop at the first text that the gateway does not take.

        Returns:
            How many it took. 0 too if somebody else is at it: they will send the rest.
        """
        sending = _Sending(self, interaction_id, contact)
        await self._driver.in_turn(self._turns, interaction_id, sending)
        return len(sending.sent)

    async def send_next(self, interaction_id: str, contact: Contact) -> str | None:
        """Send the text whose turn it is; its id, or None if there is none or the gateway does not take it."""
        try:
            message = await self._store.next_unsent(interaction_id)
            if message is None:
                return None
            if self._gateway is not None:
                await self._gateway.send(message, contact)
            await self._store.mark_sent(message.id)
        except Exception as error:  # noqa: BLE001 - whatever a gateway or a store raises, the text is recorded and waits
            log_failure("message.unsent", error, interaction_id=interaction_id)
            return None
        return message.id


@attrs.frozen
class _Sending:
    """Sends what waits in one interaction; as good as any other that does."""

    outbox: Outbox = attrs.field(eq=False)
    interaction_id: str
    contact: Contact = attrs.field(eq=False)
    sent: list[str] = attrs.field(factory=list[str], eq=False)

    async def __call__(self) -> None:
        while (message_id := await self.outbox.send_next(self.interaction_id, self.contact)) is not None:
            self.sent.append(message_id)
