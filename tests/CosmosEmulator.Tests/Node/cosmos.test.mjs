// What an application does with @azure/cosmos, against the endpoint in COSMOS_ENDPOINT. Run by NodeTests.cs.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BulkOperationType, ChangeFeedStartFrom, CosmosClient, PatchOperationType } from "@azure/cosmos";

const client = new CosmosClient({
  endpoint: process.env.COSMOS_ENDPOINT,
  key: process.env.COSMOS_KEY,
  connectionPolicy: { enableEndpointDiscovery: false },
});
const databaseId = `node-${Date.now()}-${process.pid}`;
const count = 30; // items i000… of the container that is only read: pk p0…p2, n 0…29, tags
let database;
let items;

/** Runs what must fail and gives the error. */
const failure = promise => promise.then(() => assert.fail("it succeeded"), error => error);

const all = async (query, options) => (await items.items.query(query, options).fetchAll()).resources;

async function newContainer(id, more = {}) {
  const { container } = await database.containers.createIfNotExists({ id, partitionKey: { paths: ["/pk"] }, ...more });
  return container;
}

before(async () => {
  ({ database } = await client.databases.createIfNotExists({ id: databaseId }));
  items = await newContainer("items", {
    indexingPolicy: { compositeIndexes: [[{ path: "/pk", order: "ascending" }, { path: "/n", order: "descending" }]] },
  });
  const operations = Array.from({ length: count }, (_, n) => ({
    operationType: BulkOperationType.Create,
    partitionKey: `p${n % 3}`,
    resourceBody: { id: `i${String(n).padStart(3, "0")}`, pk: `p${n % 3}`, n, price: n / 2, tags: [`t${n % 2}`, "all"], "größe": n % 4 },
  }));
  const results = await items.items.executeBulkOperations(operations);
  if (results.some(result => result.response?.statusCode !== 201)) throw new Error(`The items could not be written: ${JSON.stringify(results[0].error ?? results[0])}`);
});

after(async () => {
  await database?.delete();
  client.dispose();
});

describe("account, databases and containers", () => {
  it("reads the account", async () => {
    const { resource } = await client.getDatabaseAccount();
    assert.equal(resource.consistencyPolicy, "Session");
  });

  it("creates, lists, queries and deletes a database", async () => {
    const id = `${databaseId}-other`;
    const created = await client.databases.create({ id });
    assert.equal(created.statusCode, 201);
    assert.equal((await failure(client.databases.create({ id }))).code, 409);
    assert.ok((await client.databases.readAll().fetchAll()).resources.some(found => found.id === id));
    const query = { query: "SELECT * FROM root r WHERE r.id = @id", parameters: [{ name: "@id", value: id }] };
    assert.deepEqual((await client.databases.query(query).fetchAll()).resources.map(found => found.id), [id]);
    await created.database.delete();
    assert.equal((await failure(created.database.read())).code, 404);
  });

  it("creates, reads, replaces and deletes a container", async () => {
    const container = await newContainer("changing");
    const { resource } = await container.read();
    assert.deepEqual(resource.partitionKey.paths, ["/pk"]);
    await container.replace({ ...resource, defaultTtl: 60 });
    assert.equal((await container.read()).resource.defaultTtl, 60);
    assert.ok((await database.containers.readAll().fetchAll()).resources.some(found => found.id === "changing"));
    await container.delete();
    assert.equal((await failure(container.read())).code, 404);
  });

  it("has no offer, like a serverless account", async () => {
    assert.equal((await items.readOffer()).resource, undefined);
  });

  it("refuses another key", async () => {
    const stranger = new CosmosClient({ endpoint: process.env.COSMOS_ENDPOINT, key: Buffer.alloc(64).toString("base64"), connectionPolicy: { enableEndpointDiscovery: false } });
    assert.equal((await failure(stranger.databases.readAll().fetchAll())).code, 401);
    stranger.dispose();
  });
});

