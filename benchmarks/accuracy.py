"""How often settlement is right on noisy memos: the real recording, attaching and settling, and the real suggestions.

Automatic precision is counted in đồng: not one may lie on an invoice, or be credit of a pupil, that the memo does not
mean; too little and too much on the right invoice are right. Recall is counted over memos that name an invoice.
"""

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.model import StatementLine
from benchmarks.machine import database, told
from benchmarks.noise import DAMAGED, LOSSLESS, NASTY, Memo, Target, bank_text, memos, references_by_chance
from benchmarks.report import Goal, Table
from payments.db import make_engine, session_scope
from payments.inbox.service import record_statement_evidence
from payments.invoices import reference
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post
from payments.settlement.service import settle_school
from tests.payments.setting import SchoolSetting, make_pupils, make_school
from tests.payments.settlement.setting import DUE, PAID_ON, open_round

SCHOOLS, PUPILS, PAYMENTS = 10, 1_250, 250
"""12,500 open invoices and 2,500 memos: about a minute and a half."""
FULL = 80
"""Schools with ``--full``: 100,000 open invoices and 20,000 memos."""
UNIFORM_VND = 350_000
NEGATIVES = 25_000
"""Bank texts; eight times as many with ``--full``."""
ISSUE = text("""
    WITH wanted AS (
        SELECT p.id AS pupil_id, asked.* FROM (
            SELECT id, row_number() OVER (ORDER BY id) AS place FROM pupil WHERE school_id = :school_id) p
        JOIN unnest(CAST(:codes AS text[]), CAST(:amounts AS bigint[])) WITH ORDINALITY AS asked (code, vnd, place)
            ON asked.place = p.place
    ), made AS (
        INSERT INTO invoice (school_id, round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd,
                             mandatory_vnd, due_on, issued_at)
        SELECT :school_id, :round_id, pupil_id, :account_id, '', code, vnd, vnd, :due, now() FROM wanted
        RETURNING id, amount_vnd
    ), lined AS (
        INSERT INTO invoice_line (school_id, invoice_id, line_no, fee_item_id, description, legal_group, mandatory,
                                  quantity, unit_price_vnd, relief_vnd, amount_vnd, legal_basis)
        SELECT :school_id, id, 1, :fee, 'Khoản thu mẫu', 'agency', true, 1, amount_vnd, 0, amount_vnd, '' FROM made
    )
    INSERT INTO invoice_balance (school_id, invoice_id, amount_vnd, paid_vnd, state, changed_at)
    SELECT :school_id, id, amount_vnd, 0, 'open', now() FROM made
""")
IDS = text("SELECT reference, id, pupil_id FROM invoice WHERE school_id = :school_id")
SETTLED = text("""
    SELECT t.bank_reference, t.state, s.suggestions,
        (SELECT coalesce(jsonb_object_agg(one.invoice_id, one.vnd), '{}') FROM (
            SELECT a.invoice_id, sum(a.amount_vnd) AS vnd FROM allocation a
            WHERE a.school_id = t.school_id AND a.transaction_id = t.id GROUP BY 1) one) AS allocated,
        (SELECT coalesce(jsonb_object_agg(one.pupil_id, one.vnd), '{}') FROM (
            SELECT c.pupil_id, sum(c.amount_vnd) AS vnd FROM pupil_credit c
            WHERE c.school_id = t.school_id AND c.transaction_id = t.id GROUP BY 1) one) AS credit
    FROM bank_transaction t JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.school_id = :school_id
""")


