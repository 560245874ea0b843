"""Sign a period: everything is settled and reconciled once more, proved, signed and chained in one transaction.

Holds imports, nights and settlement of the school until the end, so that nothing can arrive in between: what comes
later is late, and lands on the next open day.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Role
from payments.access.queries import actor
from payments.audit.service import record
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError, ForbiddenError
from payments.schools.models import School as SchoolRow
from reconciliation.balances import DAY
from reconciliation.catching_up import catch_up, settle_all
from reconciliation.closing import canonical, certificates, chain, document, gathering
from reconciliation.closing.chain import NewLink
from reconciliation.closing.document import Person, School
from reconciliation.closing.models import CloseSignature, LinkKind, PeriodClose
from reconciliation.closing.rules import PROVED, Draft
from reconciliation.closing.words import hindrance_en, hindrance_vi
from reconciliation.locks import lock_school, lock_settlement
from reconciliation.models import BankStatement, StandingRun
from reconciliation.reports import content
from reconciliation.telling import tell_signed
from reconciliation.together import reconcile_day

CHECK_PATH = "/verify/closing"
MIN_NOTE = 5
SHOWN = 5
"""Hindrances that a refusal names."""

RESULT = text("""
    SELECT school_id, id, account_id, from_day, day, encode(inputs_hash, 'hex'), rules_version, state, matched,
        matched_vnd, not_due, proof, exceptions
    FROM reconcile_run WHERE id = :run_id
""")
RESULTS = text("""
    SELECT position, primary_class, flags, rule, amount_vnd, value_date, "references", bank_line_ids, transaction_ids,
        evidence_ids, ledger_row_ids, note
    FROM reconcile_item WHERE school_id = :school_id AND run_id = :run_id ORDER BY position, id
""")
BLOCKS = text("""
    SELECT number, size, days, rules, keys, amounts, bank_line_ids, transaction_ids, evidence_ids, ledger_row_ids
    FROM reconcile_block WHERE school_id = :school_id AND run_id = :run_id ORDER BY number
""")
KNOW = text("""
    INSERT INTO close_run (school_id, close_id, run_id)
    SELECT school_id, :close_id, run_id FROM standing_run WHERE school_id = :school_id AND day >= :first
    UNION
    SELECT held.school_id, :close_id, held.run_id FROM standing_run held
    JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND run.from_day <= :through AND run.day >= :first
