// Each method of the official Node client's resources, really called. tests/conformance/test_node_client.py runs it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";

import OpenAI, { toFile } from "openai";

import { recorded, sdkMethods } from "./sdk_methods.mjs";

let client;
let called;

beforeEach(() => {
  client = new OpenAI({ maxRetries: 0 });
  called = recorded(client);
});

afterEach((context) => {
  const resource = context.name.split(" ").at(-1);
  const missing = sdkMethods(client).filter(({ path }) => path.startsWith(`${resource}.`) && !called.has(path));
  assert.deepEqual(
    missing.map(({ path }) => path),
    [],
  );
});

const text = (content, name) => toFile(Buffer.from(content), name);
const skillZip = (number) => toFile(readFileSync(process.env.SKILL_ZIPS.split(" ")[number]), "skill.zip");
const bytes = async (response) => Buffer.from(await (await response).arrayBuffer());

async function collect(pages) {
  const found = [];
  for await (const each of pages) found.push(each);
  return found;
}

test("every method of files", async () => {
  const made = await client.files.create({
    file: await text("text", "a.txt"),
    purpose: "vision",
    expires_after: { anchor: "created_at", seconds: 3600 },
  });
  assert.equal(made.expires_at, made.created_at + 3600);
  assert.deepEqual(await client.files.retrieve(made.id), made);
  assert.deepEqual(await client.files.waitForProcessing(made.id), made);
  const listed = await collect(client.files.list({ purpose: "vision", limit: 1 }));
  assert.ok(listed.some((file) => file.id === made.id));
  assert.equal((await bytes(client.files.content(made.id))).toString(), "text");
  assert.deepEqual(await client.files.delete(made.id), { id: made.id, object: "file", deleted: true });
});

test("every method of uploads", async () => {
  const wanted = { bytes: 6, filename: "a.txt", mime_type: "text/plain", purpose: "user_data" };
  const upload = await client.uploads.create(wanted);
  const first = await client.uploads.parts.create(upload.id, { data: await text("abc", "part") });
  const second = await client.uploads.parts.create(upload.id, { data: await text("def", "part") });
  const done = await client.uploads.complete(upload.id, {
    part_ids: [second.id, first.id],
    md5: createHash("md5").update("defabc").digest("hex"),
  });
  assert.equal(done.status, "completed");
  assert.equal((await bytes(client.files.content(done.file.id))).toString(), "defabc");
  await client.files.delete(done.file.id);
  const other = await client.uploads.create(wanted);
  assert.equal((await client.uploads.cancel(other.id)).status, "cancelled");
});

test("every method of skills", async () => {
  const skill = await client.skills.create({ files: await skillZip(0) });
  assert.deepEqual(await client.skills.retrieve(skill.id), skill);
  assert.ok((await collect(client.skills.list())).some(({ id }) => id === skill.id));
  const content = await bytes(client.skills.content.retrieve(skill.id));
  assert.deepEqual(await bytes(client.skills.versions.content.retrieve("1", { skill_id: skill.id })), content);
  const second = await client.skills.versions.create(skill.id, { files: [await skillZip(1)], default: false });
  assert.deepEqual(await client.skills.versions.retrieve("2", { skill_id: skill.id }), second);
  const versions = await collect(client.skills.versions.list(skill.id, { limit: 1 }));
  assert.deepEqual(
    versions.map(({ version }) => version),
    ["2", "1"],
  );
  const updated = await client.skills.update(skill.id, { default_version: "2" });
  assert.equal(updated.default_version, "2");
  assert.equal(updated.name, second.name);
  assert.equal((await client.skills.versions.delete("1", { skill_id: skill.id })).version, "1");
  assert.deepEqual(await client.skills.delete(skill.id), { id: skill.id, object: "skill.deleted", deleted: true });
});

test("every method of containers", async () => {
  const file = await client.files.create({ file: await text("copied", "copied.txt"), purpose: "user_data" });
  const skill = await client.skills.create({ files: await skillZip(0) });
  const container = await client.containers.create({
    name: "methods",
    file_ids: [file.id],
    skills: [{ type: "skill_reference", skill_id: skill.id }],
  });
  assert.equal((await client.containers.retrieve(container.id)).name, "methods");
  assert.ok((await collect(client.containers.list({ name: "methods" }))).some(({ id }) => id === container.id));
  const made = await client.containers.files.create(container.id, { file: await text("text", "a.txt") });
  const again = await client.containers.files.create(container.id, { file_id: file.id });
  const files = await collect(client.containers.files.list(container.id, { limit: 1 }));
  assert.deepEqual(
    files.map(({ path }) => path).sort(),
    ["a.txt", "copied-1.txt", "copied.txt"].map((name) => `/mnt/data/${name}`),
  );
  const inside = { container_id: container.id };
  assert.deepEqual(await client.containers.files.retrieve(made.id, inside), made);
  assert.equal((await bytes(client.containers.files.content.retrieve(again.id, inside))).toString(), "copied");
  await client.containers.files.delete(made.id, inside);
  await client.containers.delete(container.id);
  await client.files.delete(file.id);
  await client.skills.delete(skill.id);
});