@dataclass(slots=True)
class Score:
    """What became of memos, by kind."""

    memos: Counter[str] = field(default_factory=Counter)
    automatic: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    """Automatic, and every đồng where the memo means it."""
    suggested: Counter[str] = field(default_factory=Counter)
    """Not automatic, and a suggestion names the right invoice."""
    first: Counter[str] = field(default_factory=Counter)
    """The same, and it is the first suggestion."""
    automatic_vnd: int = 0
    wrong_vnd: int = 0

    def add(self, other: "Score") -> None:
        """Count another school's memos too."""
        for name in ("memos", "automatic", "right", "suggested", "first"):
            getattr(self, name).update(getattr(other, name))
        self.automatic_vnd += other.automatic_vnd
        self.wrong_vnd += other.wrong_vnd

    @property
    def precision(self) -> float:
        """Of the đồng that a machine placed, the part that lies right."""
        return 1 - self.wrong_vnd / self.automatic_vnd

    @property
    def recall(self) -> float:
        """Of the memos that mean an invoice by its reference, the part that a machine settled right."""
        return self.right.total() / (self.memos.total() - self.memos["no_code"])

    def recall_of(self, *kinds: str) -> float:
        """The same of some kinds."""
        return sum(self.right[kind] for kind in kinds) / sum(self.memos[kind] for kind in kinds)

    def suggested_of(self, *kinds: str) -> float:
        """Of damaged memos that no machine settled, the part whose suggestions contain the right invoice."""
        left = sum(self.memos[kind] - self.automatic[kind] for kind in kinds)
        return sum(self.suggested[kind] for kind in kinds) / left


def open_school(
    session: Session, pupils: int, chance: random.Random, *, uniform: bool
) -> tuple[SchoolSetting, list[Target]]:
    """A school whose pupils owe one invoice each: all the same amount, or amounts of their own."""
    school = make_school(session)
    make_pupils(session, school, pupils - 1)
    codes = [reference.generate() for _ in range(pupils)]
    amounts = [UNIFORM_VND if uniform else 1_000 * chance.randint(50, 3_000) for _ in range(pupils)]
    values = {"school_id": school.id, "round_id": open_round(session, school), "account_id": school.account}
    session.execute(ISSUE, values | {"due": DUE, "fee": school.meals, "codes": codes, "amounts": amounts})
    debt = [
        PostingLine(LedgerRole.RECEIVABLE, None, school.meals, sum(amounts)),
        PostingLine(LedgerRole.INCOME, None, school.meals, -sum(amounts)),
    ]
    post(session, school.id, [Posting(EntryKind.ISSUE, "issue:noise", DUE, debt)])
    return school, [Target(place, *both) for place, both in enumerate(zip(codes, amounts, strict=True))]


def bring(session: Session, school: SchoolSetting, texts: Sequence[tuple[str, int]], day: date = PAID_ON) -> None:
    """Transfers (text, đồng) as lines of a statement, settled."""
    lines = [
        StatementLine(
            line_no=number,
            value_date=day,
            booked_on=day,
            amount_vnd=amount_vnd,
            direction="credit",
            bank_reference=f"N{number:07d}",
            description=memo,
            raw="",
        )
        for number, (memo, amount_vnd) in enumerate(texts)
    ]
    record_statement_evidence(session, school.id, school.account, lines)
    while settle_school(session, school.id).taken:
        pass


def judge(session: Session, school: SchoolSetting, sent: Sequence[Memo]) -> Score:
    """Compare what settlement did with what each memo means."""
    ids = {
        code: (invoice_id, pupil_id) for code, invoice_id, pupil_id in session.execute(IDS, {"school_id": school.id})
    }
    rows = {row.bank_reference: row for row in session.execute(SETTLED, {"school_id": school.id})}
    score = Score()
    for number, memo in enumerate(sent):
        row = rows[f"N{number:07d}"]
        meant = [ids[target.code] for target in memo.targets] if memo.kind != "no_code" else []
        score.memos[memo.kind] += 1
        placed_vnd = _sum(row.allocated) + _sum(row.credit)
        right_vnd = _sum(row.allocated, {invoice_id for invoice_id, _ in meant})
        right_vnd += _sum(row.credit, {pupil_id for _, pupil_id in meant})
        score.automatic_vnd += placed_vnd
        score.wrong_vnd += placed_vnd - right_vnd
        if row.state == "credited":
            score.automatic[memo.kind] += 1
            score.right[memo.kind] += right_vnd == memo.amount_vnd
            continue
        true = ids[memo.targets[0].code][0]
        named = [hint["invoice_ids"] for hint in row.suggestions]
        score.suggested[memo.kind] += any(true in some for some in named)
        score.first[memo.kind] += bool(named) and true in named[0]
    return score