""")


@dataclass(frozen=True, slots=True)
class Request:
    """What a person signs with: who, the note on what is open, the figures seen, and where papers can be checked."""

    actor_id: int
    note: str | None = None
    seen: str | None = None
    """``document.fingerprint`` of the draft that the person saw; None: they take it as it is."""
    base_url: str = ""


def close_period(session: Session, cipher: FieldCipher, school_id: int, through: date, request: Request) -> PeriodClose:
    """Sign the school's books up to and with a day.

    Raises DomainError ``not_over`` or ``not_proved`` (with what stands in the way), ``needs_note`` when something is
    open and nobody says so, ConflictError ``closed`` or ``figures_changed``, and ForbiddenError.
    """
    signer = person_of(session, school_id, request.actor_id, Role.ACCOUNTANT, Role.PRINCIPAL)
    prepare(session, school_id, through)
    draft = gathering.gather(session, school_id, through, settled=True)
    _require_proof(draft)
    if request.seen is not None and request.seen != document.fingerprint(draft):
        raise ConflictError(
            "figures_changed",
            "Số liệu vừa thay đổi so với bản bạn xem; hãy xem lại rồi ký.",
            "The figures have changed since you looked; look again, then sign.",
        )
    note = (request.note or "").strip()
    if draft.needs_note and len(note) < MIN_NOTE:
        raise _needs_note(draft)
    now = clock.now()
    _require_clock(session, school_id)
    added = chain.append(
        session,
        cipher,
        school_id,
        NewLink(
            kind=LinkKind.CLOSE,
            first=draft.first,
            through=through,
            signed_by=signer.id,
            signed_at=now,
            document=document.close(
                school_of(session, school_id),
                draft,
                signer,
                now,
                reports=_reports(session, draft),
                note=note or None,
                check_at=request.base_url + CHECK_PATH,
            ),
        ),
    )
    session.execute(KNOW, {"school_id": school_id, "close_id": added.id, "first": draft.first, "through": through})
    record(
        session,
        actor_id=signer.id,
        action="close_period",
        subject_kind="period_close",
        subject_id=added.id,
        school_id=school_id,
        detail={"through": through.isoformat(), "sequence": added.sequence, "sha256": added.sha256.hex()},
    )
    tell_signed(session, school_id, through)
    return added


def prepare(session: Session, school_id: int, through: date) -> None:
    """Make the figures of a period what is known now, before somebody looks at them to sign.

    Raises ConflictError ``closed`` and DomainError ``not_over``.
    """
    lock_school(session, school_id)
    lock_settlement(session, school_id)
    gathering.require_closable(session, school_id, through)
    refresh(session, school_id, through)


def refresh(session: Session, school_id: int, through: date) -> None:
    """Settle what waits and reconcile the open days once more, so that what is signed is what is known now.

    Days after the period too, as far as statements reach: what crosses its end is known then, and not late later.
    """
    settle_all(lambda: nullcontext(session), school_id)
    yesterday = clock.today() - DAY
    newest = select(func.max(BankStatement.period_to)).where(BankStatement.school_id == school_id)
    for account_id in gathering.beginnings(session, school_id, through):
        stated = session.scalar(newest.where(BankStatement.account_id == account_id))
        for day in sorted({through, max(through, min(stated or through, yesterday))}):
            catch_up(session, school_id, account_id, day)
    head = chain.head(session, school_id)
    remake(session, school_id, head.through + DAY if head.through else date.min)


def remake(session: Session, school_id: int, first: date) -> None:
    """Make the standing runs from a day on again, in order; the same inputs give the same runs."""
    runs = session.execute(
        select(StandingRun.account_id, StandingRun.day)
        .where(StandingRun.school_id == school_id, StandingRun.day >= first)
        .order_by(StandingRun.account_id, StandingRun.day)
    ).all()
    for account_id, day in runs:
        reconcile_day(session, school_id, account_id, day)


def add_signature(
    session: Session, school_id: int, sequence: int, signed: tuple[bytes, bytes], actor_id: int | None
) -> CloseSignature:
    """Add a signature by the school's own certificate (PEM or DER) to a close; valid now, and right.

    ``signed``: the certificate, and its signature over the link's document.

    Raises NotFoundError, ConflictError ``signed_already``, and what ``certificates.check`` raises.
    """
    lock_school(session, school_id)
    link = chain.link(session, school_id, sequence)
    certificate, signature = signed
    der = certificates.read_certificate(certificate)
    now = clock.now()
    algorithm = certificates.check(der, link.document, signature, now)
    known = select(CloseSignature.id).where(
        CloseSignature.school_id == school_id,
        CloseSignature.close_id == link.id,
        CloseSignature.certificate == der,
    )
    if session.scalar(known) is not None:
        raise ConflictError(
            "signed_already",
            "Chứng thư số này đã ký lần khóa sổ đó rồi.",
            "This certificate has signed that close already.",
        )
    added = CloseSignature(
        school_id=school_id,
        close_id=link.id,
        algorithm=algorithm,
        certificate=der,
        signature=signature,
        added_by=actor_id,
        added_at=now,
    )
    session.add(added)
    session.flush()
    record(
        session,
        actor_id=actor_id,
        action="sign_close",
        subject_kind="period_close",
        subject_id=link.id,
        school_id=school_id,
        detail={"sequence": sequence, "algorithm": algorithm, "certificate": canonical.digest(der)},
    )
    return added


def person_of(session: Session, school_id: int, actor_id: int, *roles: Role) -> Person:
    """A person with one of the roles in the school, the first that fits. Raises ForbiddenError."""
    person = actor(session, actor_id, clock.today())
    role = next((one for one in roles if person is not None and person.may_in(school_id, one)), None)
    if person is None or role is None:
        raise ForbiddenError(
            "Chỉ kế toán hoặc hiệu trưởng của trường được làm việc này.",
            "Only an accountant or a principal of the school may do this.",
        )
    return Person(person.user_id, person.full_name, role.value)


def school_of(session: Session, school_id: int) -> School:
    """The school as its documents name it."""
    row = session.get_one(SchoolRow, school_id)
    return School(row.id, row.code, row.name)


def _require_proof(draft: Draft) -> None:
    if not draft.hindrances:
        return
    told = draft.hindrances[:SHOWN]
    more = len(draft.hindrances) - len(told)
    raise DomainError(
        "not_proved",
        "Chưa khóa được sổ: " + " ".join(map(hindrance_vi, told)) + (f" Còn {more} lý do nữa." if more else ""),
        "The period cannot be closed: "
        + " ".join(map(hindrance_en, told))
        + (f" {more} more reasons." if more else ""),
    )


def _needs_note(draft: Draft) -> DomainError:
    count, silent, apart = len(draft.open_odd), len(draft.silent), len(draft.books_apart)
    return DomainError(
        "needs_note",
        f"Còn {count} ngoại lệ chưa xử lý, {silent} tài khoản chưa có sao kê, {apart} sổ kế toán lệch số dư; "
        "hãy xác nhận đã biết và ghi lý do.",
        f"{count} exceptions are open, {silent} accounts have no statement, {apart} books state another balance; "
        "acknowledge them with a note.",
    )


def _require_clock(session: Session, school_id: int) -> None:
    """A close is never signed before its predecessor: then some clock is wrong. Raises DomainError ``clock_back``."""
    last = session.scalar(select(func.max(PeriodClose.closed_at)).where(PeriodClose.school_id == school_id))
    if last is not None and clock.now() < last:
        raise DomainError(
            "clock_back",
            "Đồng hồ máy chủ chạy lùi so với lần khóa sổ trước; hãy chỉnh giờ rồi ký.",
            "The server's clock is behind the close before; set it, then sign.",
        )


def _reports(session: Session, draft: Draft) -> dict[int, tuple[str, str]]:
    """Run -> SHA-256 of its report and of its results, for every run that proves a day of the period."""
    ids = [run.id for section in draft.sections for run in section.runs if run.state == PROVED]
    return {run_id: (report_sha256(session, run_id), results_sha256(session, run_id)) for run_id in ids}


def results_sha256(session: Session, run_id: int) -> str:
    """Of what a run stored, column by column: the same in every later version, whatever reports look like then."""
    run = session.execute(RESULT, {"run_id": run_id}).one()
    items = session.execute(RESULTS, {"school_id": run.school_id, "run_id": run_id}).all()
    blocks = session.execute(BLOCKS, {"school_id": run.school_id, "run_id": run_id}).all()
    found = {"format": "hocphi-run/1", "run": list(run), "items": [list(item) for item in items]}
    if blocks:
        found["blocks"] = [list(block) for block in blocks]
    return canonical.digest(canonical.encode(found))


def report_sha256(session: Session, run_id: int) -> str:
    """Of a run's report as ``hocphi reconcile report --json`` prints it."""
    return canonical.digest(content.as_json(content.build(session, run_id)))
