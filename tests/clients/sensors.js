// Send events by sa-sdk-miniprogram, in what a mini program's runtime is to it: URL PACKED STEPS [SECONDS], the steps as JSON.
// A step is ["launch" | "show" | "hide"] or ["page", path] or ["share", path].
const http = require("http");

const [url, packed, steps, patience = "15"] = process.argv.slice(2);
const kept = {};
const shown = [], hidden = [];
let app, page, waiting = 0;

global.wx = {
  getStorageSync: (key) => kept[key] ?? "",
  setStorageSync: (key, value) => { kept[key] = value; },
  getStorage: ({ key, complete }) => complete({ data: kept[key] }),
  getSystemInfo: ({ success, complete }) => {
    success({ brand: "Xiaomi", model: "小米 14", platform: "android", system: "Android 14", screenWidth: 1, screenHeight: 2,
      SDKVersion: "3.0.0", version: "8.0" });
    if (complete) complete();
  },
  getNetworkType: ({ success, complete }) => { success({ networkType: "wifi" }); if (complete) complete(); },
  onNetworkStatusChange: () => {},
  getAccountInfoSync: () => ({ miniProgram: { appId: "wx123" } }),
  getLaunchOptionsSync: () => ({ path: "pages/首页/index", scene: 1001, query: {} }),
  onAppShow: (told) => shown.push(told),
  onAppHide: (told) => hidden.push(told),
  // As in WeChat: any whole answer is a success, whatever its status.
  request: ({ url, method, data, header, success, fail }) => {
    waiting++;
    const asked = http.request(url, { method, headers: header }, (answer) => {
      console.log(answer.statusCode);
      answer.resume();
      answer.on("end", () => { waiting--; if (success) success({ statusCode: answer.statusCode }); });
      answer.on("error", () => { waiting--; if (fail) fail({ errMsg: "request:fail" }); });
    });
    asked.on("error", () => { waiting--; if (fail) fail({ errMsg: "request:fail" }); });
    asked.end(data);
  },
};
global.App = (options) => { app = options; };
global.Page = (options) => { page = options; };
global.Component = () => {};
global.getApp = () => app;
global.getCurrentPages = () => (page ? [page] : []);

const sensors = require("sa-sdk-miniprogram");
sensors.setPara({ server_url: url, autoTrack: { pageLeave: true }, batch_send: { send_timeout: 200 } });
if (packed === "packed") {
  const plugin = require("sa-sdk-miniprogram/dist/wechat/plugin/gzip/index.cmd.js");
  sensors.usePlugin(plugin);
}
sensors.init();

const opened = { path: "pages/首页/index", scene: 1001, query: {} };
const does = {
  launch: () => { App({ onLaunch() {}, onShow() {} }); app.onLaunch(opened); app.onShow(opened); does.show(); },
  show: () => shown.forEach((told) => told(opened)),
  hide: () => hidden.forEach((told) => told()),
  page: (path) => {
    if (page && page.onHide) page.onHide();
    Page({ onLoad() {}, onShow() {}, onHide() {}, onShareAppMessage() { return {}; } });
    page.route = path;
    page.onLoad({});
    page.onShow();
  },
  share: () => page.onShareAppMessage({ from: "menu" }),
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

(async () => {
  for (const [step, path] of JSON.parse(steps)) { does[step](path); await sleep(20); }
  const until = Date.now() + patience * 1000;
  while ((sensors.store.mem.getLength() || waiting) && Date.now() < until) await sleep(50);
  console.log(sensors.store.mem.getLength() ? "kept" : "sent");
  process.exit(0);
})();
