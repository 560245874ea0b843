"""Papers of a close: valid as written, noticed when touched, the same bytes from a fresh process."""

import base64
import io
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta

import openpyxl
import pypdfium2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from operations.doctor import _signatures
from payments import clock
from payments.errors import ConflictError, DomainError
from payments.settings import generated_environment
from reconciliation.closing import canonical, certificates, chain, checking, keys, papers, service, signing
from reconciliation.closing.verifying import known_by_file
from tests.reconciliation.closing.ledgers import NEXT, SIGNING, Signer
from tests.reconciliation.desk import DAY, OPENING

pytestmark = pytest.mark.db
X_VND = 100_000
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture
def chained(desk: Signer) -> Signer:
    """Three closes, the first one with an exception; nothing is reopened."""
    desk.day_of(DAY, X_VND, tell=False)
    desk.close(note=FORMULA)
    desk.day_of(NEXT, 21_021_021, opening=OPENING + X_VND)
    desk.close(NEXT)
    desk.day_of(NEXT + timedelta(days=1), opening=OPENING + X_VND + 21_021_021)
    desk.close(NEXT + timedelta(days=1))
    return desk


def paper(desk: Signer, number: int, kind: str) -> bytes:
    with desk.session() as session:
        return papers.write(session, desk.cipher, chain.link(session, desk.school.id, number), kind)


def online(desk: Signer, *files: bytes) -> list[str]:
    with desk.session() as session:
        found = checking.judge_with(session, desk.cipher, [(f"{n}", data) for n, data in enumerate(files)])
    return [one.verdict for one in found]


def offline(desk: Signer, *files: bytes, publics: bytes | None = None) -> list[str]:
    with desk.session() as session:
        known = known_by_file(publics or keys.published(session, desk.school.id, desk.school.code))
    return [one.verdict for one in checking.judge([(f"{n}", data) for n, data in enumerate(files)], known)]


def test_every_paper_is_valid_with_and_without_the_database(chained):
    assert online(chained, *(paper(chained, 1, kind) for kind in ("json", "pdf", "xlsx"))) == ["valid"] * 3
    assert offline(chained, *(paper(chained, number, "json") for number in (1, 2, 3))) == ["valid"] * 3
    assert offline(chained, paper(chained, 2, "pdf")) == ["valid"]
    with pytest.raises(ValueError, match="Excel"):
        offline(chained, paper(chained, 1, "xlsx"))


def test_one_changed_byte_anywhere_is_noticed(chained):
    signed, pdf, book = (paper(chained, 1, kind) for kind in ("json", "pdf", "xlsx"))
    with chained.session() as session:
        known = papers.known_of(session, chained.school.id)
    for data, step in ((signed, 7), (pdf, 211)):
        for place in (*range(4, len(data), step), len(data) - 1):
            other = bytes([data[place] ^ 1])
            [found] = checking.judge([("x", data[:place] + other + data[place + 1 :])], lambda _: known)
            assert found.verdict in {"altered", "unknown_key", "chain_broken"}, (place, data[place - 20 : place + 20])
    for cut in (signed[:-1], signed + b"\n", pdf[:-1], pdf + b" ", b"{}", b"%PDF-1.7"):
        assert online(chained, cut) != ["valid"]
    for foreign in (b"", b"so,ngay\n1,2\n"):
        with pytest.raises(ValueError, match="không phải biên bản đối chiếu"):
            online(chained, foreign)
    middle = len(book) // 2
    assert online(chained, book[:middle] + bytes([book[middle] ^ 1]) + book[middle + 1 :]) == ["altered"]


def resigned(data: bytes, private: ed25519.Ed25519PrivateKey, key: str | None = None) -> bytes:
    """The file signed by somebody else, under their own name or another one."""
    document, _ = signing.open_envelope(data)
    raw = private.private_bytes_raw()
    name = key or signing.key_name(private.public_key().public_bytes_raw())
    return signing.envelope(document, [signing.Signature("Ed25519", signing.sign(raw, document), name)])