def _sum(amounts: Mapping[str, int], wanted: set[int] | None = None) -> int:
    return sum(vnd for key, vnd in amounts.items() if wanted is None or int(key) in wanted)


def measured(session: Session, seed: int, *, pupils: int, payments: int, uniform: bool) -> Score:
    """One school with noisy memos, settled and judged."""
    chance = random.Random(seed)
    school, targets = open_school(session, pupils, chance, uniform=uniform)
    sent = memos(targets, payments, chance)
    bring(session, school, [(memo.text, memo.amount_vnd) for memo in sent])
    return judge(session, school, sent)


def negatives(count: int, chance: random.Random) -> list[str]:
    """Bank text that holds no reference of ours: drawn ones, and the nasty ones by hand."""
    return [*NASTY, *(bank_text(chance) for _ in range(count))]


def run() -> list[Table]:
    """Measure both kinds of amounts, and text without references."""
    tables = []
    schools = FULL if "--full" in sys.argv else SCHOOLS
    with database("accuracy") as made:
        engine = make_engine(made.url)
        for uniform in (False, True):
            began, total = time.monotonic(), Score()
            for seed in range(schools):
                with session_scope(engine) as session:
                    total.add(measured(session, seed, pupils=PUPILS, payments=PAYMENTS, uniform=uniform))
                if seed % 20 == 19:
                    told(f"{seed + 1} of {schools} schools, {time.monotonic() - began:.0f} s")
            tables.append(_table(total, "uniform amounts" if uniform else "amounts spread", schools))
        with session_scope(engine) as session:
            tables.append(_negative_table(session, NEGATIVES * schools // SCHOOLS))
        engine.dispose()
    return tables


def _table(score: Score, title: str, schools: int) -> Table:
    rows = [
        [
            kind,
            str(count),
            score.right[kind] / count,
            f"{score.automatic[kind] - score.right[kind]}",
            score.suggested[kind] / count,
            score.first[kind] / count,
        ]
        for kind, count in score.memos.items()
    ]
    goals = [
        Goal(
            "automatic precision, in đồng", 1.0, score.precision, f"{score.wrong_vnd} đồng on a wrong invoice", unit=""
        ),
        Goal("automatic recall", 0.89, score.recall, unit=""),
        Goal("recall of every lossless kind", 1.0, min(map(score.recall_of, LOSSLESS)), unit=""),
        Goal("suggestions with the right invoice", 0.97, min(map(score.suggested_of, DAMAGED)), unit=""),
    ]
    notes = [f"{score.memos.total()} memos, {schools * PUPILS} open invoices, seeds 0 to {schools - 1}"]
    columns = ["kind", "memos", "right", "wrong", "suggested", "first"]
    return Table(f"Accuracy: {title}", columns, rows, goals, notes)


def _negative_table(session: Session, count: int) -> Table:
    chance = random.Random(1)
    school, _ = open_school(session, PUPILS, chance, uniform=True)
    texts = negatives(count, chance)
    by_chance = references_by_chance(texts)
    known = set(session.scalars(text("SELECT reference FROM invoice")))
    hits = sum(found in known for some in reference.find_each(texts) for found in some.split())
    # A database holds no NUL: adapters refuse such a message before.
    sample = [memo for memo in texts[:2_000] if "\0" not in memo]
    bring(session, school, [(memo, UNIFORM_VND) for memo in sample])
    states: dict[str, int] = defaultdict(int)
    for row in session.execute(SETTLED, {"school_id": school.id}):
        states[row.state] += 1
    goals = [Goal("matched texts (0 wanted)", 0, -hits - states["credited"], "bank text matched an invoice", unit="")]
    rows = [["texts", str(len(texts))], ["valid by chance", str(by_chance)], ["of an open invoice", str(hits)]]
    rows += [[f"settled as {state}", str(count)] for state, count in states.items()]
    return Table("Bank text without a reference of ours", ["", ""], rows, goals)
