"""The company of the demo: a travel agency whose mini programs run in three hosts. All of it is made up."""

from __future__ import annotations

from dataclasses import dataclass

TENANT_KEY = "demo"
TENANT_NAME = "Lantern Travel 灯笼旅行"
TENANT_MEMO = "Made-up figures to look at; `daybook demo remove` removes them."

PROJECTS = (("own", "Own channels 自有渠道"), ("partners", "Partners 合作渠道"))
ORGANIZATIONS = (
    ("head-office", None, "Head office 总部"),
    ("operations", "head-office", "Operations 运营中心"),
    ("content", "operations", "Content 内容组"),
    ("growth", "operations", "Growth 增长组"),
    ("service", "head-office", "Customer service 客户服务部"),
)


@dataclass(frozen=True)
class Host:
    """An application, with the share of its own users on each operating system, in the order of SYSTEMS."""

    key: str
    project: str
    name: str
    systems: tuple[float, ...]


HOSTS = (
    Host("lantern-app", "own", "Lantern App 灯笼旅行", (0.38, 0.44, 0.16, 0.00, 0.02)),
    Host("city-card", "partners", "City Card 城市一卡通", (0.24, 0.48, 0.28, 0.00, 0.00)),
    Host("harbour-bank", "partners", "Harbour Bank 海港银行", (0.41, 0.29, 0.12, 0.13, 0.05)),
)

SYSTEMS = (
    ("iOS", ("iPhone 15", "iPhone 16 Pro", "iPhone 13")),
    ("Android", ("Xiaomi 14", "OPPO Reno12", "vivo X100")),
    ("HarmonyOS", ("HUAWEI Mate 60", "HUAWEI nova 12", "HUAWEI Pura 70")),
    ("Windows", ("PC",)),
    ("macOS", ("Mac",)),
)
"""Each operating system with the devices seen on it."""


@dataclass(frozen=True)
class Program:
    """A mini program, its usual opens per day in each host, and its pages with how often each is seen.

    `opens_per_day` follows HOSTS; 0 means not linked. `launched_day` counts from the first day of the demo,
    `evening` is how far its day leans to the evening (0 to 1), and the first of `pages` is where most
    sessions begin.
    """

    key: str
    name: str
    kind: str
    description: str
    opens_per_day: tuple[float, float, float]
    pages: tuple[tuple[str, float], ...]
    evening: float = 0.5
    weekend: float = 1.0
    status: str = "online"
    launched_day: int = 0


PROGRAMS = (
    Program(
        "hotels",
        "Hotels 酒店预订",
        "Booking 预订",
        "Find and book a room. 查找并预订酒店。",
        (150, 26, 18),
        (
            ("pages/index", 5),
            ("pages/search/list", 4),
            ("pages/hotel/detail", 4),
            ("pages/hotel/评价", 1.5),
            ("pages/order/fill", 1),
            ("pages/order/pay", 0.6),
            ("pages/order/done", 0.4),
        ),
        evening=0.8,
        weekend=1.35,
    ),
    Program(
        "rail",
        "Rail tickets 火车票",
        "Booking 预订",
        "Trains, seats and refunds. 车次、选座与退改签。",
        (86, 72, 0),
        (
            ("pages/index", 5),
            ("pages/train/list", 4),
            ("pages/train/seats", 2),
            ("pages/order/confirm", 1),
            ("pages/order/pay", 0.8),
            ("pages/refund/退改签", 0.5),
        ),
        evening=0.3,
        weekend=0.9,
    ),
    Program(
        "attractions",
        "Attractions 景点门票",
        "Booking 预订",
        "Tickets for sights and shows. 景点与演出门票。",
        (58, 34, 9),
        (
            ("pages/首页", 5),
            ("pages/景点/列表", 3),
            ("pages/景点/详情", 3),
            ("pages/地图", 1.2),
            ("pages/order/pay", 0.7),
        ),
        evening=0.6,
        weekend=1.7,
    ),
    Program(
        "rides",
        "Airport rides 接送机",
        "Service 服务",
        "A car to and from the airport. 机场接送用车。",
        (34, 0, 14),
        (("pages/index", 4), ("pages/ride/quote", 2.5), ("pages/ride/track", 2), ("pages/order/pay", 0.8)),
        evening=0.2,
        weekend=1.1,
    ),
    Program(
        "visa",
        "Visa desk 签证办理",
        "Service 服务",
        "Papers, appointments, progress. 材料、预约与进度。",
        (17, 0, 11),
        (
            ("pages/index", 3),
            ("pages/visa/country", 3),
            ("pages/visa/材料清单", 2.2),
            ("pages/visa/progress", 2),
        ),
        evening=0.2,
        weekend=0.5,
    ),
    Program(
        "insurance",
        "Travel insurance 旅行保险",
        "Service 服务",
        "Cover for a journey. 出行保障。",
        (12, 6, 21),
        (("pages/index", 3), ("pages/plan/compare", 2), ("pages/plan/detail", 2), ("pages/claim/理赔", 0.6)),
        evening=0.4,
        weekend=0.8,
    ),
    Program(
        "points",
        "Points mall 积分商城",
        "Mall 商城",
        "What points can buy. 积分兑换好物。",
        (46, 19, 0),
        (
            ("pages/index", 5),
            ("pages/goods/list", 3),
            ("pages/goods/detail", 2.5),
            ("pages/签到", 3),
            ("pages/exchange", 0.7),
        ),
        evening=0.9,
        weekend=1.2,
    ),
    Program(
        "guides",
        "Local guides 当地向导",
        "Service 服务",
        "Being tried out since it was launched. 上线后试运营中。",
        (24, 0, 0),
        (("pages/index", 3), ("pages/guide/list", 2), ("pages/guide/向导主页", 2), ("pages/chat", 1)),
        evening=0.7,
        weekend=1.5,
        status="testing",
        launched_day=58,
    ),
)

UNLINKED = ("rides", "harbour-bank", 24)
"""The mini program and application whose link ended, and how many days before the end (SPEC U3)."""

VERSIONS = ((0, "3.4.0"), (21, "3.5.0"), (47, "3.5.1"), (70, "3.6.0"))
"""The day on which each version came out."""


@dataclass(frozen=True)
class Incident:
    """A host that nearly nobody could reach for some hours, local time, so many days before the end."""

    host: str
    days_before: int
    first_hour: float
    last_hour: float
    left: float


INCIDENT = Incident("city-card", 17, 17.5, 22.0, left=0.03)