def test_another_hand_is_noticed_under_its_own_name_and_under_ours(chained):
    stranger = ed25519.Ed25519PrivateKey.generate()
    data = paper(chained, 1, "json")
    ours = json.loads(data)["signatures"][0]["key"]
    for judge in (online, offline):
        assert judge(chained, resigned(data, stranger)) == ["unknown_key"]
        assert judge(chained, resigned(data, stranger, ours)) == ["altered"]


def test_swapped_and_missing_links_break_the_chain(chained):
    one, two, three = (paper(chained, number, "json") for number in (1, 2, 3))
    assert offline(chained, three, one) == ["chain_broken", "valid"]
    assert offline(chained, three, two, one) == ["valid"] * 3
    swapped = json.loads(one)
    swapped["signatures"] = json.loads(two)["signatures"]
    assert offline(chained, canonical.encode(swapped)) == ["altered"]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM period_close WHERE sequence = 2",
        "UPDATE period_close SET document = document || ' ' WHERE sequence = 2",
        "UPDATE period_close SET sequence = CASE sequence WHEN 2 THEN 3 WHEN 3 THEN 2 ELSE 1 END WHERE sequence > 1",
        "UPDATE period_close SET document = 'x', sha256 = sha256('x') WHERE sequence = 2",
    ],
)
def test_a_chain_that_was_damaged_in_the_database_is_noticed(chained, damage):
    files = [paper(chained, number, "json") for number in (1, 2, 3)]
    with chained.session() as session:
        session.execute(text("ALTER TABLE period_close DISABLE TRIGGER ALL"))
        session.execute(text("ALTER TABLE period_close DROP CONSTRAINT uq__period_close__school_id_sequence"))
        session.execute(text(damage))
    assert "valid" not in online(chained, *files)


DAMAGES = {
    "INSERT INTO reconcile_item (school_id, run_id, position, primary_class, flags, amount_vnd, value_date,"
    ' "references", bank_line_ids, transaction_ids, evidence_ids, ledger_row_ids)'
    " SELECT school_id, id, 99, 'matched', '{}', 1, day, '{}', '{}', '{}', '{}', '{}' FROM reconcile_run LIMIT 1": (
        "does not hold what was signed"
    ),
    "UPDATE reconcile_item SET amount_vnd = amount_vnd + 1": "does not hold what was signed",
    "UPDATE period_close SET signature = 'x' WHERE sequence = 3": "link 3 is not signed by a key of the school",
    "UPDATE close_key SET public = sha256('other')": "link 1 is not signed by a key of the school",
}


def test_doctor_names_what_no_longer_fits_its_signature(chained):
    with chained.engine.connect() as connection:
        assert _signatures(connection).ok
        for damage, said in DAMAGES.items():
            with connection.begin_nested() as nested:
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
                connection.exec_driver_sql(damage)
                found = _signatures(connection)
                assert (found.ok, said in found.detail) == (False, True), (damage, found)
                nested.rollback()


def test_a_reopened_close_is_superseded_and_the_reopening_itself_is_valid(chained):
    chained.reopen(3)
    files = [paper(chained, number, "json") for number in (1, 2, 3, 4)]
    assert online(chained, *files) == ["valid", "valid", "superseded", "valid"]
    assert online(chained, paper(chained, 3, "pdf"), paper(chained, 4, "pdf")) == ["superseded", "valid"]


def test_a_retired_key_still_proves_what_it_signed(chained):
    with chained.session() as session:
        keys.retire(session, chained.school.id, chained.school.principal)
    before = paper(chained, 3, "pdf")
    chained.reopen(3)
    one, two = (json.loads(paper(chained, number, "json"))["signatures"][0]["key"] for number in (3, 4))
    assert one != two
    assert offline(chained, before, paper(chained, 4, "json")) == ["valid", "valid"]


