"""Who works at the demo's company, and what they change in the systems that report to Daybook. All of it is made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Person:
    """An operator, the organization (by key) they belong to, how busy they are, and which things they work on."""

    name: str
    role: str
    organization: str
    address: str
    weight: float
    things: tuple[str, ...]
    channel: str = "ui"


PEOPLE = (
    Person(
        "林梅", "Content editor 内容编辑", "content", "10.20.3.14", 5, ("dashboard", "wechat_page", "coupon", "event")
    ),
    Person(
        "amelia.hart",
        "Growth analyst 增长分析师",
        "growth",
        "10.20.4.52",
        6,
        ("segment", "analysis", "dashboard", "chart"),
    ),
    Person(
        "tom.becker",
        "Growth lead 增长负责人",
        "growth",
        "10.20.4.9",
        4,
        ("dashboard", "flow", "segment", "distribution"),
    ),
    Person(
        "周昀", "Data engineer 数据工程师", "operations", "10.20.2.31", 5, ("event", "distribution", "crawler", "chart")
    ),
    Person("王强", "Administrator 管理员", "head-office", "10.20.1.2", 2, ("role", "crawler", "distribution")),
    Person("chen.jie", "Customer service 客服", "service", "10.21.7.88", 5, ("customer", "sms", "coupon", "lottery")),
    Person(
        "report-robot", "Service account 服务账号", "operations", "172.16.0.12", 3, ("analysis", "segment"), "openapi"
    ),
)


@dataclass(frozen=True)
class Thing:
    """A kind of objects of a product: how they are at first, what edits change in them, and how often each action of
    the catalogue is done to them."""

    key: str
    product: str
    module: str
    submodule: str
    project: str
    actions: Mapping[str, int]
    objects: tuple[Mapping[str, Any], ...]
    edits: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    id_field: str = "id"
    name_field: str = "name"


THINGS = (
    Thing(
        "dashboard",
        *("datafinder", "dashboard", "dashboard", "own"),
        {"edit": 8, "authorize": 3, "edit_subscription": 2, "copy": 1, "create": 1},
        (
            {
                "dashboard_id": "710034",
                "name": "Summer campaign 夏季活动",
                "owner": "林梅",
                "status": "enabled",
                "members": ["林梅", "amelia.hart"],
            },
            {
                "dashboard_id": "710035",
                "name": "Booking funnel 预订漏斗",
                "owner": "amelia.hart",
                "status": "enabled",
                "members": ["amelia.hart"],
            },
            {
                "dashboard_id": "710041",
                "name": "酒店评价概览",
                "owner": "林梅",
                "status": "enabled",
                "members": ["林梅", "chen.jie"],
            },
        ),
        {
            "dashboard_description": (
                "Daily figures for the weekly meeting",
                "每周例会用的每日数据",
                "Reviewed with finance",
                "",
            ),
            "push_time": ("09:00", "08:30", "18:00"),
            "owner": ("林梅", "amelia.hart", "tom.becker"),
            "members": (["林梅", "amelia.hart", "tom.becker"], ["林梅"], ["amelia.hart", "chen.jie", "周昀"]),
        },
        "dashboard_id",
    ),
    Thing(
        "chart",
        *("datafinder", "dashboard", "chart", "own"),
        {"create": 2, "edit": 6, "delete": 1},
        (
            {
                "chart_id": "88120",
                "chart_name": "Orders by host 各宿主订单",
                "owner": "周昀",
                "query": {"metric": "orders", "filters": [{"id": 1, "field": "os", "value": "iOS"}]},
            },
            {
                "chart_id": "88121",
                "chart_name": "退改签率",
                "owner": "amelia.hart",
                "query": {"metric": "refund_ratio", "filters": []},
            },
        ),
        {
            "query": (
                {"metric": "orders", "filters": [{"id": 1, "field": "os", "value": "HarmonyOS"}]},
                {
                    "metric": "orders_paid",
                    "filters": [{"id": 1, "field": "os", "value": "iOS"}, {"id": 2, "field": "city", "value": "上海"}],
                },
                {"metric": "refund_ratio", "filters": [{"id": 3, "field": "channel", "value": "city-card"}]},
            ),
        },
        "chart_id",
        "chart_name",
    ),
    Thing(
        "analysis",
        *("datafinder", "advanced_analysis", "analysis_models", "partners"),
        {"query": 9, "download": 3},
        (
            {"id": "A-2201", "name": "Retention of new users 新用户留存", "result_url": "/analysis/2201"},
            {"id": "A-2207", "name": "Conversion of the ticket page 门票转化", "result_url": "/analysis/2207"},
        ),
    ),
    Thing(
        "segment",
        *("datafinder", "user_analysis", "user_segment", "partners"),
        {"edit": 4, "recalculate": 4, "view_user_list": 3, "download": 3, "create": 1},
        (
            {"id": "S-310", "name": "高价值会员", "type": "rule", "description": "近 90 天消费满 3000 元"},
            {"id": "S-311", "name": "Lapsed since spring", "type": "rule", "description": "No open for 60 days"},
        ),
        {
            "description": ("近 30 天消费满 1000 元", "No open for 90 days, had paid once", "近 90 天消费满 5000 元"),
            "type": ("rule", "upload"),
        },
    ),
    Thing(
        "event",
        *("datafinder", "metadata", "event_and_property", "own"),
        {"edit": 5, "disable": 2, "enable": 2, "accept": 1},
        (
            {"id": "booking_paid", "name": "booking_paid", "display_name": "支付成功", "status": "enabled"},
            {"id": "page_stay", "name": "page_stay", "display_name": "Page left 页面离开", "status": "enabled"},
        ),
        {"display_name": ("支付成功（含补差）", "Booking paid 支付成功", "Page left 离开页面")},
    ),
    Thing(
        "distribution",
        *("datafinder", "data_open", "data_distribution", "partners"),
        {"edit": 3, "disable": 1, "turn_on": 1},
        (
            {
                "id": "D-12",
                "name": "Orders to the bank 订单同步",
                "webhook_url": "https://bank.example/hooks/7",
                "status": "enabled",
            },
        ),
        {"webhook_url": ("https://bank.example/hooks/8", "https://bank.example/v2/hooks")},
    ),
    Thing(
        "crawler",
        *("datafinder", "app_management", "general_settings", "own"),
        {"configure_crawler_rules": 2},
        ({"id": "crawler", "name": "Crawler rules 爬虫规则", "crawler_signature": "bot|spider"},),
        {"crawler_signature": ("bot|spider|curl", "bot|spider|curl|python-requests")},
    ),
    Thing(
        "role",
        *("datafinder", "permission_management", "role", "own"),
        {"edit_info": 2, "configure_feature_permissions": 3, "add_members": 2},
        (
            {
                "id": "R-4",
                "name": "Partner viewer 合作方查看",
                "role_owner": "王强",
                "permission_list": ["dashboard:view"],
            },
        ),
        {
            "permission_list": (
                ["dashboard:view", "segment:view"],
                ["dashboard:view", "segment:download"],
                ["dashboard:view"],
            )
        },
    ),
    Thing(
        "wechat_page",
        *("dmhub", "wechat_page", "", "own"),
        {"edit": 5, "create_copy": 2, "delete": 1},
        (
            {"id": "WP-901", "name": "秋季促销落地页", "title": "立减 200 元", "is_public": True},
            {"id": "WP-902", "name": "Members' day 会员日", "title": "Double points", "is_public": False},
        ),
        {"title": ("立减 100 元", "Double points for members", "限时特惠"), "is_public": (True, False)},
    ),
    Thing(
        "coupon",
        *("dmhub", "wechat_coupon", "", "partners"),
        {"edit": 3, "create_copy": 1, "sync": 2},
        ({"id": "C-77", "name": "满 500 减 50", "amount": 50, "limit": 10000},),
        {"amount": (50, 60, 80), "limit": (10000, 20000)},
    ),
    Thing(
        "customer",
        *("dmhub", "customer", "", "partners"),
        {"batch_import": 2, "batch_export": 4, "merge": 3, "delete": 1},
        (
            {"id": "list-2025", "name": "Members 会员名单", "count": 18234},
            {"id": "list-vip", "name": "VIP 客户", "count": 912},
        ),
        {"count": (18411, 18502, 930)},
    ),
    Thing(
        "sms",
        *("dmhub", "sms", "", "own"),
        {"send": 4, "edit": 2},
        ({"id": "SMS-51", "name": "出行提醒", "text": "您预订的行程将于明日开始。"},),
        {"text": ("您预订的行程将于明日开始，请携带证件。", "Your journey begins tomorrow.")},
    ),
    Thing(
        "flow",
        *("dmhub", "auto_flow", "", "own"),
        {"edit": 4, "start": 2, "stop": 2},
        (
            {
                "id": "F-18",
                "name": "Win back 唤回流程",
                "status": "running",
                "steps": [{"id": 1, "wait_days": 3}, {"id": 2, "wait_days": 7}],
            },
        ),
        {
            "steps": (
                [{"id": 1, "wait_days": 2}, {"id": 2, "wait_days": 7}],
                [{"id": 1, "wait_days": 3}, {"id": 3, "send": "SMS-51"}],
            )
        },
    ),
    # Newer than the catalogue of its product: kept, and marked.
    Thing(
        "lottery",
        *("dmhub", "lottery", "", "own"),
        {"draw": 1},
        ({"id": "L-3", "name": "Lucky wheel 幸运转盘", "prize": "Weekend for two"},),
        {"prize": ("Weekend for two 双人周末游", "满 500 减 80")},
    ),
)

STATUS_AFTER = {"disable": "disabled", "enable": "enabled", "turn_on": "enabled", "stop": "stopped", "start": "running"}
"""What the status of a thing is after an action that sets it."""

REASONS = ("No permission for this project 无该项目权限", "Timed out 请求超时", "名称已存在")
"""Why an operation failed."""