describe("items", () => {
  let container;
  before(async () => (container = await newContainer("points")));

  it("creates, reads, upserts, replaces, patches and deletes", async () => {
    const created = await container.items.create({ id: "a", pk: "x", n: 1 });
    assert.equal(created.statusCode, 201);
    assert.equal(created.resource._etag, created.etag);
    assert.ok(created.requestCharge > 1);
    const item = container.item("a", "x");
    assert.equal((await item.read()).resource.n, 1);
    assert.equal((await container.items.upsert({ id: "a", pk: "x", n: 2 })).statusCode, 200);
    assert.equal((await container.items.upsert({ id: "b", pk: "x" })).statusCode, 201);
    assert.equal((await item.replace({ id: "a", pk: "x", n: 3, list: [1], old: true })).resource.n, 3);
    const patched = await item.patch([
      { op: PatchOperationType.incr, path: "/n", value: 4 },
      { op: PatchOperationType.add, path: "/list/-", value: 2 },
      { op: PatchOperationType.set, path: "/name", value: "ä" },
      { op: PatchOperationType.replace, path: "/list/0", value: 0 },
      { op: PatchOperationType.remove, path: "/old" },
    ]);
    assert.deepEqual([patched.resource.n, patched.resource.list, patched.resource.name, patched.resource.old], [7, [0, 2], "ä", undefined]);
    assert.equal((await failure(item.patch({ condition: "from c where c.n > 100", operations: [{ op: "set", path: "/n", value: 0 }] }))).code, 412);
    assert.equal((await item.delete()).statusCode, 204);
    const gone = await item.read();
    assert.deepEqual([gone.statusCode, gone.resource], [404, undefined]);
  });

  it("tells conflicts and changed items", async () => {
    const { etag } = await container.items.create({ id: "c", pk: "x", n: 1 });
    assert.equal((await failure(container.items.create({ id: "c", pk: "x" }))).code, 409);
    const item = container.item("c", "x");
    const ifMatch = condition => ({ accessCondition: { type: "IfMatch", condition } });
    assert.equal((await item.read({ accessCondition: { type: "IfNoneMatch", condition: etag } })).statusCode, 304);
    await item.replace({ id: "c", pk: "x", n: 2 }, ifMatch(etag));
    assert.equal((await failure(item.replace({ id: "c", pk: "x", n: 3 }, ifMatch(etag)))).code, 412);
    assert.equal((await failure(container.items.upsert({ id: "c", pk: "x", n: 3 }, ifMatch(etag)))).code, 412);
    assert.equal((await failure(item.delete(ifMatch(etag)))).code, 412);
    assert.equal((await item.read()).resource.n, 2);
  });

  it("keeps keys of every type apart", async () => {
    for (const pk of ["1", 1, true, null]) await container.items.create({ id: "typed", pk });
    await container.items.create({ id: "typed" });
    for (const pk of ["1", 1, true, null]) assert.equal((await container.item("typed", pk).read()).resource.pk, pk);
    assert.equal((await container.item("typed", undefined).read()).statusCode, 200);
    assert.equal((await container.items.query("SELECT VALUE COUNT(1) FROM c WHERE c.id = 'typed'").fetchAll()).resources[0], 5);
  });

  it("reads and writes by a hierarchical key", async () => {
    const { container: nested } = await database.containers.create({ id: "nested", partitionKey: { paths: ["/a", "/b"], kind: "MultiHash", version: 2 } });
    for (let n = 0; n < 6; n++) await nested.items.create({ id: `${n}`, a: `a${n % 2}`, b: n });
    assert.equal((await nested.item("3", ["a1", 3]).read()).resource.id, "3");
    const { resources } = await nested.items.query("SELECT VALUE c.id FROM c", { partitionKey: ["a1", 3] }).fetchAll();
    assert.deepEqual(resources, ["3"]);
  });

  it("takes ids with spaces, accents and quotes", async () => {
    for (const id of ["with space", "ümlaut 😀", "it's \"quoted\"", "a+b&c=d"]) {
      await container.items.create({ id, pk: "names" });
      assert.equal((await container.item(id, "names").read()).resource?.id, id);
      await container.item(id, "names").delete();
    }
  });
});

