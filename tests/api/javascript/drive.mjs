// Drives the official JavaScript SDK through the server that the environment names; anything that
// is not as it should be ends it with an error.
import assert from "node:assert/strict";
import fs from "node:fs";
import { TwelveLabs, TwelvelabsApi } from "twelvelabs-js";

const film = process.env.FILM;
const picture = process.env.PICTURE;
const client = new TwelveLabs({ apiKey: process.env.KEY });
const model = "marengo3.0";

async function all(page) {
  const found = [];
  for await (const one of await page) found.push(one);
  return found;
}

async function ended(look) {
  for (;;) {
    const found = await look();
    if (["ready", "failed"].includes(found.status)) return found;
    await new Promise((done) => setTimeout(done, 200));
  }
}

// Indexes
const made = await client.indexes.create({
  indexName: "films",
  models: [{ modelName: model, modelOptions: ["visual", "audio"] }],
  addons: ["thumbnail"],
});
const index = made.id;
assert.equal((await client.indexes.retrieve(index)).indexName, "films");
await client.indexes.update(index, { indexName: "renamed" });
assert.deepEqual((await all(client.indexes.list())).map((i) => i.indexName), ["renamed"]);
await assert.rejects(client.indexes.retrieve("0".repeat(24)), (error) => error.statusCode === 404);

// Assets
const asset = await client.assets.create({
  method: "direct",
  file: fs.createReadStream(film),
  userMetadata: JSON.stringify({ kind: "film" }),
});
const ready = await ended(() => client.assets.retrieve(asset.id));
assert.equal(ready.status, "ready");
assert.ok(ready.technicalMetadata.hasAudio);
const image = await client.assets.create({ method: "direct", file: fs.createReadStream(picture) });
assert.equal((await ended(() => client.assets.retrieve(image.id))).fileType, "image/png");
assert.equal((await all(client.assets.list({ assetTypes: ["video"] }))).length, 1);
await client.assets.updateUserMetadata(asset.id, { userMetadata: { year: 2026 } });
await client.assets.replaceUserMetadata(asset.id, { userMetadata: { kind: "film" } });

// Indexed assets and videos
const indexed = await client.indexes.indexedAssets.create(index, {
  assetId: asset.id,
  enableVideoStream: true,
  userMetadata: { topic: "colours", seen: true },
});
const video = await ended(() => client.indexes.indexedAssets.retrieve(index, indexed.id));
assert.equal(video.status, "ready");
assert.equal(
  (await all(client.indexes.indexedAssets.list(index, { userMetadata: { topic: "colours" } }))).length,
  1,
);
assert.equal((await all(client.indexes.videos.list(index, { userMetadata: { seen: true } }))).length, 1);
const whole = await client.indexes.videos.retrieve(index, video.id, {
  embeddingOption: ["visual"],
  transcription: true,
});
assert.equal(whole.embedding.videoEmbedding.segments[0].float.length, 512);
assert.ok(whole.transcription.length > 0);
await client.indexes.videos.update(index, video.id, { userMetadata: { topic: "colour" } });
assert.equal((await all(client.indexes.indexedAssets.listByAsset(asset.id))).length, 1);
assert.ok((await client.assets.retrieveTranscription(asset.id, { include: ["words"] })).words.length);

// Search
const found = await client.search.create({
  indexId: index,
  queryText: whole.transcription[0].value,
  searchOptions: ["visual", "audio", "transcription"],
  includeUserMetadata: true,
});
assert.equal(found.data[0].videoId, video.id);
assert.equal(found.data[0].userMetadata.topic, "colour");
const seen = await client.search.create({
  indexId: index,
  queryMediaType: "image",
  queryMediaFile: fs.createReadStream(picture),
  searchOptions: ["visual"],
});
assert.ok(Array.isArray(seen.data));
assert.ok((await all(client.search.query({
  indexId: index, queryText: "red", searchOptions: ["visual"], pageLimit: 1,
}))).length >= 1);

// Tasks
const task = await client.tasks.create({ indexId: index, videoFile: fs.createReadStream(film) });
const done = await client.tasks.waitForDone(task.id, { sleepInterval: 0.2 });
assert.equal(done.status, "ready");
assert.equal((await all(client.tasks.list({ indexId: index }))).length, 2);

// Embeddings
const text = await client.embed.create({ modelName: model, text: "a dog" });
assert.equal(text.textEmbedding.segments[0].float.length, 512);
const both = await client.embed.v2.create({
  inputType: "text",
  modelName: model,
  text: { inputText: "a dog" },
});
assert.equal(both.data[0].embedding.length, 512);
const embedding = await client.embed.tasks.create({
  modelName: model,
  videoFile: fs.createReadStream(film),
});
assert.equal((await client.embed.tasks.waitForDone(embedding.id, { sleepInterval: 0.2 })).status, "ready");
assert.ok((await client.embed.tasks.retrieve(embedding.id)).videoEmbedding.segments.length > 0);
const second = await client.embed.v2.tasks.create({
  inputType: "video",
  modelName: model,
  video: { mediaSource: { assetId: asset.id } },
});
assert.equal((await ended(() => client.embed.v2.tasks.retrieve(second.id))).status, "ready");

// Entities
const people = await client.entityCollections.create({ name: "People" });
const anna = await client.entityCollections.entities.create(people.id, {
  name: "Anna",
  assetIds: [image.id],
});
assert.equal(anna.status, "ready");
assert.equal((await all(client.entityCollections.entities.list(people.id))).length, 1);
await client.entityCollections.delete(people.id);

// Uploads in parts
const upload = await client.multipartUpload.create({
  filename: "large.mp4", type: "video", totalSize: 20_000_000,
});
assert.equal(upload.uploadUrls.length, upload.totalChunks);

// What is not there yet says so
await assert.rejects(
  client.analyze({ video: { type: "asset_id", assetId: asset.id }, prompt: "What?" }),
  (error) => error instanceof TwelvelabsApi.BadRequestError && error.body.code === "api_not_allowed",
);

// Deleting
await assert.rejects(client.assets.delete(asset.id), (error) => error.statusCode === 409);
await client.assets.delete(asset.id, { force: true });
await client.indexes.delete(index);
console.log("done");
