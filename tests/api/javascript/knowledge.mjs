// Knowledge stores: their items, collections and searches, and responses out of them.
import assert from "node:assert/strict";

const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
const unknown = (error) => [400, 404].includes(error.statusCode) && Boolean(error.body.code);

async function all(page) {
  const found = [];
  for await (const one of await page) found.push(one);
  return found;
}

export async function knowledge(client, filmId, pictureId) {
  const stores = client.knowledgeStores;
  const { knowledgeStoreItems: items, knowledgeStoreItemCollections: groups } = client;
  const made = await stores.create({ name: "Films", description: "all", metadata: { year: "2026" } });
  const store = made.id;
  assert.ok(store.startsWith("ks_"));
  assert.deepEqual((await all(stores.list())).map((one) => one.id), [store]);
  assert.equal((await stores.update(store, { name: "Talks" })).name, "Talks");
  assert.deepEqual((await stores.retrieve(store)).metadata, { year: "2026" });

  const ids = [];
  for (const assetId of [filmId, pictureId]) ids.push((await items.create(store, { assetId })).id);
  for (const id of ids) {
    let item = await items.retrieve(store, id);
    while (!["ready", "failed"].includes(item.status)) {
      await pause();
      item = await items.retrieve(store, id);
    }
    assert.equal(item.status, "ready");
  }
  assert.deepEqual((await all(items.list(store))).map((one) => one.id).sort(), [...ids].sort());

  const group = (await groups.create(store, { name: "All" })).id;
  assert.equal((await groups.addItems(store, group, { itemIds: ids })).memberCount, 2);
  assert.equal((await all(groups.listItems(store, group))).length, 2);
  assert.equal((await groups.update(store, group, { description: "both" })).description, "both");
  assert.deepEqual((await all(groups.list(store))).map((one) => one.id), [group]);
  await groups.removeItems(store, group, { itemIds: [ids[1]] });
  assert.equal((await groups.retrieve(store, group)).memberCount, 1);

  const found = await stores.search(store, { query: { text: "red green blue" } });
  assert.ok(found.data.every((hit) => ids.includes(hit.itemId)));
  assert.ok(found.effectiveSearchOptions);

  const ask = {
    knowledgeStoreId: store,
    input: [{ type: "message", role: "user", content: "Summarize this video." }],
  };
  const answer = await client.responses.create(ask);
  assert.equal(answer.status, "completed");
  const { text } = answer.output.at(-1).content[0];
  assert.ok(text);
  const kinds = [];
  let streamed = "";
  for await (const event of await client.responses.createStream(ask)) {
    kinds.push(event.type);
    if (event.type === "response.output_text.delta") streamed += event.delta;
  }
  assert.deepEqual([kinds[0], kinds.at(-1)], ["response.created", "response.completed"]);
  assert.equal(streamed, text);

  await groups.delete(store, group);
  await items.delete(store, ids[0]);
  await assert.rejects(items.retrieve(store, ids[0]), unknown);
  await stores.delete(store);
  await assert.rejects(stores.retrieve(store), unknown);
}
