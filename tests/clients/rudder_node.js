// Send events by @rudderstack/rudder-sdk-node, which packs them by gzip: URL KEY APPLICATION EVENTS, the last as JSON.
const RudderAnalytics = require("@rudderstack/rudder-sdk-node");

const [url, key, application, events] = process.argv.slice(2);
const analytics = new RudderAnalytics(key, { dataPlaneUrl: url, flushAt: 7, flushInterval: 100, logLevel: "error" });
const send = async () => {
  for (const event of JSON.parse(events)) {
    const told = {
      anonymousId: event.visitor,
      context: { app: { namespace: application }, sessionId: event.session },
      originalTimestamp: new Date(event.at),
      messageId: event.id,
      properties: event.properties,
    };
    if (event.screen) analytics.screen({ name: event.screen, ...told });
    else analytics.track({ event: event.track, ...told });
  }
  analytics.identify({ userId: "user-7", traits: { name: "小明" } });
  while (analytics.queue.length) await analytics.flush();
  await analytics.pendingFlush;
};
send().catch((error) => { console.error(error); process.exitCode = 1; }).finally(() => setTimeout(process.exit, 200));
