"""Receiving accounts and channels: two people, a day of cooling off, a notice to the principal.

A swapped account is the worst fraud against a school (facts: domain section 3.3, rule 11). So nobody adds an account
alone, an approved one waits a day before any invoice may name it, the principal is told, and the day cannot
be shortened. An account is never changed: another number is another account, and the old one is closed; what
banks report on a closed account is still recorded.
"""

import unicodedata

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from payments import clock
from payments.access import approvals
from payments.access.models import Role
from payments.access.queries import users_with
from payments.audit.service import record
from payments.banking import rules
from payments.banking.models import (
    AccountState,
    BorneBy,
    Channel,
    ChannelKind,
    ConnectionAccount,
    ReceivingAccount,
)
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.i18n import Text
from payments.notifications.service import enqueue_message

SUBJECT = "receiving_account"
STATE_WORDS = {
    AccountState.PROPOSED: Text("chờ duyệt", "waiting for approval"),
    AccountState.COOLING: Text("đã duyệt, đang chờ 24 giờ", "approved and cooling off"),
    AccountState.ACTIVE: Text("đang dùng", "in use"),
    AccountState.CLOSED: Text("đã đóng", "closed"),
}


def propose_account(
    session: Session,
    school_id: int,
    *,
    bank_bin: str,
    number: str,
    holder_name: str,
    fund: str,
    actor_id: int | None,
    memo_prefix: str | None = None,
) -> ReceivingAccount:
    """Propose a bank account that the school owns; it waits for a second person. ``actor_id`` None: the operator.

    Raises DomainError ``bad_account`` and ConflictError ``account_exists``.
    """
    plain_number = rules.account_text(number)
    holder, purpose = _one_line(holder_name), _one_line(fund)
    problem = rules.account_problem(bank_bin, plain_number, holder, purpose, memo_prefix)
    if problem is not None:
        raise DomainError("bad_account", problem.vi, problem.en)
    _require_new(session, bank_bin, plain_number)
    account = ReceivingAccount(
        school_id=school_id,
        bin=bank_bin,
        number=plain_number,
        holder_name=holder,
        fund=purpose,
        memo_prefix=memo_prefix or None,
        state=AccountState.PROPOSED,
        proposed_by=actor_id,
        proposed_at=clock.now(),
    )
    session.add(account)
    session.flush()
    if actor_id is not None:
        approvals.propose(session, school_id, subject_kind=SUBJECT, subject_id=account.id, actor_id=actor_id)
    _record(session, actor_id, "account.proposed", account)
    return account


def approve_account(session: Session, school_id: int, account_id: int, actor_id: int) -> ReceivingAccount:
    """Approve a proposed account as the second person: cooling off begins, the principal is told.

    Raises NotFoundError, ConflictError ``account_state`` and ForbiddenError for the person who proposed it and for
    whoever is no principal of the school.
    """
    account = _locked(session, school_id, account_id)
    if account.state is not AccountState.PROPOSED:
        raise _wrong_state(account)
    approvals.require_principal(session, school_id, account.proposed_by, actor_id)
    proposal = approvals.open_proposal(session, school_id, SUBJECT, account_id)
    if proposal is not None:
        approvals.decide(session, school_id, proposal, actor_id, approved=True)
    account.state = AccountState.COOLING
    account.approved_by = actor_id
    account.usable_at = rules.usable_from(clock.now())
    session.flush()
    _record(session, actor_id, "account.approved", account)
    _tell_principal(session, account)
    return account


def activate_cooled(session: Session) -> int:
    """Mark accounts whose cooling off has ended as active; returns how many. Safe to run at any time."""
    activated = session.execute(
        update(ReceivingAccount)
        .where(ReceivingAccount.state == AccountState.COOLING, ReceivingAccount.usable_at <= clock.now())
        .values(state=AccountState.ACTIVE)
        .returning(ReceivingAccount.id)
    )
    return len(activated.all())


def close_account(session: Session, school_id: int, account_id: int, actor_id: int | None) -> None:
    """Close an account, or refuse a proposed one: no new invoice names it; evidence on it is still recorded.

    Raises NotFoundError and ConflictError ``account_state`` when it is closed already.
    """
    account = _locked(session, school_id, account_id)
    if account.state is AccountState.CLOSED:
        raise _wrong_state(account)
    proposal = approvals.open_proposal(session, school_id, SUBJECT, account_id)
    if proposal is not None and actor_id is not None and actor_id != account.proposed_by:
        approvals.decide(session, school_id, proposal, actor_id, approved=False)
    account.state = AccountState.CLOSED
    account.closed_at = clock.now()
    session.flush()
    _record(session, actor_id, "account.closed", account)