def test_the_key_of_another_school_proves_nothing(chained):
    other = Signer(chained.engine)
    other.day_of(DAY, X_VND)
    other.close()
    with chained.session() as session:
        publics = keys.published(session, other.school.id, other.school.code)
    assert offline(chained, paper(chained, 1, "json"), publics=publics) == ["unknown_key"]
    other.shell.close()


SCRIPT = """
import sys
from datetime import UTC, datetime
from payments.crypto import FieldCipher
from payments.db import make_engine, session_scope
from payments.settings import Settings
from payments import tables
from reconciliation.closing import chain, papers
settings = Settings.from_env()
engine = make_engine(settings.database_url)
with session_scope(engine) as session:
    for kind in ("json", "pdf", "xlsx"):
        link = chain.link(session, int(sys.argv[1]), 1)
        sys.stdout.write(papers.write(session, FieldCipher(settings.field_keys), link, kind).hex() + "\\n")
engine.dispose()
"""


def test_a_fresh_process_writes_the_same_bytes(chained):
    fields = ",".join(f"{k}:{base64.b64encode(v).decode()}" for k, v in chained.settings.field_keys.items())
    url = chained.engine.url.render_as_string(hide_password=False).replace("postgresql+psycopg", "postgresql")
    environment = {**os.environ, **generated_environment(), "DATABASE_URL": url, "HOCPHI_FIELD_KEYS": fields}
    command = [sys.executable, "-c", SCRIPT, str(chained.school.id)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [paper(chained, 1, kind).hex() for kind in ("json", "pdf", "xlsx")]


def test_the_minutes_say_it_in_words_and_carry_the_signed_file(chained):
    data = paper(chained, 2, "pdf")
    pdf = pypdfium2.PdfDocument(data)
    said = "\n".join(page.get_textpage().get_text_bounded() for page in pdf)
    for wanted in ("BIÊN BẢN ĐỐI CHIẾU", "ngày 11/09/2025", "21.021.021", "Hai mươi mốt triệu không trăm hai mươi mốt"):
        assert wanted in said
    assert "Kế toán (mẫu)" in said
    assert bytes(pdf.get_attachment(0).get_data()) == paper(chained, 2, "json")


def test_the_workbook_reads_back_as_numbers_days_and_texts(chained):
    book = openpyxl.load_workbook(io.BytesIO(paper(chained, 1, "xlsx")))
    assert book.sheetnames == ["Biên bản", "Ngoại lệ", "Lần đối soát"]
    cells = {row[0].value: row[1] for row in book["Biên bản"].iter_rows() if row[0].value}
    note = cells["Xác nhận của người ký về điểm còn mở"]
    assert (note.value, note.data_type) == (FORMULA, "s")
    assert cells["Mã băm nội dung đã ký (SHA-256)"].value == canonical.digest(
        signing.open_envelope(paper(chained, 1, "json"))[0]
    )
    [total] = [row for row in book["Biên bản"].iter_rows(values_only=True) if row[0] == "Cộng"]
    assert total[4:8] == (OPENING, X_VND, 0, OPENING + X_VND)
    head, row = book["Ngoại lệ"].iter_rows(values_only=True)
    odd = dict(zip(head, row, strict=True))
    assert (odd["Khóa"], odd["Số tiền (đồng)"], odd["Trạng thái"]) == ("missing_gateway", X_VND, "chưa xử lý")
    assert odd["Ngày"] == datetime(2025, 9, 10)  # noqa: DTZ001 - a day of a cell has no zone


def certificate(private, *, first: datetime = SIGNING, days: int = 300, signs: bool = True) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TRƯỜNG TIỂU HỌC HOA PHƯỢNG (mẫu)")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(first - timedelta(days=1))
        .not_valid_after(first + timedelta(days=days))
        .add_extension(x509.KeyUsage(signs, *[False] * 8), critical=True)
    )
    algorithm = None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return made.sign(private, algorithm).public_bytes(serialization.Encoding.PEM)


