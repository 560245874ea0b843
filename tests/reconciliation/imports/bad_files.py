"""Files that must be refused, of every kind: what is wrong with each, and the words that a person reads."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

import openpyxl

from bank_adapters.statements.model import Statement
from operations.sample_files import write_camt053, write_misa_ledger, write_mt940, write_techcombank, write_vietcombank
from reconciliation.school_ledgers.model import LedgerFile
from reconciliation.school_ledgers.template import write_template
from tests.bank_adapters.statements.golden_books import bidv
from tests.reconciliation.desk import OPENING, line, row
from tests.reconciliation.test_statement_import import balanced

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
XXE = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
CSV_HEAD = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n"
BOOKS_HEAD = "STT,Số chứng từ,Ngày nộp,Họ và tên người nộp,Nội dung,Số tiền,Tài khoản\n"


@dataclass(frozen=True)
class Bad:
    """A file of a kind of import, and what its answer says in Vietnamese."""

    kind: str
    file_name: str
    data: bytes
    said: tuple[str, ...]


def bad_files(number: str) -> Iterator[tuple[str, Bad]]:
    """Every bad file for a receiving account, with its name."""
    whole = balanced(number, [line(100_000 + n, f"CT {n}", f"FT{n}") for n in range(3)])
    for name, file_name, data, *said in (*_messages(whole), *_tables(whole), *_bombs(whole)):
        yield name, Bad("statement", file_name, data, tuple(said))
    for name, file_name, data, *said in _books():
        yield name, Bad("ledger", file_name, data, tuple(said))


def _messages(whole: Statement) -> Iterator[tuple]:
    camt, mt940 = write_camt053([whole]).decode(), write_mt940([whole]).decode()
    body = camt.partition("?>")[2]
    yield "camt.053 with an external entity", "x.xml", (XXE + body).encode(), "DOCTYPE"
    yield "camt.053 with a billion laughs", "x.xml", (LAUGHS + body).encode(), "DOCTYPE"
    wrong = camt.replace("100001.00", "1..5").replace("100001<", "1..5<")
    yield "camt.053 with an amount that is none", "x.xml", wrong.encode(), "Ntry", "số tiền"
    for old, new, name in (
        ("camt.053", "camt.052", "camt.052"),
        ("camt.053", "camt.054", "camt.054"),
    ):
        other = wrong.replace(old, new)
        pairs = {"camt.052": ("BkToCstmrAcctRpt", "Rpt>"), "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn>")}[name]
        other = other.replace("BkToCstmrStmt", pairs[0]).replace("Stmt>", pairs[1])
        yield f"{name} with an amount that is none", "x.xml", other.encode(), "Ntry", "số tiền"
    yield "camt.053 that was cut", "x.xml", camt[: len(camt) // 2].encode(), "Hãy tải lại"
    yield "MT940 that was cut", "x.txt", mt940[: mt940.index(":62F:")].encode(), "62F"
    yield "MT940 with an amount that is none", "x.txt", mt940.replace("100001,", "1000.1,").encode(), ":61:", "dòng"
    head = f":20:X\n:25:{whole.account_number}\n:28C:1\n:34F:VND0,\n:13D:2509101200+0700\n"
    yield "MT942 with an amount that is none", "x.txt", f"{head}:61:250910C12..34,NTRFFT1\n:86:x\n-\n".encode(), ":61:"


def _tables(whole: Statement) -> Iterator[tuple]:
    for amount in ("12..34", "1.25.000", "1,250.000.0"):
        data = f"{CSV_HEAD}10/09/2025,FT1,,{amount!r},,x\n".replace("'", '"').encode()
        yield f"CSV with the amount {amount}", "x.csv", data, "D2"
    for day in ("31/02/2025", "10/09/1925", "10/09/2125"):
        yield f"CSV with the day {day}", "x.csv", f"{CSV_HEAD}{day},FT1,,5,,x\n".encode(), "A2", "ngày"
    yield "CSV with a day to come", "x.csv", f"{CSV_HEAD}10/09/2062,FT1,,5,,x\n".encode(), "dòng 2", "10/09/2062"
    old = "Ngµy giao dÞch,Sè tham chiÕu,Sè tiÒn ghi nî,Sè tiÒn ghi cã,M« t¶\n10/09/2025,FT1,,5,Nép tiÒn häc phÝ\n"
    yield "CSV in TCVN3", "x.csv", old.encode("latin-1"), "TCVN3", "Unicode"
    yield "CSV in UTF-8 that holds TCVN3", "x.csv", old.encode(), "TCVN3", "Unicode"
    yield "CSV in Windows-1258", "x.csv", CSV_HEAD.encode("utf-16-be"), "UTF-8"
    yield "CSV cut in its last amount", "x.csv", f"{CSV_HEAD}10/09/2025,FT1,,15".encode(), "dòng 2"
    yield (
        "XLSX with a formula as its amount",
        "x.xlsx",
        changed(write_techcombank(whole), "G11", "=5*20"),
        "G11",
        "công thức",
    )
    yield "XLSX with a broken amount", "x.xlsx", changed(write_techcombank(whole), "G11", "12..34"), "G11"
    xlsx = write_vietcombank(whole)
    yield "XLSX that was cut", "x.xlsx", xlsx[: len(xlsx) // 2], "tải lại"
    yield "XLS that was cut", "x.xls", bidv()[:3000], "tải lại"
    heads = ("Ngày giao dịch", "Số tham chiếu", "Ghi nợ", "Ghi có", "Mô tả")
    html = "<html><table><tr>" + "".join(f"<td>{head}</td>" for head in heads) + "</tr>"
    yield "HTML as XLS that was cut", "x.xls", f"{html}<tr><td>10/09/2025".encode(), "tải lại"
    bad = f"{html}<tr><td>10/09/2025</td><td>1</td><td></td><td>12..34</td><td>x</td></tr></table></html>"
    yield "HTML as XLS with a broken amount", "x.xls", bad.encode(), "D2"
    yield "a picture", "x.xlsx", b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "ảnh"
    yield "nothing at all", "x.csv", b"", "rỗng"
    yield "a PDF", "saoke.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"
    yield "a statement of another account", "x.xml", write_camt053([replace(whole, account_number="77777")]), "7777"


def _bombs(whole: Statement) -> Iterator[tuple]:
    yield "a zip bomb", "x.xlsx", zipped({"xl/workbook.xml": b"<workbook>" + b" " * (80 * 2**20)}), "không an toàn"
    part = {"xl/sharedStrings.xml": LAUGHS.encode() + b"<sst><si><t>&i;</t></si></sst>"}
    yield "laughs in a workbook", "x.xlsx", repacked(write_vietcombank(whole), part), "DOCTYPE"


def _books() -> Iterator[tuple]:
    rows = [row(100_000 + n, f"Thu {n}", code="1121", document=f"BC{n}") for n in range(3)]
    template = write_template(rows)
    yield "our template with a formula as its amount", "so.xlsx", changed(template, "G3", "=5*20"), "G3", "công thức"
    yield "our template with a day of another century", "so.xlsx", changed(template, "A3", "10/09/2125"), "A3"
    yield "our template that was cut", "so.xlsx", template[:-400], "tải lại"
    yield "our template with a day to come", "so.xlsx", changed(template, "A3", "10/09/2062"), "dòng 3", "10/09/2062"
    misa = write_misa_ledger([LedgerFile(tuple(rows), "1121", OPENING, None, None, None, "")])
    yield "MISA whose balance does not follow", "so.xlsx", changed(misa, "H11", 7), "số dư cuối kỳ", "10.300.003"
    yield "MISA whose total does not follow", "so.xlsx", changed(misa, "F10", 300_004), "cộng phát sinh Nợ", "300.004"
    yield "MISA that was cut", "so.xlsx", misa[: len(misa) // 2], "tải lại"
    listed = f"{BOOKS_HEAD}1,BK1,10/09/2025,Em Mẫu,Thu,%s,1121\n"
    yield "a list with a broken amount", "bk.csv", (listed % "12..34").encode(), "F2"
    yield "a list cut in its last amount", "bk.csv", (listed % "1500000").encode()[:-8], "dòng 2"
    short = (listed % "5.000") + ",,,Cộng lớp 1A,,6.000,\n,,,Tổng cộng,,5.000,\n"
    yield "a list whose class does not add up", "bk.csv", short.encode(), "dòng 3", "6.000"
    old = "STT,Sè chøng tõ,Ngµy nép,Hä vµ tªn ng\xadêi nép,Néi dung,Sè tiÒn\n1,BK1,10/09/2025,NguyÔn ThÞ,Nép tiÒn,5\n"
    yield "a list in TCVN3", "bk.csv", old.encode("latin-1"), "TCVN3", "Unicode"
    yield "a list in UTF-8 that holds TCVN3", "bk.csv", old.encode(), "TCVN3", "Unicode"
    yield "books with an entity", "so.xml", f"{XXE}<a>&x;</a>".encode(), "bảng tính"
    yield "books as a zip bomb", "so.xlsx", zipped({"xl/workbook.xml": b" " * (80 * 2**20)}), "không an toàn"
    yield "books without money", "so.xlsx", write_template([row(5_000, "x", code="531")]), "112"


def changed(data: bytes, place: str, value: object) -> bytes:
    """The workbook with one cell changed, saved by another program."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    book.worksheets[0][place].value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zipped(parts: dict[str, bytes]) -> bytes:
    """A container of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in parts.items():
            packed.writestr(name, part)
    return out.getvalue()


def repacked(data: bytes, parts: dict[str, bytes]) -> bytes:
    """The workbook with parts replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        return zipped({name: source.read(name) for name in source.namelist()} | parts)
