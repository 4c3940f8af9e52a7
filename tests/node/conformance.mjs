// The main job and paging, with the official Node client. tests/conformance/test_node_client.py runs it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import OpenAI, { toFile } from "openai";

const client = new OpenAI({ maxRetries: 0 });
const crowd = process.env.CROWD.split(" "); // ids of expired containers, the oldest first

// What runs in the container: the mean of each sensor, as a table and as a chart.
const PROGRAM = `
import hashlib, pathlib
import pandas
means = pandas.read_csv("readings.csv").groupby("sensor").reading.agg(["mean", "size"])
means.to_csv("means.csv")
means["mean"].plot.bar().figure.savefig("means.png")
for name in ("means.csv", "means.png"):
    print(hashlib.sha256(pathlib.Path(name).read_bytes()).hexdigest(), name)
`;

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** A table of 4 MB: 200,000 readings of 12 sensors, each of them its number and a sine wave. */
function readings() {
  const lines = ["number,sensor,reading"];
  for (let number = 0; number < 200_000; number += 1) {
    const sensor = number % 12;
    lines.push(`${number},sensor-${sensor},${(sensor + Math.sin(number / 500)).toFixed(4)}`);
  }
  return Buffer.from(lines.join("\n"));
}

async function collect(pages) {
  const ids = [];
  for await (const container of pages) ids.push(container.id);
  return ids;
}

test("the main job", async () => {
  const table = readings();
  const container = await client.containers.create({ name: "node", memory_limit: "4g" });
  assert.equal(container.status, "running");
  assert.equal(container.memory_limit, "4g");

  const uploaded = await client.containers.files.create(container.id, { file: await toFile(table, "readings.csv") });
  assert.equal(uploaded.path, "/mnt/data/readings.csv");
  assert.equal(uploaded.bytes, table.length);

  const call = await client.post(`/containers/${container.id}/shell_calls`, {
    body: { commands: ["python3 -"], stdin: PROGRAM },
  });
  const [output] = call.output;
  assert.deepEqual(output.outcome, { type: "exit", exit_code: 0 }, output.stderr);

  const made = {};
  for await (const file of client.containers.files.list(container.id)) {
    if (file.source === "assistant") made[file.path] = file;
  }
  const lines = output.stdout.trim().split("\n");
  assert.equal(lines.length, 2);
  for (const line of lines) {
    const [checksum, name] = line.split(" ");
    const file = made[`/mnt/data/${name}`];
    const response = await client.containers.files.content.retrieve(file.id, { container_id: container.id });
    const content = Buffer.from(await response.arrayBuffer());
    assert.equal(content.length, file.bytes);
    assert.equal(sha256(content), checksum);
  }

  await client.containers.delete(container.id);
  await assert.rejects(client.containers.retrieve(container.id), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.error.message, `Container with id '${container.id}' not found.`);
    return true;
  });
});

for (const order of ["asc", "desc"]) {
  test(`all pages, ${order}`, async () => {
    const expected = order === "asc" ? crowd : crowd.toReversed();
    const known = new Set(crowd);
    const found = await collect(client.containers.list({ order, limit: 100 }));
    assert.deepEqual(
      found.filter((id) => known.has(id)),
      expected,
    );
  });
}

test("all pages of one name", async () => {
  const even = crowd.filter((_, index) => index % 2 === 0);
  assert.deepEqual(await collect(client.containers.list({ name: "even", order: "asc" })), even);
});
