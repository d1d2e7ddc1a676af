"""How a service is put together of its ports."""

from __future__ import annotations

from sms_transfer.adapters.blocking import AwaitableMessaging, AwaitableStore, at_once
from sms_transfer.adapters.in_process import InProcessMessaging, SystemClock
from sms_transfer.adapters.memory import MemoryStore
from sms_transfer.adapters.teams import TeamsByDirectory
from sms_transfer.arguments import check_ports, expect
from sms_transfer.core.policy import TransferPolicy
from sms_transfer.drive import Driver
from sms_transfer.flow import Flow
from sms_transfer.ports import (
    AsyncContactGateway,
    AsyncDirectory,
    AsyncMessaging,
    AsyncRingsOnCommit,
    AsyncTeams,
    AsyncTransferStore,
    Clock,
    IdFactory,
    Observer,
    Router,
)
from sms_transfer.routing import LongestIdle


def wire(
    store: AsyncTransferStore | None,
    *,
    directory: AsyncDirectory | None,
    messaging: AsyncMessaging | None,
    gateway: AsyncContactGateway | None,
    policy: TransferPolicy | None,
    clock: Clock | None,
    router: Router | None,
    ids: IdFactory,
    driver: Driver,
    observer: Observer | None,
) -> Flow:
    """A flow over these ports, and over the defaults where there is none: all in memory, in this process."""
    check_ports(clock=(Clock, clock), router=(Router, router), ids=(IdFactory, ids), observer=(Observer, observer))
    store = AwaitableStore(MemoryStore(), at_once) if store is None else store
    rung_by_store = messaging is None and isinstance(store, AsyncRingsOnCommit)
    return Flow(
        store,
        directory=None if directory is store else directory,
        teams=_teams_of(store, directory),
        router=LongestIdle() if router is None else router,
        new_ticket=lambda: ids.new("invitation"),
        messaging=_doorbell_of(store) if messaging is None else messaging,
        rung_by_store=rung_by_store,
        gateway=gateway,
        policy=TransferPolicy() if policy is None else expect(TransferPolicy, "policy", policy),
        clock=SystemClock() if clock is None else clock,
        driver=driver,
        observer=observer,
    )


def _teams_of(store: AsyncTransferStore, directory: AsyncDirectory | None) -> AsyncTeams:
    if directory is None:
        return store
    return directory if isinstance(directory, AsyncTeams) else TeamsByDirectory(store, directory)


def _doorbell_of(store: AsyncTransferStore) -> AsyncMessaging:
    if isinstance(store, AsyncRingsOnCommit):
        return store.doorbell
    return AwaitableMessaging(InProcessMessaging(), at_once)
