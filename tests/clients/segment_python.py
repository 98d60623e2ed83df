"""Send events by segment-analytics-python: URL KEY APPLICATION EVENTS, the last as JSON."""

import json
import sys
from datetime import datetime

from segment.analytics import Client

url, key, application, events = sys.argv[1:]
client = Client(key, host=url, gzip=True, upload_size=7, max_retries=4)
for event in json.loads(events):
    context = {"app": {"namespace": application}, "sessionId": event["session"]}
    told = {
        "anonymous_id": event["visitor"],
        "context": context,
        "timestamp": datetime.fromisoformat(event["at"]),
        "message_id": event["id"],
        "properties": event["properties"],
    }
    if "screen" in event:
        client.screen(name=event["screen"], **told)
    else:
        client.track(event=event["track"], **told)
client.identify("user-7", {"name": "小明"})
client.flush()
client.join()
