"""Send events by cloudevents of PyPI: URL KEY MODE EVENTS, the last as JSON. Prints what was answered, a line each."""

import json
import sys
from datetime import datetime

import requests
from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

url, key, mode, told = sys.argv[1:]
events = []
for each in json.loads(told):
    attributes = {name: each[name] for name in ("id", "source", "type", "subject")}
    attributes |= {"time": datetime.fromisoformat(each["time"]), "datacontenttype": "application/json"}
    events.append(CloudEvent(attributes=attributes, data=each["data"]))
if mode == "batch":
    # The library has no batches of its own: its events in their JSON format are their members.
    body = b"[" + b",".join(JSONFormat().write(event) for event in events) + b"]"
    messages = [http.HTTPMessage({"content-type": "application/cloudevents-batch+json"}, body)]
else:
    write = {"structured": http.to_structured_event, "binary": http.to_binary_event}[mode]
    messages = [write(event) for event in events]
for message in messages:
    answer = requests.post(url, data=message.body, headers=message.headers, auth=(key, ""), timeout=30)
    print(answer.status_code, json.dumps(answer.json()))
