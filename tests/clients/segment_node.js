// Send events by @segment/analytics-node: URL KEY APPLICATION EVENTS, the last as JSON.
const { Analytics } = require("@segment/analytics-node");

const [url, key, application, events] = process.argv.slice(2);
const analytics = new Analytics({ writeKey: key, host: url, maxEventsInBatch: 7, maxRetries: 4 });
analytics.on("error", (error) => { console.error(error); process.exitCode = 1; });
for (const event of JSON.parse(events)) {
  const told = {
    anonymousId: event.visitor,
    context: { app: { namespace: application }, sessionId: event.session },
    timestamp: new Date(event.at),
    messageId: event.id,
    properties: event.properties,
  };
  if (event.screen) analytics.screen({ name: event.screen, ...told });
  else analytics.track({ event: event.track, ...told });
}
analytics.identify({ userId: "user-7", traits: { name: "小明" } });
analytics.closeAndFlush();
