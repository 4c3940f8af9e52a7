"""A first program: a table goes into a container, code runs over it there, a chart and its numbers come out.

It needs the official `openai` package, and OPENAI_BASE_URL and OPENAI_API_KEY of a Sandlot.
"""

import csv
import sys
import unicodedata
from hashlib import sha256
from pathlib import Path

from openai import OpenAI

# What runs in the container: how many letters has each writing system?
PROGRAM = """
import hashlib, pathlib
import pandas

table = pandas.read_csv("unicode.csv", keep_default_na=False)
letters = table[table.category.str.startswith("L")]
script = letters.name.str.split(" |-").str[0].str.title().rename("script")
top = letters.groupby(script).agg(letters=("code", "size"), first=("code", "min")).nlargest(20, "letters")

top.to_csv("scripts.csv")
chart = top.letters.iloc[::-1].plot.barh(logx=True, title="Letters by writing system")
chart.figure.savefig("scripts.png", bbox_inches="tight")

for name in ("scripts.csv", "scripts.png"):
    print(hashlib.sha256(pathlib.Path(name).read_bytes()).hexdigest(), name)
"""

# The table: every character that has a name, 6 MB of real data that Python brings along.
with open("unicode.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["code", "name", "category", "direction", "width"])
    for code, character in enumerate(map(chr, range(sys.maxunicode + 1))):
        if name := unicodedata.name(character, None):
            category, direction = unicodedata.category(character), unicodedata.bidirectional(character)
            table.writerow([code, name, category, direction, unicodedata.east_asian_width(character)])

client = OpenAI()
container = client.containers.create(name="first program", memory_limit="4g")
print(container.id, container.status)

client.containers.files.create(container.id, file=Path("unicode.csv"))

call = client.post(
    f"/containers/{container.id}/shell_calls",
    body={"commands": ["python3 -"], "stdin": PROGRAM},
    cast_to=dict,
)
output = call["output"][0]
if output["outcome"] != {"type": "exit", "exit_code": 0}:
    sys.exit(output["stderr"])
checksums = {name: checksum for checksum, name in map(str.split, output["stdout"].splitlines())}

for made in client.containers.files.list(container.id):
    if made.source == "assistant":
        content = client.containers.files.content.retrieve(made.id, container_id=container.id).read()
        name = Path(made.path).name
        Path(name).write_bytes(content)
        print(name, made.bytes, "bytes:", "as made" if sha256(content).hexdigest() == checksums[name] else "DAMAGED")

client.containers.delete(container.id)