describe("queries", () => {
  it("filters with parameters", async () => {
    const found = await all({ query: "SELECT VALUE c.n FROM c WHERE c.n >= @low AND ARRAY_CONTAINS(c.tags, @tag)", parameters: [{ name: "@low", value: 25 }, { name: "@tag", value: "t1" }] });
    assert.deepEqual(found.sort(), [25, 27, 29]);
  });

  it("stays in a partition", async () => {
    assert.deepEqual((await all("SELECT VALUE c.n FROM c WHERE c.n < 10", { partitionKey: "p1" })).sort(), [1, 4, 7]);
  });

  it("sorts across partitions", async () => {
    assert.deepEqual(await all("SELECT VALUE c.n FROM c ORDER BY c.n DESC"), Array.from({ length: count }, (_, n) => count - 1 - n));
    assert.deepEqual((await all("SELECT c.pk, c.n FROM c WHERE c.n < 6 ORDER BY c.pk ASC, c.n DESC")).map(found => found.n), [3, 0, 4, 1, 5, 2]);
    assert.deepEqual(await all("SELECT TOP 3 VALUE c.n FROM c ORDER BY c.price DESC"), [29, 28, 27]);
    assert.deepEqual(await all("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 5 LIMIT 3"), [5, 6, 7]);
  });

  it("aggregates across partitions", async () => {
    assert.deepEqual(await all("SELECT VALUE COUNT(1) FROM c"), [count]);
    assert.deepEqual(await all("SELECT VALUE AVG(c.n) FROM c"), [14.5]);
    assert.deepEqual(await all("SELECT COUNT(1) AS c, SUM(c.n) AS s, MIN(c.price) AS lo, MAX(c.price) AS hi FROM c"), [{ c: 30, s: 435, lo: 0, hi: 14.5 }]);
    assert.deepEqual(await all("SELECT VALUE { n: COUNT(1), last: MAX(c.n) } FROM c WHERE c.pk = 'p1'"), [{ n: 10, last: 28 }]);
  });

  it("groups across partitions", async () => {
    const groups = await all("SELECT c.pk, COUNT(1) AS n, SUM(c.n) AS total, AVG(c.price) AS price FROM c GROUP BY c.pk");
    assert.deepEqual(groups.sort((a, b) => a.pk.localeCompare(b.pk)), [
      { pk: "p0", n: 10, total: 135, price: 6.75 },
      { pk: "p1", n: 10, total: 145, price: 7.25 },
      { pk: "p2", n: 10, total: 155, price: 7.75 },
    ]);
    assert.equal((await all("SELECT VALUE COUNT(1) FROM c GROUP BY c.n")).length, count);
  });

  it("joins, takes what is distinct and builds values", async () => {
    assert.deepEqual((await all("SELECT DISTINCT VALUE t FROM c JOIN t IN c.tags")).sort(), ["all", "t0", "t1"]);
    assert.deepEqual(await all("SELECT DISTINCT VALUE c[\"größe\"] FROM c ORDER BY c[\"größe\"]"), [0, 1, 2, 3]);
    assert.deepEqual(await all("SELECT VALUE {id: c.id, first: c.tags[0]} FROM c WHERE c.n = 3"), [{ id: "i003", first: "t1" }]);
    assert.equal((await all("SELECT VALUE c.n FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 't0')")).length, 15);
  });

  for (const query of ["SELECT VALUE c.n FROM c", "SELECT VALUE c.n FROM c ORDER BY c.n", "SELECT VALUE c.n FROM c WHERE c.n >= 3 ORDER BY c.price DESC", "SELECT TOP 20 VALUE c.n FROM c", "SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 4 LIMIT 17"]) {
    it(`pages: ${query}`, async () => {
      const whole = await all(query);
      const paged = [];
      const iterator = items.items.query(query, { maxItemCount: 7 });
      while (iterator.hasMoreResults()) {
        const page = await iterator.fetchNext();
        assert.ok((page.resources ?? []).length <= 7);
        paged.push(...(page.resources ?? []));
      }
      assert.deepEqual(paged, whole);
    });
  }

  it("goes on from a continuation token", async () => {
    const seen = [];
    let continuationToken;
    do {
      const page = await items.items.query("SELECT VALUE c.n FROM c WHERE c.pk = 'p1'", { partitionKey: "p1", maxItemCount: 4, continuationToken }).fetchNext();
      seen.push(...page.resources);
      continuationToken = page.continuationToken;
    } while (continuationToken);
    assert.deepEqual(seen, [1, 4, 7, 10, 13, 16, 19, 22, 25, 28]);
  });

  it("goes on from a continuation token across partitions", async () => {
    for (const query of ["SELECT VALUE c.n FROM c", "SELECT VALUE c.n FROM c ORDER BY c.n DESC"]) {
      const seen = [];
      let continuationToken;
      do {
        const page = await items.items.query(query, { maxItemCount: 8, continuationToken, enableQueryControl: true }).fetchNext();
        seen.push(...(page.resources ?? []));
        continuationToken = page.continuationToken;
      } while (continuationToken);
      assert.deepEqual(seen, await all(query));
    }
  });

  it("iterates", async () => {
    let seen = 0;
    for await (const { resources } of items.items.query("SELECT * FROM c", { maxItemCount: 9 }).getAsyncIterator()) seen += resources.length;
    assert.equal(seen, count);
  });

  it("reads all", async () => {
    assert.equal((await items.items.readAll({ maxItemCount: 11 }).fetchAll()).resources.length, count);
  });

  it("shows where a query is wrong", async () => {
    const error = await failure(all("SELECT * FROM c WHERE c.n ="));
    assert.equal(error.code, 400);
    assert.match(error.message, /27/);
    assert.equal((await failure(all("SELECT * FROM c ORDER BY c.n, c.price"))).code, 400);
    assert.equal((await failure(all("SELECT * FROM c WHERE ST_DISTANCE(c.a, c.b) < 1"))).code, 400);
  });
});

