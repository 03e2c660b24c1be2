"""What happened, as one JSON object a line on standard output."""
import json
import time

START = time.monotonic()


def event(what, **more):
    print(json.dumps({'t': round(time.monotonic() - START, 3), 'event': what, **more}), flush=True)
