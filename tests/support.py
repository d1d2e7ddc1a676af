"""What many tests begin with: a small centre with a clock that stands still and desktops that remember."""

from __future__ import annotations

from datetime import timedelta

from sms_transfer import (
    Agent,
    ChannelStatus,
    Connection,
    Contact,
    Interaction,
    InteractionState,
    Media,
    Message,
    Target,
    TransferPolicy,
    TransferRequest,
    TransferService,
    Workspace,
    WorkspaceSettings,
)
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.ports import Messaging, Observer, Router
from sms_transfer.testing import ManualClock, RecordingUI
from traces import note

ALICE, BOB, CAROL = Target.agent("alice"), Target.agent("bob"), Target.agent("carol")
CONTACT = Contact("+14155550123", name="Jane Roe")
TIMEOUT = TransferPolicy().invitation_timeout
MOMENT = timedelta(microseconds=1)


class FakeGateway:
    """A `ContactGateway` that remembers what it took, and can be made to refuse."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.error: Exception | None = None

    def send(self, message: Message, contact: Contact) -> None:
        if self.error is not None:
            raise self.error
        assert CONTACT == contact
        self.sent.append(message)


class Desk:
    """One agent's desktop: the workspace, its front end, and the connection between them and the service."""

    def __init__(self, service: TransferService, agent_id: str, settings: WorkspaceSettings | None = None) -> None:
        self.ui = RecordingUI()
        self.workspace = Workspace(agent_id, self.ui, settings)
        self.connection: Connection = service.connect(self.workspace)


class Centre:
    """Alice, Bob and Carol, all Ready, each with a desktop; Alice owns the SMS interaction ``"i"``."""

    def __init__(
        self,
        *,
        policy: TransferPolicy | None = None,
        media: Media = Media.SMS,
        messaging: Messaging | None = None,
        router: Router | None = None,
        settings: WorkspaceSettings | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.gateway = FakeGateway()
        self.store = MemoryStore()
        note(self.store, policy)
        self.service = TransferService(
            self.store,
            clock=self.clock,
            gateway=self.gateway,
            policy=policy,
            messaging=messaging,
            router=router,
            observer=observer,
        )
        self.desks: dict[str, Desk] = {}
        for agent_id in ("alice", "bob", "carol"):
            self.service.add_agent(Agent(agent_id, agent_id.title(), status=ChannelStatus.READY))
            self.desks[agent_id] = Desk(self.service, agent_id, settings)
        self.opened = self.service.open_interaction(
            Interaction("i", media=media, contact=CONTACT, owner="alice", case_data={"tier": "gold"})
        )

    @property
    def alice(self) -> Desk:
        return self.desks["alice"]

    @property
    def bob(self) -> Desk:
        return self.desks["bob"]

    @property
    def carol(self) -> Desk:
        return self.desks["carol"]

    def invite(self, target: Target = BOB, *, by: str = "alice", note: str = "") -> TransferRequest:
        """Request a transfer of ``"i"``."""
        return self.service.request_transfer("i", target, by=by, note=note)

    def ticket(self, request: TransferRequest) -> str:
        """The id of the request's invitation."""
        assert request.invitation is not None
        return request.invitation.id

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, and the service do what that brings."""
        self.clock.advance(span)
        self.service.tick()

    @property
    def owner(self) -> object:
        return self.service.interaction("i").owner

    @property
    def state(self) -> InteractionState:
        return self.service.interaction("i").state