describe("batches and bulk", () => {
  let container;
  before(async () => (container = await newContainer("batches")));

  it("runs a transactional batch", async () => {
    const { result, code } = await container.items.batch([
      { operationType: "Create", resourceBody: { id: "a", pk: "x", n: 1 } },
      { operationType: "Upsert", resourceBody: { id: "b", pk: "x", n: 1 } },
      { operationType: "Read", id: "a" },
      { operationType: "Replace", id: "a", resourceBody: { id: "a", pk: "x", n: 2 } },
      { operationType: "Patch", id: "a", resourceBody: { operations: [{ op: "incr", path: "/n", value: 5 }] } },
      { operationType: "Delete", id: "b" },
    ], "x");
    assert.equal(code, 200);
    assert.deepEqual(result.map(each => each.statusCode), [201, 201, 200, 200, 200, 204]);
    assert.equal(result[2].resourceBody.n, 1);
    assert.ok(result.every(each => each.requestCharge > 0));
    assert.equal((await container.item("a", "x").read()).resource.n, 7);
    assert.equal((await container.item("b", "x").read()).statusCode, 404);
  });

  it("undoes a batch of which one operation fails", async () => {
    const { result, code } = await container.items.batch([
      { operationType: "Create", resourceBody: { id: "new", pk: "x" } },
      { operationType: "Create", resourceBody: { id: "a", pk: "x" } },
    ], "x");
    assert.equal(code, 207);
    assert.deepEqual(result.map(each => each.statusCode), [424, 409]);
    assert.equal((await container.item("new", "x").read()).statusCode, 404);
  });

  it("minds etags in a batch", async () => {
    const { etag } = await container.items.create({ id: "tagged", pk: "x", n: 1 });
    const write = ifMatch => container.items.batch([{ operationType: "Upsert", resourceBody: { id: "tagged", pk: "x", n: 2 }, ifMatch }], "x");
    assert.equal((await write(etag)).code, 200);
    assert.deepEqual((await write(etag)).result.map(each => each.statusCode), [412]);
  });

  for (const name of ["bulk", "executeBulkOperations"]) {
    it(`${name} runs each operation on its own`, async () => {
      await container.items.upsert({ id: "there", pk: "q", n: 1 });
      const operations = [
        { operationType: "Create", partitionKey: "p", resourceBody: { id: `new-${name}`, pk: "p" } },
        { operationType: "Create", partitionKey: "q", resourceBody: { id: "there", pk: "q" } },
        { operationType: "Patch", partitionKey: "q", id: "there", resourceBody: { operations: [{ op: "incr", path: "/n", value: 1 }] } },
        { operationType: "Read", partitionKey: "q", id: "there" },
        { operationType: "Delete", partitionKey: "q", id: "absent" },
      ];
      const answer = await container.items[name](operations, { continueOnError: true });
      const results = answer.map(each => each.response ?? each.error ?? each);
      assert.deepEqual(results.map(each => Number(each.statusCode ?? each.code)), [201, 409, 200, 200, 404]);
      assert.equal(results[3].resourceBody.n, 2);
      assert.ok(results[0].eTag ?? results[0].etag);
    });
  }

  it("takes a thousand in bulk", async () => {
    const operations = Array.from({ length: 1000 }, (_, n) => ({ operationType: "Upsert", partitionKey: `m${n % 10}`, resourceBody: { id: `m${n}`, pk: `m${n % 10}`, n } }));
    const results = await container.items.executeBulkOperations(operations);
    assert.ok(results.every(each => each.response?.statusCode === 201));
    assert.deepEqual((await container.items.query("SELECT VALUE COUNT(1) FROM c WHERE STARTSWITH(c.pk, 'm')").fetchAll()).resources, [1000]);
  });
});

describe("change feed", () => {
  it("tells changes in order and goes on where it was", async () => {
    const container = await newContainer("changes");
    for (let n = 0; n < 5; n++) await container.items.create({ id: `${n}`, pk: `p${n % 2}`, n });
    await container.item("1", "p1").replace({ id: "1", pk: "p1", n: 10 });
    const read = async options => {
      const seen = [];
      let continuation;
      for await (const page of container.items.getChangeFeedIterator(options).getAsyncIterator()) {
        continuation = page.continuationToken;
        if (page.statusCode === 304) break;
        seen.push(...page.result.map(item => item.n));
      }
      return { seen, continuation };
    };
    const first = await read({ changeFeedStartFrom: ChangeFeedStartFrom.Beginning(), maxItemCount: 2 });
    assert.deepEqual(first.seen, [0, 2, 3, 4, 10]);
    await container.items.create({ id: "later", pk: "p0", n: 99 });
    assert.deepEqual((await read({ changeFeedStartFrom: ChangeFeedStartFrom.Continuation(first.continuation) })).seen, [99]);
    assert.deepEqual((await read({ changeFeedStartFrom: ChangeFeedStartFrom.Beginning("p1") })).seen, [3, 10]);
    assert.deepEqual((await read({ changeFeedStartFrom: ChangeFeedStartFrom.Now() })).seen, []);
  });
});
