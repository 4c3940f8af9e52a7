"""A file and a skill, kept by the server, and a container that begins with both.

It needs the official `openai` package, and OPENAI_BASE_URL and OPENAI_API_KEY of a Sandlot.
"""

from openai import OpenAI

INSTRUCTIONS = """\
---
name: csv-totals
description: Adds up the columns of a CSV file.
---
Run `python3 totals.py FILE`.
"""

SCRIPT = """\
import csv, sys

with open(sys.argv[1], newline="") as file:
    rows = list(csv.DictReader(file))
for column in rows[0]:
    print(column, sum(float(row[column]) for row in rows))
"""

client = OpenAI()

skill = client.skills.create(
    files=[
        ("csv-totals/SKILL.md", INSTRUCTIONS.encode()),
        ("csv-totals/totals.py", SCRIPT.encode()),
    ]
)
file = client.files.create(file=("sales.csv", b"amount,tax\n100,19\n50,9.5\n"), purpose="user_data")

container = client.containers.create(
    name="with a skill",
    file_ids=[file.id],
    skills=[{"type": "skill_reference", "skill_id": skill.id, "version": "latest"}],
)
call = client.post(
    f"/containers/{container.id}/shell_calls",
    body={"commands": ["python3 /home/oai/skills/csv-totals-1/totals.py sales.csv"]},
    cast_to=dict,
)
print(call["output"][0]["stdout"], end="")

client.containers.delete(container.id)
client.files.delete(file.id)
client.skills.delete(skill.id)
