"""The types of feedback, and the kinds of abnormalities (SPEC F1, F2): each one record."""

from __future__ import annotations

from dataclasses import dataclass

from lib.access.permissions import Permission


@dataclass(frozen=True)
class FeedbackType:
    """What a feedback is; its words are `feedback_type.<key>`. `permission` is what its rows need, `spellings` what
    clients call it besides its key (small letters, words joined by `_`)."""

    key: str
    permission: Permission
    spellings: tuple[str, ...]

    @property
    def words(self) -> str:
        """The catalogue key of its name."""
        return f"feedback_type.{self.key}"


@dataclass(frozen=True)
class FeedbackKind:
    """What is wrong in an abnormality; its words are `feedback_kind.<key>`, `spellings` as of a type."""

    key: str
    spellings: tuple[str, ...]

    @property
    def words(self) -> str:
        """The catalogue key of its name."""
        return f"feedback_kind.{self.key}"


ABNORMALITY = FeedbackType(
    "abnormality",
    Permission.FEEDBACK_READ,
    (
        *("functional_abnormality", "functional_abnormalities", "abnormal", "function", "functional", "bug", "issue"),
        *("功能异常", "异常", "故障", "功能"),
    ),
)
PRODUCT = FeedbackType(
    "product",
    Permission.FEEDBACK_READ,
    (
        *("product_feedback", "feedback", "suggestion", "suggestions", "opinion", "advice", "idea"),
        *("产品反馈", "产品建议", "建议", "意见", "反馈", "意见反馈"),
    ),
)
COMPLAINT = FeedbackType("complaint", Permission.COMPLAINT_READ, ("complaints", "complain", "投诉", "用户投诉", "举报"))

FEEDBACK_TYPES = (ABNORMALITY, PRODUCT, COMPLAINT)

OTHER = FeedbackKind("other", ("others", "其他", "其它"))

FEEDBACK_KINDS = (
    FeedbackKind("cannot_open", ("can_not_open", "cant_open", "open_failed", "无法打开", "打不开", "打开失败")),
    FeedbackKind("crash", ("crashes", "crashed", "闪退", "崩溃", "异常退出")),
    FeedbackKind("stutter", ("stuttering", "lag", "laggy", "jank", "卡顿", "卡")),
    FeedbackKind("blank_screen", ("blank", "white_screen", "black_screen", "白屏", "黑屏", "黑屏白屏", "白屏黑屏")),
    FeedbackKind("freeze", ("frozen", "freezes", "hang", "卡死", "死机", "无响应")),
    FeedbackKind("broken_layout", ("layout", "misplaced", "misalignment", "界面错位", "错位", "页面错乱", "布局错乱")),
    FeedbackKind("slow", ("slow_loading", "slow_load", "加载慢", "打开慢", "缓慢", "慢")),
    OTHER,
)

TYPE_BY_KEY = {each.key: each for each in FEEDBACK_TYPES}
KIND_BY_KEY = {each.key: each for each in FEEDBACK_KINDS}


def type_named(written: str) -> FeedbackType | None:
    """The type that somebody's word means; null where it means none."""
    return _TYPE_BY_WORD.get(_folded(written))


def kind_named(written: str) -> FeedbackKind | None:
    """The kind of abnormality that somebody's word means; null where it means none."""
    return _KIND_BY_WORD.get(_folded(written))


def _folded(written: str) -> str:
    return "_".join(written.strip().casefold().replace("-", " ").replace("_", " ").replace("/", " ").split())


_TYPE_BY_WORD = {word: each for each in FEEDBACK_TYPES for word in (each.key, *each.spellings)}
_KIND_BY_WORD = {word: each for each in FEEDBACK_KINDS for word in (each.key, *each.spellings)}
