"""The columns of the sector template that we keep, and the names they have in real files.

Source: the Excel template of the sector database (facts: data fields of students). Ethnicity, addresses and
parents' years of birth are left out on purpose: fees do not need them.
"""

from payments.i18n import Text
from payments.schools.sheets import Column

COLUMNS = (
    Column(
        "class_name",
        "Mã lớp",
        ("lop", "tenlop", "lophoc", "malophoc", "class"),
        Text("Tên lớp như trường gọi: 1A, 6/4, Lá 2.", "The class as the school calls it: 1A, 6/4, Lá 2."),
        required=True,
    ),
    Column(
        "sector_id",
        "Mã định danh Bộ GD&ĐT",
        ("madinhdanhbogddt", "madinhdanhbogiaoducvadaotao", "madinhdanh", "madinhdanhhocsinh", "mahocsinh", "mahs"),
        Text(
            "Mã trên CSDL ngành, để dạng văn bản để không mất số 0 đầu.",
            "The identifier of the sector database, as text, so that leading zeros stay.",
        ),
        required=True,
    ),
    Column(
        "full_name",
        "Họ tên",
        ("hovaten", "hotenhocsinh", "hovatenhocsinh", "tenhocsinh", "fullname"),
        Text("Họ, tên đệm, tên; phông Unicode.", "Family, middle and given name, in Unicode."),
        required=True,
    ),
    Column(
        "date_of_birth",
        "Ngày sinh",
        ("ngaythangnamsinh", "sinhngay", "dateofbirth"),
        Text("Ngày/tháng/năm: 05/09/2018.", "Day/month/year: 05/09/2018."),
        required=True,
    ),
    Column(
        "sex", "Giới tính", ("gioi", "phai", "sex"), Text("Nam hoặc Nữ.", "Nam (male) or Nữ (female)."), required=True
    ),
    Column(
        "grade",
        "Khối",
        ("khoilop", "grade"),
        Text("1–12; để trống thì lấy theo tên lớp.", "1-12; when empty it is read off the class name."),
    ),
    Column(
        "status",
        "Trạng thái",
        ("trangthaihocsinh", "tinhtrang", "status"),
        Text("Đang học, Chuyển đi hoặc Thôi học.", "Đang học (studying), Chuyển đi (moved) or Thôi học (left)."),
    ),
    Column(
        "personal_id",
        "Số ĐDCN",
        ("sodinhdanhcanhan", "dinhdanhcanhan", "ddcn", "socccd", "cccd", "socccdddcn", "socancuoc"),
        Text("Số định danh cá nhân, 12 chữ số, dạng văn bản.", "Personal number, 12 digits, as text."),
    ),
    Column(
        "identity",
        "Xác thực ĐDCN",
        ("trangthaixacthuc", "trangthaidinhdanh", "xacthucdinhdanh"),
        Text("Đã xác thực hoặc Chưa xác thực.", "Đã xác thực (verified) or Chưa xác thực (not verified)."),
    ),
    Column(
        "guardian_name",
        "Họ tên người giám hộ",
        ("hotenphuhuynh", "tenphuhuynh", "phuhuynh", "nguoigiamho", "hotenchame", "chamehocsinh"),
        Text("Người nhận thông báo thu.", "Who receives the notices."),
    ),
    Column(
        "guardian_phone",
        "Điện thoại người giám hộ",
        (
            "sdtnguoigiamho",
            "sodienthoaiphuhuynh",
            "dienthoaiphuhuynh",
            "sdtphuhuynh",
            "sodienthoai",
            "dienthoai",
            "sdt",
        ),
        Text("10 chữ số, dạng văn bản.", "10 digits, as text."),
    ),
    Column(
        "guardian_email",
        "Email người giám hộ",
        ("emailphuhuynh", "email", "thudientu"),
        Text("Không bắt buộc.", "Optional."),
    ),
    Column(
        "father_name",
        "Họ tên cha",
        ("hotenbo", "tencha", "tenbo"),
        Text("Lưu khi có điện thoại.", "Kept with a phone."),
    ),
    Column(
        "father_phone",
        "Điện thoại cha",
        ("sdtcha", "sodienthoaicha", "dienthoaibo", "sdtbo", "sodienthoaibo"),
        Text("10 chữ số, dạng văn bản.", "10 digits, as text."),
    ),
    Column("mother_name", "Họ tên mẹ", ("tenme",), Text("Lưu khi có điện thoại.", "Kept with a phone.")),
    Column(
        "mother_phone",
        "Điện thoại mẹ",
        ("sdtme", "sodienthoaime"),
        Text("10 chữ số, dạng văn bản.", "10 digits, as text."),
    ),
)
