"""What the users of the demo complain about, and in which words. All of it is made up."""

from __future__ import annotations

ABNORMALITIES = {
    "cannot_open": (
        "点开{program}一直转圈，进不去",
        "提示“服务不可用，请稍后再试”，打不开{program}",
        "{program} does not open from the home screen, only an error 502",
        "扫码进来是空的，退出再进还是打不开",
        "Nothing happens when I tap {program}",
    ),
    "crash": (
        "提交订单的时候闪退，已经三次了，钱有没有扣？",
        "选座页面往下滑就闪退",
        "The app closes by itself when I pick a date",
        "打开优惠券列表直接崩溃退出",
        "Crashes every time after the payment password",
    ),
    "stutter": (
        "列表滑动很卡，一顿一顿的",
        "地图放大缩小非常卡顿",
        "Scrolling the results stutters on my phone",
        "切换日期要卡两三秒",
    ),
    "blank_screen": (
        "支付完成后白屏，看不到订单",
        "进详情页白屏，只有返回按钮",
        "White screen after signing in, had to force close",
        "深色模式下整页都是黑的，什么也看不见",
    ),
    "freeze": (
        "填乘客信息时卡死，键盘收不回去",
        "The page freezes while it looks for seats",
        "点“确认”后没有反应，只能杀掉重开",
    ),
    "broken_layout": (
        "价格和按钮叠在一起了，看不清多少钱",
        "字体调大以后页面错位，底部按钮被挡住",
        "The calendar runs out of the screen on a small phone",
        "英文界面里文字超出边框",
    ),
    "slow": (
        "加载特别慢，等了半分钟才出来",
        "晚上八点以后打开{program}特别慢",
        "Photos take ages to load on mobile data",
        "查询余票要转十几秒",
    ),
    "other": (
        "收不到验证码，试了五次",
        "发票抬头保存不了",
        "订单状态一直显示“处理中”",
        "Notifications come twice",
        "定位不准，显示我在另一个城市",
    ),
}
"""By kind; `{program}` is the mini program's name."""

PRODUCT = (
    "希望增加收藏功能，下次好找",
    "建议支持按评分排序",
    "Please add a dark mode",
    "能不能把常用乘客放在最前面？",
    "希望可以修改订单的入住人姓名",
    "Would love to pay with a bank card from abroad",
    "退改签规则写得太难懂，希望简单一点",
    "建议增加候补购票提醒",
    "The new search is great, thank you!",
    "客服回复很快，点赞 👍",
    "希望支持大字版，爸妈看不清",
    "Could the map show walking distance?",
    "英文翻译有几处看不懂，比如“接送机”页面",
    "优惠券快过期时请提醒一下",
)

COMPLAINTS = (
    "退款申请七天了还没到账，客服一直让等",
    "页面显示 298，付款变成 358，属于价格欺诈",
    "司机迟到四十分钟还不接电话，要求赔偿",
    "酒店说没有我的订单，到店无房，晚上十一点自己重新找的地方",
    "I was charged twice and nobody answers",
    "未经同意给我开通了自动续费",
    "客服态度恶劣，直接挂断电话",
    "The cancellation fee was not shown before paying",
    "退票手续费与页面写的不一致",
)

CONTACTS = ("13800138{0:03}", "1590013{0:04}", "traveller{0}@example.com", "wx_lantern_{0}", "+852 5550 {0:04}")

LOG_LINES = (
    "INFO  launch scene=1089 path=pages/index cold=true",
    "INFO  request GET /v2/config 200 {0}ms",
    "INFO  page show pages/search/list",
    "WARN  request GET /v2/search slow {0}ms",
    "INFO  image cache hit 31/44",
    "ERROR request POST /v2/order/submit 502 {0}ms trace=7f3a{0:04x}",
    "ERROR TypeError: Cannot read properties of undefined (reading 'price') at order/fill.js:118:23",
    "WARN  memory level=10",
    "INFO  网络切换 wifi -> 4g",
    "ERROR 渲染层错误 setData 超过 1024kB ({0}kB)",
)
