// What is not there yet says so, at every method.
import assert from "node:assert/strict";

export async function analysis(client, assetId) {
  const ask = { video: { type: "asset_id", assetId }, prompt: "What is it?" };
  const { tasks, batches } = client.analyzeAsync;
  const calls = [
    () => client.analyze(ask),
    () => client.analyzeStream(ask),
    () => tasks.create(ask),
    () => tasks.list(),
    () => tasks.retrieve(assetId),
    () => tasks.delete(assetId),
    () => batches.create({
      modelName: "pegasus1.5", analysisMode: "general", requests: [{ video: { type: "asset_id", assetId } }],
    }),
    () => batches.list(),
    () => batches.retrieve(assetId),
    () => batches.results(assetId),
    () => batches.cancel(assetId),
    () => batches.delete(assetId),
  ];
  for (const call of calls) {
    const error = await Promise.resolve().then(call).then(() => null, (one) => one);
    // Of an answer that would have been a stream, the SDK hands out the body unread.
    const streams = error?.body instanceof ReadableStream;
    const body = streams ? await new Response(error.body).json() : error?.body;
    assert.deepEqual([error?.statusCode, body?.code], [400, "api_not_allowed"], String(call));
  }
}