KINDS = {
    "RSA-PSS-SHA256": lambda: rsa.generate_private_key(65537, 2048),
    "ECDSA-SHA256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


def add(desk: Signer, pem: bytes, signature: bytes, number: int = 1):
    with desk.session() as session:
        return service.add_signature(session, desk.school.id, number, (pem, signature), desk.school.principal)


def test_the_schools_own_certificate_signs_too(desk):
    desk.day_of(DAY, X_VND)
    document = desk.close().document
    for algorithm, make in KINDS.items():
        private = make()
        pem = certificate(private)
        packed = pkcs12.serialize_key_and_certificates(
            b"x", private, x509.load_pem_x509_certificate(pem), None, serialization.BestAvailableEncryption(b"mat khau")
        )
        key, inside = certificates.read_key(packed, b"mat khau")
        added = add(desk, inside, certificates.sign(key, document))
        assert (added.algorithm, certificates.shown(added.certificate).serial) == (algorithm, "7")
        with pytest.raises(ConflictError, match="signed_already"):
            add(desk, pem, certificates.sign(key, document))
    files = [paper(desk, 1, kind) for kind in ("json", "pdf", "xlsx")]
    assert online(desk, *files) == ["valid"] * 3
    said = json.loads(files[0])
    assert len(said["signatures"]) == 4
    said["signatures"][1], said["signatures"][2] = said["signatures"][2], said["signatures"][1]
    said["signatures"][1]["value"] = said["signatures"][3]["value"]
    assert online(desk, canonical.encode(said)) == ["altered"]


def test_a_certificate_that_somebody_added_to_the_file_is_not_the_schools(desk):
    """The signature is right, the name on it whatever they liked; without the database it is for people to judge."""
    desk.day_of(DAY, X_VND)
    document, before = desk.close().document, paper(desk, 1, "json")
    private = ec.generate_private_key(ec.SECP256R1())
    pem = certificate(private)
    der, right = certificates.read_certificate(pem), certificates.sign(private, document)
    opened = signing.open_envelope(before)
    forged = signing.envelope(document, [*opened[1], signing.Signature("ECDSA-SHA256", right, certificate=der)])
    assert (online(desk, forged), offline(desk, forged)) == (["altered"], ["valid"])
    add(desk, pem, right)
    assert online(desk, forged, before) == ["valid", "valid"]


def test_a_certificate_that_is_over_may_not_sign_or_did_not_sign_is_refused(desk):
    desk.day_of(DAY, X_VND)
    document = desk.close().document
    private = KINDS["ECDSA-SHA256"]()
    right = certificates.sign(private, document)
    refused = {
        "certificate_not_valid": (certificate(private, first=SIGNING - timedelta(days=400)), right),
        "certificate_may_not_sign": (certificate(private, signs=False), right),
        "signature_differs": (certificate(private), certificates.sign(private, document + b" ")),
        "bad_certificate": (b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", right),
    }
    for code, (pem, signature) in refused.items():
        with pytest.raises(DomainError) as found:
            add(desk, pem, signature)
        assert found.value.code == code
    with pytest.raises(DomainError, match="bad_key"):
        certificates.read_key(b"no key", None)
    with clock.turned_to(SIGNING + timedelta(days=301)), pytest.raises(DomainError, match="certificate_not_valid"):
        add(desk, certificate(private), right)
    assert add(desk, certificate(private), right).algorithm == "ECDSA-SHA256"


def test_blind_checks_would_be_noticed(chained, monkeypatch):
    """Teeth: with the signature check blinded, another hand under our name would pass."""
    data = paper(chained, 1, "json")
    ours = json.loads(data)["signatures"][0]["key"]
    monkeypatch.setattr(signing, "verify", lambda *_: True)
    assert offline(chained, resigned(data, ed25519.Ed25519PrivateKey.generate(), ours)) == ["valid"]
