"""What can be wrong with a row of a roster."""

from payments.i18n import Text
from payments.schools.problems import Heading, kind_of

BAD_NAME = kind_of(
    "bad_name",
    Heading.RIGHT,
    Text("Họ tên có số hoặc ký hiệu lạ, hoặc quá dài.", "The name holds digits or signs, or is too long."),
    Text("Nhập lại họ tên bằng chữ.", "Write the name in letters."),
)
LEGACY_FONT = kind_of(
    "legacy_font",
    Heading.RIGHT,
    Text(
        "Chữ dùng phông cũ TCVN3 hoặc VNI, hoặc bị sai bảng mã; không phải Unicode.",
        "The text is in an old font encoding (TCVN3, VNI) or was decoded wrongly; it is not Unicode.",
    ),
    Text(
        "Chuyển sang Unicode (ví dụ bằng công cụ chuyển mã của UniKey), đổi phông Times New Roman, rồi nộp lại.",
        "Convert it to Unicode (for instance with UniKey's converter) and send it again.",
    ),
)
BIRTH_AS_NUMBER = kind_of(
    "birth_as_number",
    Heading.RIGHT,
    Text(
        "Ngày sinh ở dạng số ngày của bảng tính (đã mất định dạng); đã đọc thành ngày.",
        "The date of birth is a spreadsheet's day number (its format is lost); it was read as a day.",
    ),
    Text("Đặt định dạng ô là Ngày và kiểm tra lại.", "Format the cell as a date and check it."),
    refuses=False,
)
BAD_SEX = kind_of(
    "bad_sex",
    Heading.RIGHT,
    Text("Giới tính phải là Nam hoặc Nữ.", "The sex must be Nam or Nữ."),
    Text("Chọn Nam hoặc Nữ theo danh mục.", "Choose Nam or Nữ."),
)
BAD_STATUS = kind_of(
    "bad_status",
    Heading.RIGHT,
    Text("Giá trị không có trong danh mục.", "The value is not in the catalogue."),
    Text("Chọn giá trị theo trang «Danh mục» của tệp mẫu.", "Choose a value of the template's sheet «Danh mục»."),
)
BAD_CLASS = kind_of(
    "bad_class",
    Heading.RIGHT,
    Text("Tên lớp không hợp lệ.", "The class name is not valid."),
    Text("Ghi tên lớp dưới 40 ký tự, ví dụ 1A.", "Write the class in less than 40 characters, for instance 1A."),
)
CLASS_IS_DATE = kind_of(
    "class_is_date",
    Heading.RIGHT,
    Text("Tên lớp đã bị Excel đổi thành ngày (ví dụ 6/4).", "Excel has turned the class name (like 6/4) into a date."),
    Text(
        "Đặt định dạng ô là Văn bản (Text) rồi nhập lại tên lớp.", "Format the cell as text and type the class again."
    ),
)
BAD_GRADE = kind_of(
    "bad_grade",
    Heading.RIGHT,
    Text("Khối phải là số từ 1 đến 12.", "The grade must be a number from 1 to 12."),
    Text("Ghi số khối hoặc để trống.", "Write the grade, or leave it empty."),
)
BAD_PERSONAL_ID = kind_of(
    "bad_personal_id",
    Heading.RIGHT,
    Text("Số định danh cá nhân phải có đúng 12 chữ số.", "A personal number has exactly 12 digits."),
    Text("Nhập đủ 12 chữ số ở dạng văn bản, hoặc để trống.", "Type all 12 digits as text, or leave it empty."),
)
PERSONAL_ID_YEAR = kind_of(
    "personal_id_year",
    Heading.RIGHT,
    Text("Số định danh cá nhân không khớp năm sinh.", "The personal number does not agree with the year of birth."),
    Text("Kiểm tra ngày sinh và số định danh.", "Check date of birth and personal number."),
    refuses=False,
)
PERSONAL_ID_SEX = kind_of(
    "personal_id_sex",
    Heading.RIGHT,
    Text("Số định danh cá nhân không khớp giới tính.", "The personal number does not agree with the sex."),
    Text("Kiểm tra giới tính và số định danh.", "Check sex and personal number."),
    refuses=False,
)
BAD_CONTACT = kind_of(
    "bad_contact",
    Heading.RIGHT,
    Text(
        "Điện thoại hoặc email không đúng dạng; không lưu ô này.",
        "The phone or e-mail has no valid form; it is not kept.",
    ),
    Text("Sửa rồi nộp lại, hoặc bỏ trống.", "Correct it and send it again, or leave it empty."),
    refuses=False,
)
NO_GRADE = kind_of(
    "no_grade",
    Heading.COMPLETE,
    Text("Không biết khối của lớp; chỉ áp dụng được đơn giá chung.", "The grade of the class is not known."),
    Text("Thêm cột «Khối».", "Add a column «Khối»."),
    refuses=False,
)
REPEATED_ROW = kind_of(
    "repeated_row",
    Heading.CLEAN,
    Text("Dòng lặp lại y hệt một dòng khác; chỉ tính một lần.", "The row repeats another one; it counts once."),
    Text("Xóa dòng thừa.", "Remove the extra row."),
    refuses=False,
)
SAME_ID_OTHER_ROW = kind_of(
    "duplicate_sector_id",
    Heading.CLEAN,
    Text(
        "Mã định danh trùng với dòng khác nhưng nội dung khác.", "Another row has this identifier with other content."
    ),
    Text("Giữ dòng đúng, xóa hoặc sửa mã dòng kia.", "Keep the right row; remove the other or correct its identifier."),
)
SAME_PERSONAL_ID = kind_of(
    "duplicate_personal_id",
    Heading.CLEAN,
    Text("Số định danh cá nhân trùng với học sinh khác.", "Another pupil has this personal number."),
    Text(
        "Kiểm tra hai học sinh; sửa mã định danh hoặc số định danh.", "Compare the two pupils and correct the numbers."
    ),
)
LIKE_ANOTHER = kind_of(
    "possible_duplicate",
    Heading.CLEAN,
    Text("Trùng họ tên, ngày sinh và lớp với dòng khác.", "Same name, date of birth and class as another row."),
    Text("Kiểm tra có phải một học sinh có hai mã.", "Check whether one pupil has two identifiers."),
    refuses=False,
)
LIKE_KNOWN = kind_of(
    "known_under_another_id",
    Heading.CLEAN,
    Text(
        "Trường đã có học sinh cùng họ tên, ngày sinh với mã định danh khác.",
        "The school knows a pupil of this name and date of birth under another identifier.",
    ),
    Text(
        "Kiểm tra mã định danh; nếu là cùng một em, sửa mã trong tệp rồi nộp lại.",
        "Check the identifier; if it is the same pupil, correct it in the file.",
    ),
    refuses=False,
)
TWO_GRADES = kind_of(
    "class_with_two_grades",
    Heading.CLEAN,
    Text("Lớp này có hai khối khác nhau trong tệp.", "The file gives this class two grades."),
    Text("Sửa cột «Khối» cho thống nhất.", "Make the column «Khối» agree."),
)
LEFT_UNKNOWN = kind_of(
    "left_unknown",
    Heading.LIVE,
    Text(
        "Học sinh đã chuyển đi hoặc thôi học và chưa có trong hệ thống; không tạo mới.",
        "The pupil has left and is not known here; nothing was created.",
    ),
    Text("Không cần làm gì.", "Nothing needs to be done."),
    refuses=False,
)
