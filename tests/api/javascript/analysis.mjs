// Answers at once, as they are written, as tasks and in batches.
import assert from "node:assert/strict";

const pause = () => new Promise((resolve) => setTimeout(resolve, 200));

async function until(look, wanted) {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = await look();
    if (wanted.includes(found.status)) return found;
    await pause();
  }
  throw new Error("it takes too long");
}

export async function analysis(client, assetId) {
  const video = { type: "asset_id", assetId };
  const ask = { video, prompt: "Summarize this video." };
  const { tasks, batches } = client.analyzeAsync;

  const answer = await client.analyze(ask);
  assert.ok(answer.data);
  assert.equal(answer.finishReason, "stop");
  let text = "";
  const kinds = [];
  for await (const event of await client.analyzeStream(ask)) {
    kinds.push(event.eventType);
    text += event.text ?? "";
  }
  assert.deepEqual([kinds[0], kinds.at(-1)], ["stream_start", "stream_end"]);
  assert.equal(text, answer.data);

  const made = await tasks.create({ ...ask, customId: "one" });
  const done = await until(() => tasks.retrieve(made.taskId), ["ready", "failed"]);
  assert.deepEqual([done.status, done.customId, done.result.data], ["ready", "one", answer.data]);
  assert.deepEqual((await tasks.list({ assetId })).data.map((one) => one.taskId), [made.taskId]);
  await tasks.delete(made.taskId);

  const batch = await batches.create({
    modelName: "pegasus1.5",
    analysisMode: "general",
    requests: [{ video, customId: "a", prompt: { inputText: "Summarize this video." } }],
  });
  await until(() => batches.retrieve(batch.batchId), ["completed"]);
  const results = [];
  for await (const one of await batches.results(batch.batchId)) results.push(one);
  assert.deepEqual(results.map((one) => [one.customId, one.status, one.data.data]), [["a", "ready", answer.data]]);
  const listed = [];
  for await (const one of await batches.list()) listed.push(one.batchId);
  assert.deepEqual(listed, [batch.batchId]);
  await assert.rejects(batches.cancel(batch.batchId), (error) => error.statusCode === 409);
  await batches.delete(batch.batchId);
}