def add_channel(
    session: Session,
    school_id: int,
    account_id: int,
    *,
    name: str,
    kind: ChannelKind,
    actor_id: int | None,
    cost_vnd: int = 0,
    cost_per_10000: int = 0,
    borne_by: BorneBy = BorneBy.PAYER,
    connection_id: int | None = None,
) -> int:
    """Add a way to pay into an account: what one payment costs (đồng, hundredths of a percent), and who bears it.

    ``connection_id``: of the service that opens orders for it, which must be allowed to report on the account. Raises
    NotFoundError for an unknown account, DomainError ``bad_channel`` and ConflictError ``channel_exists``.
    """
    name = _one_line(name)
    if not 0 < len(name) <= rules.LONGEST_CHANNEL_NAME:
        raise DomainError(
            "bad_channel",
            f"Tên kênh thu gồm 1 đến {rules.LONGEST_CHANNEL_NAME} ký tự, ví dụ «VietQR».",
            f"A channel's name has 1 to {rules.LONGEST_CHANNEL_NAME} characters, like VietQR.",
        )
    account = _locked(session, school_id, account_id)
    known = select(Channel.id).where(
        Channel.school_id == school_id, Channel.receiving_account_id == account_id, Channel.name == name
    )
    if session.scalar(known) is not None:
        raise ConflictError(
            "channel_exists",
            f"Tài khoản này đã có kênh thu «{name}».",
            f"This account has a channel {name!r} already.",
        )
    if connection_id is not None:
        _require_listed(session, account, connection_id)
    channel = Channel(
        connection_id=connection_id,
        school_id=school_id,
        receiving_account_id=account_id,
        name=name,
        kind=kind,
        cost_vnd=cost_vnd,
        cost_per_10000=cost_per_10000,
        borne_by=borne_by,
    )
    session.add(channel)
    session.flush()
    _record(session, actor_id, "channel.added", account)
    return channel.id


def switch_channel(
    session: Session, school_id: int, account_id: int, name: str, *, active: bool, actor_id: int | None
) -> None:
    """Switch a channel of an account on or off. Raises NotFoundError."""
    account = _locked(session, school_id, account_id)
    channel = session.scalar(
        select(Channel).where(
            Channel.school_id == school_id, Channel.receiving_account_id == account_id, Channel.name == name
        )
    )
    if channel is None:
        raise NotFoundError(f"Tài khoản này không có kênh thu «{name}».", f"This account has no channel {name!r}.")
    channel.active = active
    session.flush()
    _record(session, actor_id, "channel.switched_on" if active else "channel.switched_off", account)


def _require_listed(session: Session, account: ReceivingAccount, connection_id: int) -> None:
    listed = select(ConnectionAccount.id).where(
        ConnectionAccount.connection_id == connection_id,
        ConnectionAccount.school_id == account.school_id,
        ConnectionAccount.account_id == account.id,
    )
    if session.scalars(listed).first() is None:
        raise DomainError(
            "bad_channel",
            f"Kết nối {connection_id} không được phép báo có cho tài khoản này; hãy thêm tài khoản khi tạo kết nối.",
            f"Connection {connection_id} may not report on this account; name the account when you add the connection.",
        )


def _one_line(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).split())


def _require_new(session: Session, bank_bin: str, number: str) -> None:
    known = select(ReceivingAccount.id).where(ReceivingAccount.bin == bank_bin, ReceivingAccount.number == number)
    if session.scalar(known) is not None:
        raise ConflictError(
            "account_exists",
            f"Tài khoản {bank_bin}:{number} đã được khai báo.",
            f"The account {bank_bin}:{number} has been declared already.",
        )


def _locked(session: Session, school_id: int, account_id: int) -> ReceivingAccount:
    account = session.get(ReceivingAccount, (school_id, account_id), with_for_update=True, populate_existing=True)
    if account is None:
        raise NotFoundError("Không tìm thấy tài khoản nhận tiền.", "There is no such receiving account.")
    return account


def _wrong_state(account: ReceivingAccount) -> ConflictError:
    words = STATE_WORDS[account.state]
    return ConflictError(
        "account_state",
        f"Tài khoản đang ở trạng thái «{words.vi}», không làm được việc này.",
        f"The account is {words.en}; this cannot be done now.",
    )


def _record(session: Session, actor_id: int | None, action: str, account: ReceivingAccount) -> None:
    record(session, actor_id, action, subject_kind=SUBJECT, subject_id=account.id, school_id=account.school_id)


def _tell_principal(session: Session, account: ReceivingAccount) -> None:
    """The last four digits are enough to recognise the account by."""
    usable = (account.usable_at or clock.now()).astimezone(clock.VIETNAM)
    for principal in users_with(session, account.school_id, Role.PRINCIPAL, clock.today()):
        enqueue_message(
            session,
            account.school_id,
            dedup_key=f"account:{account.id}:approved:{principal.id}",
            kind="account_approved",
            subject=f"Tài khoản nhận tiền mới …{account.number[-4:]} sắp được dùng",
            body=(
                f"Tài khoản …{account.number[-4:]} (ngân hàng {account.bin}, quỹ «{account.fund}») đã được duyệt và sẽ"
                f" dùng được từ {usable:%H:%M ngày %d/%m/%Y}. Nếu thầy/cô không biết việc này, hãy đóng tài"
                " khoản ngay trong mục Tài khoản nhận tiền."
            ),
            recipient_user_id=principal.id,
            email=principal.email,
        )
