// Drives every method of the official JavaScript SDK through the server that the environment names;
// anything that is not as it should be ends it with an error.
import assert from "node:assert/strict";
import fs from "node:fs";
import { TwelveLabs, TwelvelabsApi } from "twelvelabs-js";
import { watch } from "./calls.mjs";
import { analysis } from "./analysis.mjs";
import { knowledge } from "./knowledge.mjs";

const source = process.env.VIDEO;
const picture = process.env.PICTURE;
const client = new TwelveLabs({ apiKey: process.env.KEY });
const forgotten = watch(client);
const model = "marengo3.0";
const soon = { sleepInterval: 0.2 };
const nobody = "0".repeat(24);

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

const status = (wanted) => (error) => error.statusCode === wanted && Boolean(error.body.code);
const bytes = async (url) => Buffer.from(await (await fetch(url)).arrayBuffer());
const fileOf = (path) => new File([fs.readFileSync(path)], path.split("/").pop());
const place = (hit) => [hit.videoId, hit.start, hit.end, hit.rank];

// Indexes
const models = [{ modelName: model, modelOptions: ["visual", "audio"] }];
const made = await client.indexes.create({ indexName: "videos", models, addons: ["thumbnail"] });
const index = made.id;
const empty = await client.indexes.retrieve(index);
assert.deepEqual([empty.indexName, empty.videoCount, empty.addons], ["videos", 0, ["thumbnail"]]);
assert.deepEqual(empty.models, models);
await client.indexes.update(index, { indexName: "renamed" });
assert.deepEqual((await all(client.indexes.list())).map((i) => i.indexName), ["renamed"]);
assert.equal((await all(client.indexes.list({ modelOptions: "visual,audio" }))).length, 1);
assert.deepEqual(await all(client.indexes.list({ indexName: "videos" })), []);
await assert.rejects(client.indexes.retrieve(nobody), status(404));
await assert.rejects(
  client.indexes.create({ indexName: "renamed", models }),
  (error) => error.body.code === "index_name_already_exists",
);

