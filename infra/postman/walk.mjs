// The main job as Postman requests: log in, import customers and orders, cut a segment, send a campaign, read its ledger.

const json = value => ({ mode: "raw", raw: JSON.stringify(value, null, 2), options: { raw: { language: "json" } } });

const csv = text => ({ mode: "raw", raw: text, options: { raw: { language: "text" } } });

function step(name, method, path, { body, type = "application/json", tests = [] } = {}) {
  const [plain, query] = path.split("?");
  return {
    name,
    event: [{ listen: "test", script: { type: "text/javascript", exec: tests } }],
    request: {
      method,
      ...(name === "Log in" ? { auth: { type: "noauth" } } : {}),
      header: [
        ...(body ? [{ key: "Content-Type", value: type }] : []),
        ...(method === "POST" && name !== "Log in" ? [{ key: "Idempotency-Key", value: "{{$guid}}" }] : []),
      ],
      ...(body ? { body } : {}),
      url: {
        raw: `{{baseUrl}}${path}`,
        host: ["{{baseUrl}}"],
        path: plain.slice(1).split("/"),
        ...(query ? { query: query.split("&").map(q => ({ key: q.split("=")[0], value: q.split("=")[1] })) } : {}),
      },
    },
    response: [],
  };
}

const status = code => `pm.test("${code}", () => pm.response.to.have.status(${code}));`;

/** Comes back to the same request, half a second later, until the condition holds; gives up after two minutes. */
const until = (condition, name) => [
  `const tries = Number(pm.collectionVariables.get("tries") ?? 0) + 1;`,
  `if (!(${condition}) && tries < 240) {`,
  `  pm.collectionVariables.set("tries", tries);`,
  `  setTimeout(() => {}, 500);`,
  `  postman.setNextRequest(pm.info.requestName);`,
  `} else {`,
  `  pm.collectionVariables.unset("tries");`,
  `  pm.test("${name}", () => pm.expect(${condition}).to.be.true);`,
  `}`,
];

export const walk = {
  name: "Walk",
  description: "The main job, in order. Each run makes customers, a segment and a campaign of its own.",
  item: [
    step("Log in", "POST", "/api/auth/login", {
      body: json({ email: "{{email}}", password: "{{password}}" }),
      tests: [
        status(200),
        `pm.environment.set("token", pm.response.json().accessToken);`,
        `pm.collectionVariables.set("run", String(Date.now()));`,
      ],
    }),
    step("Import customers", "POST", "/api/data/import/customers", {
      body: csv("externalId,firstName,lastName,email,city\nPM-{{run}}-1,Maria,Anders,maria.{{run}}@example.com,Postman {{run}}\nPM-{{run}}-2,Thomas,Hardy,thomas.{{run}}@example.com,Postman {{run}}\nPM-{{run}}-3,Ana,Trujillo,ana.{{run}}@example.com,Postman {{run}}\n"),
      type: "text/csv",
      tests: [status(200), `pm.test("three are in", () => pm.expect(pm.response.json().created).to.equal(3));`],
    }),
    step("Import orders", "POST", "/api/data/import/orders", {
      body: csv("orderNumber,customer.externalId,placedAt,amount\nPM-{{run}}-A,PM-{{run}}-1,2026-01-31T08:15:00Z,149.90\nPM-{{run}}-B,PM-{{run}}-2,2026-02-01T10:00:00Z,250.00\nPM-{{run}}-C,PM-{{run}}-3,2026-02-02T10:00:00Z,12.00\n"),
      type: "text/csv",
      tests: [status(200), `pm.test("three are in", () => pm.expect(pm.response.json().created).to.equal(3));`],
    }),
    step("Preview the segment", "POST", "/api/segments/preview", {
      body: json({ rule: { combinator: "and", rules: [{ field: "city", operator: "=", value: "Postman {{run}}" }, { field: "totalSpend", operator: ">", value: 100 }] } }),
      tests: [status(200), `pm.test("two spent more than 100", () => pm.expect(pm.response.json().count).to.equal(2));`],
    }),
    step("Create the segment", "POST", "/api/segments", {
      body: json({ name: "Postman {{run}}", rule: { combinator: "and", rules: [{ field: "city", operator: "=", value: "Postman {{run}}" }, { field: "totalSpend", operator: ">", value: 100 }] } }),
      tests: [status(201), `pm.collectionVariables.set("segmentId", pm.response.json().id);`],
    }),
    step("Wait for the segment", "GET", "/api/segments/{{segmentId}}", { tests: until(`pm.response.json().state === "ready"`, "the segment is built") }),
    step("Create the campaign", "POST", "/api/campaigns", {
      body: json({
        name: "Postman {{run}}", channel: "email", segmentId: "{{segmentId}}",
        content: { subject: "Hello", text: "Good morning. {{unsubscribeUrl}}" },
      }),
      tests: [status(201), `pm.collectionVariables.set("campaignId", pm.response.json().id);`],
    }),
    step("Check the campaign", "POST", "/api/campaigns/{{campaignId}}/check", { tests: [status(200)] }),
    step("Launch the campaign", "POST", "/api/campaigns/{{campaignId}}/launch", { tests: [status(202)] }),
    step("Wait for the receipts", "GET", "/api/campaigns/{{campaignId}}", { tests: until(`pm.response.json().state === "completed"`, "the campaign is over") }),
    step("Read the ledger", "GET", "/api/campaigns/{{campaignId}}/stats", {
      tests: [
        status(200),
        `const ledger = pm.response.json();`,
        `pm.test("everybody is accounted for", () => {`,
        `  pm.expect(ledger.audience).to.equal(2);`,
        `  pm.expect(ledger.delivered + ledger.failed + ledger.suppressed + ledger.skipped + ledger.pending).to.equal(ledger.audience);`,
        `});`,
      ],
    }),
    step("List the messages", "GET", "/api/campaigns/{{campaignId}}/messages?limit=10", {
      tests: [status(200), `pm.test("two messages", () => pm.expect(pm.response.json().items.length).to.equal(2));`],
    }),
  ],
};
