"""The suites that prove an adapter: derive a class, say how yours is made, and let pytest find it (extra ``testing``).

::

    class TestMyStore(StoreConformance):
        capabilities = frozenset({Capability.DURABLE})

        @pytest.fixture
        def make_store(self, tmp_path: Path) -> Callable[[], TransferStore]:
            numbers = count()
            return lambda: MyStore(tmp_path / f"{next(numbers)}.db")

Every "must" of `sms_transfer.ports` has a test here. What an adapter can do beyond that it declares as a `Capability`:
what is not declared is skipped and said so, what is declared must hold. A test that your class overrides fails unless
you state the reason with `deviates`.
"""

from pkgutil import iter_modules

try:
    import hypothesis as _hypothesis
    import pytest
except ModuleNotFoundError as _error:  # pragma: no cover - shown by a test in a process without them
    raise ImportError("the suites need Hypothesis and pytest: pip install 'sms-transfer[testing]'") from _error

# Before any of them is imported, so that an assertion that fails in one of them explains itself.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))

from sms_transfer.testing.conformance._suite import Capability, deviates  # noqa: E402 - see above
from sms_transfer.testing.conformance.aio import AsyncStoreConformance  # noqa: E402
from sms_transfer.testing.conformance.directory import DirectoryConformance  # noqa: E402
from sms_transfer.testing.conformance.messaging import MessagingConformance  # noqa: E402
from sms_transfer.testing.conformance.store import StoreConformance  # noqa: E402
from sms_transfer.testing.conformance.ui import Shown, UserInterfaceConformance  # noqa: E402

__all__ = [
    "AsyncStoreConformance",
    "Capability",
    "DirectoryConformance",
    "MessagingConformance",
    "Shown",
    "StoreConformance",
    "UserInterfaceConformance",
    "deviates",
]

del _hypothesis
