"""Output as it comes: a stream that is left after its first event, and joined again.

It needs the official `openai` package, and OPENAI_BASE_URL and OPENAI_API_KEY of a Sandlot.
"""

from typing import Any

from openai import OpenAI, Stream

Events = Stream[dict[str, Any]]

client = OpenAI(max_retries=0)
container = client.containers.create(name="a stream")
calls = f"/containers/{container.id}/shell_calls"

body = {"commands": ["for i in 1 2 3; do echo $i; sleep 0.5; done"], "stream": True}
stream = client.post(calls, body=body, cast_to=dict, stream=True, stream_cls=Events)
call_id = stream.response.headers["content-location"].rpartition("/")[2]
first = next(stream)
print(first["delta"]["stdout"], end="")
stream.close()

url = f"{calls}/{call_id}/events?starting_after={first['sequence_number']}"
for event in client.get(url, cast_to=dict, stream=True, stream_cls=Events):
    if event["type"] == "response.shell_call_output_content.delta":
        print(event["delta"].get("stdout", ""), end="")
    elif event["type"] == "container.shell_call.completed":
        print(event["shell_call"]["output"][0]["outcome"])

client.containers.delete(container.id)