// Assets
const asset = await client.assets.create({
  method: "direct",
  file: fs.createReadStream(source),
  userMetadata: JSON.stringify({ kind: "source" }),
});
assert.equal(asset.status, "processing");
const ready = await ended(() => client.assets.retrieve(asset.id));
assert.equal(ready.status, "ready");
assert.equal(ready.size, fs.statSync(source).size);
assert.ok(ready.technicalMetadata.hasAudio);
const stream = ready.technicalMetadata.videoStreams[0];
assert.equal(stream.width, ready.technicalMetadata.videoWidth);
assert.ok(stream.codec && stream.pixelFormat && stream.avgFps > 0 && stream.durationSeconds > 0);
assert.ok(ready.technicalMetadata.audioStreams[0].channelLayout);
assert.match((await bytes(ready.hls.manifestUrl)).toString(), /^#EXTM3U/);
assert.equal((await bytes(ready.thumbnail.representativeUrl))[0], 0xff);
const image = await client.assets.create({ method: "direct", file: fs.createReadStream(picture) });
assert.equal((await ended(() => client.assets.retrieve(image.id))).fileType, "image/png");
assert.deepEqual((await all(client.assets.list({ assetTypes: ["video"] }))).map((a) => a.id), [asset.id]);
assert.equal((await all(client.assets.list({ assetIds: [asset.id, image.id], pageLimit: 1 }))).length, 2);
const metadata = async () => (await client.assets.retrieve(asset.id)).userMetadata;
await client.assets.updateUserMetadata(asset.id, { userMetadata: { year: 2026, kind: null } });
assert.deepEqual(await metadata(), { year: 2026 });
await client.assets.replaceUserMetadata(asset.id, { userMetadata: { tags: ["a"], none: "" } });
assert.deepEqual(await metadata(), { tags: ["a"] });
await assert.rejects(
  client.assets.replaceUserMetadata(asset.id, { userMetadata: { deep: { er: 1 } } }),
  status(400),
);
await client.assets.deleteUserMetadata(asset.id);
assert.equal(await metadata(), undefined);

// Indexed assets and videos
const indexed = await client.indexes.indexedAssets.create(index, {
  assetId: asset.id,
  enableVideoStream: true,
  userMetadata: { topic: "colours", seen: true, part: 2 },
});
assert.equal(indexed.assetId, asset.id);
const video = await ended(() => client.indexes.indexedAssets.retrieve(index, indexed.id));
assert.equal(video.status, "ready");
const indexedLike = async (asked) => (await all(client.indexes.indexedAssets.list(index, asked))).length;
assert.equal(await indexedLike({ userMetadata: { topic: "colours", part: 2 } }), 1);
assert.equal(await indexedLike({ userMetadata: { topic: "x" } }), 0);
assert.equal(await indexedLike({ status: ["ready"], duration: { gte: 1, lte: 1000 } }), 1);
assert.equal(await indexedLike({ duration: { gte: 1000 } }), 0);
assert.equal((await all(client.indexes.videos.list(index, { userMetadata: { seen: true } }))).length, 1);
assert.equal((await all(client.indexes.videos.list(index, { userMetadata: { seen: false } }))).length, 0);
const whole = await client.indexes.videos.retrieve(index, video.id, {
  embeddingOption: ["visual", "transcription"],
  transcription: true,
});
const segments = whole.embedding.videoEmbedding.segments;
assert.ok(segments.every((one) => one.float.length === 512));
assert.deepEqual(new Set(segments.map((one) => one.embeddingOption)), new Set(["visual", "transcription"]));
assert.ok(whole.transcription.length > 0);
assert.equal(whole.hls.status, "COMPLETE");
await client.indexes.videos.update(index, video.id, { userMetadata: { topic: "colour", part: null } });
await client.indexes.indexedAssets.update(index, video.id, { userMetadata: { seen: false } });
const after = (await client.indexes.indexedAssets.retrieve(index, video.id)).userMetadata;
assert.deepEqual(after, { topic: "colour", seen: false });
assert.deepEqual(
  (await all(client.indexes.indexedAssets.listByAsset(asset.id))).map((one) => one.index.id),
  [index],
);
const said = await client.assets.retrieveTranscription(asset.id, { include: ["words", "sentences", "utterances"] });
assert.equal(said.status, "ready");
assert.ok(said.words.length >= said.sentences.length && said.utterances.length > 0);
assert.ok(said.words[0].start < said.words[0].end);
assert.ok((await client.assets.retrieveTranscription(asset.id)).words.length > 0);
await assert.rejects(client.assets.retrieveTranscription(image.id), status(404));

// Search
const words = process.env.SAID ?? whole.transcription[0].value;
const found = await client.search.create({
  indexId: index,
  queryText: words,
  searchOptions: ["visual", "audio", "transcription"],
  transcriptionOptions: ["lexical", "semantic"],
  includeUserMetadata: true,
});
assert.deepEqual([found.data[0].videoId, found.data[0].rank], [video.id, 1]);
assert.ok(found.data[0].end > found.data[0].start);
assert.ok(found.data[0].transcription.length > 0);
assert.equal(found.data[0].userMetadata.topic, "colour");
assert.equal((await bytes(found.data[0].thumbnailUrl))[0], 0xff);
assert.deepEqual([found.searchPool.totalCount, found.searchPool.indexId], [1, index]);
const shown = new File([await bytes(whole.hls.thumbnailUrls[0])], "frame.jpg");
const seen = await client.search.create({
  indexId: index, queryMediaType: "image", queryMediaFile: shown, searchOptions: ["visual"],
});
assert.equal(seen.data[0].videoId, video.id);
await assert.rejects(
  client.search.create({
    indexId: index, queryText: "x", searchOptions: ["visual"], transcriptionOptions: ["lexical"],
  }),
  status(400),
);

// Tasks
const task = await client.tasks.create({ indexId: index, videoFile: fs.createReadStream(source) });
const done = await client.tasks.waitForDone(task.id, soon);
assert.deepEqual([done.status, done.videoId], ["ready", task.videoId]);
assert.equal(done.systemMetadata.filename, source.split("/").pop());
const bulk = await client.tasks.createBulk({ indexId: index, videoFiles: [fileOf(source), fileOf(source)] });
assert.equal(bulk.length, 2);
for (const one of bulk) assert.equal((await client.tasks.waitForDone(one.id, soon)).status, "ready");
assert.equal((await all(client.tasks.list({ indexId: index, status: ["ready"], pageLimit: 2 }))).length, 4);
assert.equal((await client.tasks.retrieve(task.id)).hls.status, "COMPLETE");
await assert.rejects(client.tasks.delete(task.id), status(400));

// Pages of a search over the four
const query = { indexId: index, queryMediaType: "image", searchOptions: ["visual"], queryMediaFile: shown };
const one = await client.search.create({ ...query, pageLimit: 50 });
assert.ok(one.data.length >= 4);
const paged = await all(client.search.query({ ...query, pageLimit: 1 }));
assert.deepEqual(paged.map(place), one.data.map(place));
const first = await client.search.create({ ...query, groupBy: "video", pageLimit: 3 });
assert.deepEqual([first.data.length, first.pageInfo.totalResults], [3, 4]);
const last = await client.search.retrieve(first.pageInfo.nextPageToken);
assert.deepEqual([last.data.length, last.data[0].rank], [1, 4]);
assert.equal(last.pageInfo.nextPageToken, undefined);
assert.equal(last.pageInfo.totalInnerMatches, one.data.length);
await assert.rejects(client.search.retrieve("nonsense"), status(400));
const composed = await all(client.search.query({
  indexId: index, queryMediaType: "image", queryText: "somebody", searchOptions: ["visual"],
  queryMediaFiles: [shown, fileOf(picture)],
}));
assert.ok(composed.length > 0);

await client.indexes.videos.delete(index, task.videoId);
assert.equal((await client.tasks.retrieve(task.id)).status, "ready");
await client.tasks.delete(task.id);
await assert.rejects(client.tasks.retrieve(task.id), status(404));
for (const two of bulk) await client.indexes.indexedAssets.delete(index, two.videoId);
assert.equal((await client.indexes.retrieve(index)).videoCount, 1);

// Embeddings
const text = await client.embed.create({ modelName: model, text: "a dog" });
assert.equal(text.textEmbedding.segments[0].float.length, 512);
const both = await client.embed.v2.create({ inputType: "text", modelName: model, text: { inputText: "a dog" } });
assert.deepEqual(both.data[0].embedding, text.textEmbedding.segments[0].float);
const embedding = await client.embed.tasks.create({
  modelName: model, videoFile: fs.createReadStream(source), videoEmbeddingScope: ["clip", "video"], videoClipLength: 4,
});
assert.equal((await client.embed.tasks.waitForDone(embedding.id, soon)).status, "ready");
const vectors = (await client.embed.tasks.retrieve(embedding.id, { embeddingOption: ["visual"] })).videoEmbedding;
assert.deepEqual(new Set(vectors.segments.map((s) => s.embeddingScope)), new Set(["clip", "video"]));
assert.ok(vectors.segments.every((s) => s.float.length === 512 && s.embeddingOption === "visual"));
assert.ok((await client.embed.tasks.status(embedding.id)).videoEmbedding.metadata.duration > 0);
const many = await client.embed.tasks.createBulk({ modelName: "Marengo-retrieval-2.7", videos: [{ videoFile: fileOf(source) }] });
assert.equal((await client.embed.tasks.waitForDone(many[0].id, soon)).status, "ready");
assert.equal((await all(client.embed.tasks.list({ status: "ready" }))).length, 2);
const second = await client.embed.v2.tasks.create({
  inputType: "video", modelName: model,
  video: { mediaSource: { assetId: asset.id }, embeddingType: ["fused_embedding"], embeddingScope: ["asset"] },
});
assert.equal(second.status, "processing");
const fused = await ended(() => client.embed.v2.tasks.retrieve(second.id));
assert.deepEqual(fused.data.map((d) => [d.embedding.length, d.embeddingOption, d.embeddingScope]), [[512, "fused", "asset"]]);
assert.deepEqual([fused.metadata.inputType, fused.metadata.embeddingScopes], ["video", ["asset"]]);
assert.deepEqual((await all(client.embed.v2.tasks.list())).map((t) => t.id), [second.id]);

// Entities
const people = await client.entityCollections.create({ name: "People", description: "who is seen" });
assert.equal((await client.entityCollections.retrieve(people.id)).description, "who is seen");
assert.equal((await client.entityCollections.update(people.id, { name: "Folk" })).name, "Folk");
assert.deepEqual((await all(client.entityCollections.list({ name: "fol" }))).map((c) => c.id), [people.id]);
const entities = client.entityCollections.entities;
const anna = await entities.create(people.id, { name: "Anna", assetIds: [image.id], metadata: { age: 40 } });
assert.equal(anna.status, "ready");
const crowd = await entities.createBulk(people.id, {
  entities: [{ name: "Berta", assetIds: [image.id] }, { name: "Nobody", assetIds: [nobody] }],
});
assert.deepEqual([crowd.successCount, crowd.failedCount, crowd.errors[0].entityIndex], [1, 1, 1]);
assert.deepEqual(
  (await all(entities.list(people.id, { sortBy: "name", sortOption: "asc" }))).map((e) => e.name),
  ["Anna", "Berta"],
);
const other = await client.assets.create({ method: "direct", file: fs.createReadStream(picture) });
await ended(() => client.assets.retrieve(other.id));
assert.deepEqual((await entities.createAssets(people.id, anna.id, { assetIds: [other.id] })).assetIds, [image.id, other.id]);
assert.deepEqual((await entities.deleteAssets(people.id, anna.id, { assetIds: [other.id] })).assetIds, [image.id]);
await assert.rejects(entities.deleteAssets(people.id, anna.id, { assetIds: [image.id] }), status(400));
assert.equal((await entities.update(people.id, anna.id, { description: "a friend" })).description, "a friend");
assert.deepEqual((await entities.retrieve(people.id, anna.id)).metadata, { age: 40 });
assert.equal((await all(entities.listByAsset(image.id))).length, 2);
await entities.delete(people.id, anna.id);
assert.equal((await all(entities.list(people.id))).length, 1);
await client.entityCollections.delete(people.id);
await assert.rejects(client.entityCollections.retrieve(people.id), status(404));

// Uploads in parts
const large = process.env.LARGE;
const uploaded = await client.multipartUpload.uploadFile(large, { batchSize: 1 });
const arrived = await ended(() => client.assets.retrieve(uploaded.assetId));
assert.deepEqual([arrived.status, arrived.size], ["ready", fs.statSync(large).size]);
const data = fs.readFileSync(large);
const upload = await client.multipartUpload.create({ filename: "own.mp4", type: "video", totalSize: data.length });
assert.equal(upload.uploadUrls.length, upload.totalChunks);
assert.deepEqual((await all(client.multipartUpload.listIncompleteUploads())).map((u) => u.uploadId), [upload.uploadId]);
const more = await client.multipartUpload.getAdditionalPresignedUrls(upload.uploadId, { start: 2, count: 1 });
assert.deepEqual(more.uploadUrls.map((u) => u.chunkIndex), [2]);
const completedChunks = [];
for (const { chunkIndex, url } of upload.uploadUrls) {
  const body = data.subarray((chunkIndex - 1) * upload.chunkSize, chunkIndex * upload.chunkSize);
  const sent = await fetch(url, { method: "PUT", body, headers: { "content-type": "application/octet-stream" } });
  const proof = sent.headers.get("etag").replaceAll('"', "");
  completedChunks.push({ chunkIndex, proof, proofType: "etag", chunkSize: body.length });
}
const report = (chunks) => client.multipartUpload.reportChunkBatch(upload.uploadId, { completedChunks: chunks });
await assert.rejects(report([{ ...completedChunks[0], proof: "wrong" }]), status(400));
assert.equal((await report(completedChunks.slice(0, 1))).url, undefined);
const chunks = (await all(client.multipartUpload.getStatus(upload.uploadId))).map((c) => c.status);
assert.deepEqual(chunks, ["completed", ...completedChunks.slice(1).map(() => "pending")]);
const end = await report(completedChunks);
assert.deepEqual([end.duplicateChunks, end.totalCompleted], [1, upload.totalChunks]);
assert.ok(end.url);
assert.equal((await client.multipartUpload.waitForUploadCompletion(upload.uploadId, soon)).status, "completed");
assert.equal((await ended(() => client.assets.retrieve(upload.assetId))).status, "ready");

await analysis(client, asset.id);
await knowledge(client, asset.id, image.id);
// Connectors: there are none, and the way to them is known.
await assert.rejects(
  client.dataConnectors.authorizeConnection({ provider: "google_drive", redirectUri: "https://example.org" }),
  (error) => error instanceof TwelvelabsApi.BadRequestError,
);

// Deleting
await assert.rejects(client.assets.delete(asset.id), status(409));
await client.assets.delete(asset.id, { force: true });
await assert.rejects(client.indexes.videos.retrieve(index, video.id), status(404));
await client.indexes.delete(index);
assert.deepEqual(await all(client.indexes.list()), []);
assert.deepEqual(forgotten(), []);
console.log("done");
