"""The console: everything that one viewer may ask, gathered for a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from lib.access.viewer import Viewer
from lib.queries.administration import AdministrationQueries
from lib.queries.annotations import AnnotationQueries
from lib.queries.exclusions import ExclusionQueries
from lib.queries.exports import ExportQueries
from lib.queries.feedback import FeedbackQueries
from lib.queries.feedback_logs import FeedbackLogQueries
from lib.queries.findings import FindingQueries
from lib.queries.keeping import RetentionQueries
from lib.queries.log_reading import LogReading
from lib.queries.operations import OperationQueries
from lib.queries.own_account import OwnAccount
from lib.queries.own_tokens import OwnTokens
from lib.queries.programs import ProgramQueries
from lib.queries.proving import Proving
from lib.queries.reconciling import Reconciling
from lib.queries.recounts import RecountQueries
from lib.queries.server_health import ServerHealth
from lib.queries.server_logs import ServerLogQueries
from lib.queries.sign_ins import SignInQueries
from lib.queries.status import StatusQueries
from lib.queries.usage import UsageQueries
from lib.queries.visits import VisitQueries
from lib.settings import Settings
from lib.store import Store
from lib.words import say


@dataclass(frozen=True)
class Console:
    """What `open_page` gives to a page, and what a notebook can build for a viewer of its own.

    `viewer` is who opened the page. With `entry`, each question to a room (`usage`, `own`, ...) is asked by the viewer
    as they are at that moment, so that a fragment, dialog or download of an old run ends with its session: it raises
    NotSignedIn or NotPermitted then.
    """

    viewer: Viewer
    store: Store
    settings: Settings
    entry: Callable[[], Viewer] | None = None

    def say(self, key: str, /, **facts: object) -> str:
        """The words of a key in the viewer's language."""
        return say(key, self.viewer.language, **facts)

    @property
    def zone(self) -> ZoneInfo:
        """The viewer's time zone."""
        return ZoneInfo(self.viewer.zone)

    @property
    def usage(self) -> UsageQueries:
        """Figures of usage."""
        return UsageQueries(self.viewer, self.store, self.settings.lake).renewed_by(self.entry)

    @property
    def programs(self) -> ProgramQueries:
        """Mini programs and the applications that they are linked to."""
        return ProgramQueries(self.viewer, self.store).renewed_by(self.entry)

    @property
    def visits(self) -> VisitQueries:
        """Visits: of Daybook itself, sent in, and of imported access logs."""
        return VisitQueries(self.viewer, self.store, self.settings.lake).renewed_by(self.entry)

    @property
    def sign_ins(self) -> SignInQueries:
        """Attempts to sign in."""
        return SignInQueries(self.viewer, self.store).renewed_by(self.entry)

    @property
    def feedback(self) -> FeedbackQueries:
        """What users of mini programs told."""
        return FeedbackQueries(self.viewer, self.store, self.settings).renewed_by(self.entry)

    @property
    def feedback_logs(self) -> FeedbackLogQueries:
        """The logs that clients uploaded."""
        return FeedbackLogQueries(self.viewer, self.store, self.settings).renewed_by(self.entry)

    @property
    def findings(self) -> FindingQueries:
        """What the rules that watch the operation log found, and their thresholds."""
        return FindingQueries(self.viewer, self.store).renewed_by(self.entry)

    @property
    def status(self) -> StatusQueries:
        """How fresh the figures are, the runs of jobs, the bucket ledger."""
        return StatusQueries(self.viewer, self.store, self.settings.lake).renewed_by(self.entry)

    @property
    def server_logs(self) -> ServerLogQueries:
        """Log files of servers, and the rules by which they are kept."""
        return ServerLogQueries(self.viewer, self.store, self.settings.log_dir).renewed_by(self.entry)

    @property
    def server_health(self) -> ServerHealth:
        """How the system is now."""
        return ServerHealth(self.viewer, self.store, self.settings).renewed_by(self.entry)

    @property
    def administration(self) -> AdministrationQueries:
        """What the viewer administers."""
        return AdministrationQueries(self.viewer, self.store).renewed_by(self.entry)

    @property
    def exclusions(self) -> ExclusionQueries:
        """The rules that take events out of the figures."""
        return ExclusionQueries(self.viewer, self.store, self.settings.lake).renewed_by(self.entry)

    @property
    def keeping(self) -> RetentionQueries:
        """How long raw rows are kept."""
        return RetentionQueries(self.viewer, self.store, self.settings.lake).renewed_by(self.entry)

    @property
    def log_reading(self) -> LogReading:
        """That the operation log was read, and by which organizations it can be."""
        return LogReading(self.viewer, self.store).renewed_by(self.entry)

    @property
    def operations(self) -> OperationQueries:
        """The operation log."""
        return OperationQueries(self.viewer, self.store, self.settings.lake).renewed_by(self.entry)

    @property
    def reconciling(self) -> Reconciling:
        """What came in, what became of it, and a recount."""
        return Reconciling(self.viewer, self.store, self.settings.lake).renewed_by(self.entry)

    @property
    def proving(self) -> Proving:
        """The proof of the operation log, how long it is kept, legal holds."""
        return Proving(self.viewer, self.store, self.settings).renewed_by(self.entry)

    @property
    def recounts(self) -> RecountQueries:
        """Which points of a trend changed after they were published."""
        return RecountQueries(self.viewer, self.store).renewed_by(self.entry)

    @property
    def annotations(self) -> AnnotationQueries:
        """Notes on dates."""
        return AnnotationQueries(self.viewer, self.store).renewed_by(self.entry)

    @property
    def exports(self) -> ExportQueries:
        """The record of what the viewer takes away."""
        return ExportQueries(self.viewer, self.store).renewed_by(self.entry)

    @property
    def own_tokens(self) -> OwnTokens:
        """The API tokens of the viewer's own account."""
        return OwnTokens(self.viewer, self.store).renewed_by(self.entry)

    @property
    def own(self) -> OwnAccount:
        """The viewer's own account: language, time zone, password, the tenants to choose from."""
        return OwnAccount(self.viewer, self.store).renewed_by(self.entry)
