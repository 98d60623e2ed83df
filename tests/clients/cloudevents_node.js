// Send events by cloudevents of npm: URL KEY MODE EVENTS, the last as JSON. Prints what was answered, a line each.
const { CloudEvent, HTTP, CONSTANTS, emitterFor, httpTransport, Mode } = require("cloudevents");

const [url, key, mode, told] = process.argv.slice(2);
const events = JSON.parse(told).map((each) => new CloudEvent({ ...each, datacontenttype: "application/json" }));
const send = httpTransport(url);
const options = { headers: { authorization: `Bearer ${key}` } };

async function main() {
  let answers;
  if (mode === "batch") {
    // The library reads batches and does not write them: its events as JSON are their members.
    const message = { headers: { "content-type": CONSTANTS.MIME_CE_BATCH }, body: JSON.stringify(events) };
    answers = [await send(message, options)];
  } else {
    const emit = emitterFor(send, { binding: HTTP, mode: mode === "binary" ? Mode.BINARY : Mode.STRUCTURED });
    answers = [];
    for (const event of events) answers.push(await emit(event, options));
  }
  for (const answer of answers) console.log(200, answer.body);
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
