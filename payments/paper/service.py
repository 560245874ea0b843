"""Printing: a class at once, a school class by class with progress, the poster; and the print jobs of the desk.

Printing reads money and writes none. It gives every pupil a link that has none (the small QR carries it), and the log
says who printed how much of what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.audit.service import record
from payments.crypto import FieldCipher
from payments.errors import DomainError, NotFoundError
from payments.paper import queries
from payments.paper.document import Paper, Surroundings, set_poster, set_slips
from payments.paper.models import PrintJob, PrintState
from payments.paper.queries import Room, Round
from payments.paper.rules import Kind, batches, slips
from payments.portal.service import ensure_links, good_until, links_of
from payments.schools.models import School

QUEUE = "paper"
PLACE = "print_job.file"
KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Links:
    """What parents' addresses are made of."""

    keys: Mapping[int, bytes]
    base_url: str


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be printed: slips or sheets of these classes of a round, or of one pupil."""

    kind: Kind
    round: Round
    rooms: tuple[Room, ...]
    pupil_id: int | None = None

    @property
    def slips(self) -> int:
        """How many."""
        return sum(room.slips for room in self.rooms)


@dataclass(frozen=True, slots=True)
class Part:
    """Some pages and how many slips they hold."""

    pdf: bytes
    slips: int


def order(
    session: Session,
    school_id: int,
    round_id: int,
    kind: Kind,
    *,
    class_id: int | None = None,
    pupil_id: int | None = None,
) -> Order:
    """What a school, a class or a pupil needs of a round that is out.

    Raises NotFoundError, DomainError ``round_not_out`` and ``nothing_to_print`` where nobody owes anything.
    """
    found = queries.round_(session, school_id, round_id)
    rooms = queries.rooms(session, school_id, round_id, pupil_id)
    wanted = tuple(room for room in rooms if class_id is None or room.id == class_id)
    if not wanted:
        raise DomainError(
            "nothing_to_print",
            "Không có gì để in: không còn khoản bắt buộc nào chưa nộp trong phạm vi đã chọn.",
            "There is nothing to print: no mandatory amount is open in what you chose.",
        )
    return Order(kind, found, wanted, pupil_id)


def print_parts(session: Session, links: Links, wanted: Order) -> Iterator[Part]:
    """The pages class by class, in class order; what is paid meanwhile is left out. Makes links that are missing."""
    school_id = wanted.round.school_id
    if wanted.kind is Kind.SLIPS:
        ensure_links(session, links.keys, school_id, good_until(session, school_id))
    channels = queries.channels(session, school_id)
    for room in wanted.rooms:
        rows = queries.invoices(session, school_id, wanted.round.id, room.id, wanted.pupil_id)
        for batch in batches(slips(rows)):
            tokens = links_of(session, links.keys, school_id, {slip.invoice.pupil_id for slip in batch})
            addresses = {pupil_id: f"{links.base_url}/p/{token}" for pupil_id, token in tokens.items()}
            around = Surroundings(wanted.round, channels, addresses)
            yield Part(set_slips(wanted.kind, around, room.name, batch), len(batch))


def poster(session: Session, school_id: int, base_url: str, paper: Paper) -> bytes:
    """The poster of the school's accounts. Raises DomainError ``no_account`` where none takes money."""
    school = session.get_one(School, school_id)
    accounts = queries.accounts(session, school_id, clock.now())
    if not accounts:
        raise DomainError(
            "no_account",
            "Trường chưa có tài khoản nhận nào đang dùng; xem mục Tài khoản nhận.",
            "The school has no receiving account in use; see Accounts.",
        )
    return set_poster(school.name, accounts, f"{base_url}/s/{school.code}", paper)


def note_printing(session: Session, wanted: Order, actor_id: int | None) -> None:
    """Write into the log who prints how much of what."""
    record(
        session,
        actor_id,
        "paper.printed",
        subject_kind="pupil" if wanted.pupil_id else "collection_round",
        subject_id=wanted.pupil_id or wanted.round.id,
        school_id=wanted.round.school_id,
        detail={
            "kind": wanted.kind.value,
            "round_id": wanted.round.id,
            "class_ids": [room.id for room in wanted.rooms],
            "slips": wanted.slips,
        },
    )


def request_print(session: Session, wanted: Order, actor_id: int) -> int:
    """Leave the printing of a school to a worker; returns the job. A job that waits already is taken instead."""
    school_id = wanted.round.school_id
    waiting = session.scalar(
        select(PrintJob.id).where(
            PrintJob.school_id == school_id,
            PrintJob.round_id == wanted.round.id,
            PrintJob.kind == wanted.kind,
            PrintJob.requested_by == actor_id,
            PrintJob.state.in_([PrintState.WAITING, PrintState.PRINTING]),
        )
    )
    if waiting is not None:
        return waiting
    job = PrintJob(
        school_id=school_id,
        round_id=wanted.round.id,
        kind=wanted.kind,
        requested_by=actor_id,
        requested_at=clock.now(),
        state=PrintState.WAITING,
        slips_total=wanted.slips,
        slips_done=0,
        pages=0,
    )
    session.add(job)
    session.flush()
    note_printing(session, wanted, actor_id)
    outbox.put(session, QUEUE, "print", school_id=school_id, subject_id=job.id)
    return job.id


def jobs(session: Session, school_id: int) -> list[PrintJob]:
    """The print jobs of the last day, newest first."""
    statement = select(PrintJob).where(PrintJob.school_id == school_id, PrintJob.requested_at >= clock.now() - KEPT_FOR)
    return list(session.scalars(statement.order_by(PrintJob.requested_at.desc(), PrintJob.id.desc())))


def open_file(session: Session, cipher: FieldCipher, school_id: int, job_id: int) -> tuple[PrintJob, bytes]:
    """A finished print and its PDF. Raises NotFoundError when there is none, or no longer."""
    job = session.get(PrintJob, (school_id, job_id))
    if job is None or job.file_sealed is None or job.requested_at < clock.now() - KEPT_FOR:
        raise NotFoundError(
            "Bản in không còn (chưa xong, hoặc quá 24 giờ). Hãy in lại: mã và đường dẫn vẫn như cũ.",
            "The print is not there (not ready, or a day old). Print again: codes and links stay the same.",
        )
    return job, cipher.open(job.file_sealed, PLACE)


def forget_old(session: Session) -> int:
    """Forget the prints that are older than a day; returns how many."""
    old = delete(PrintJob).where(PrintJob.requested_at < clock.now() - KEPT_FOR).returning(PrintJob.id)
    return len(session.execute(old).all())
