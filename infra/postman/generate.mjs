// Writes the Postman collection and environment from the API document:
//   node infra/postman/generate.mjs ADDRESS-OR-FILE [FOLDER]
// such as http://127.0.0.1:7071/api/openapi.json. The folder is this one when none is given.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { walk } from "./walk.mjs";

const [source, folder = import.meta.dirname] = process.argv.slice(2);
if (!source) {
  console.error("Usage: node generate.mjs ADDRESS-OR-FILE [FOLDER]");
  process.exit(2);
}

const document = JSON.parse(source.startsWith("http") ? await (await fetch(source)).text() : await readFile(source, "utf8"));

/** "/api/customers/{id}" → what Postman shows as /api/customers/:id. */
function url(path, parameters) {
  const query = parameters.filter(p => p.in === "query").map(p => ({
    key: p.name, value: String(p.example ?? ""), description: p.description, disabled: p.example === undefined,
  }));
  const variable = parameters.filter(p => p.in === "path").map(p => ({ key: p.name, value: String(p.example ?? ""), description: p.description }));
  const steps = path.slice(1).split("/").map(step => step.replace(/^\{(\w+)\}$/, ":$1"));
  const active = query.filter(q => !q.disabled).map(q => `${q.key}=${encodeURIComponent(q.value)}`).join("&");
  return { raw: `{{baseUrl}}/${steps.join("/")}${active ? `?${active}` : ""}`, host: ["{{baseUrl}}"], path: steps, ...(query.length ? { query } : {}), ...(variable.length ? { variable } : {}) };
}

function bodyOf(operation) {
  const content = operation.requestBody?.content;
  const type = content && Object.keys(content).find(t => t !== "multipart/form-data");
  if (!type) {
    return {};
  }

  const example = content[type].example;
  const isText = typeof example === "string";
  const body = type === "application/x-www-form-urlencoded"
    ? { mode: "urlencoded", urlencoded: Object.entries(example ?? {}).map(([key, value]) => ({ key, value: String(value) })) }
    : { mode: "raw", raw: isText ? example : JSON.stringify(example ?? {}, null, 2), options: { raw: { language: isText ? "text" : "json" } } };
  return { type, body };
}

function request([path, method, operation]) {
  const parameters = operation.parameters ?? [];
  const { type, body } = bodyOf(operation);
  const header = parameters.filter(p => p.in === "header").map(p => ({
    key: p.name, value: p.name === "If-Match" ? "*" : p.name === "Idempotency-Key" ? "{{$guid}}" : "", description: p.description, disabled: !p.required && p.name !== "Idempotency-Key",
  }));
  if (type) {
    header.push({ key: "Content-Type", value: type });
  }

  return {
    name: operation.summary,
    request: {
      method: method.toUpperCase(),
      ...(operation.security?.length ? {} : { auth: { type: "noauth" } }),
      header,
      ...(body ? { body } : {}),
      url: url(path, parameters),
      description: operation.description,
    },
    response: [],
  };
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => [path, method, operation]));
const folders = document.tags.map(tag => ({
  name: tag.name,
  description: tag.description,
  item: operations.filter(([, , operation]) => operation.tags.includes(tag.name)).map(request),
}));

const collection = {
  info: {
    name: document.info.title,
    description: `${document.info.description}\n\nMade from the API document by infra/postman/generate.mjs. The folder "Walk" is the main job, from the login to the ledger of a campaign: run it as it is.`,
    schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
  },
  auth: { type: "bearer", bearer: [{ key: "token", value: "{{token}}", type: "string" }] },
  item: [walk, ...folders],
};

const environment = {
  name: "Xeno CRM, local",
  values: [
    { key: "baseUrl", value: "http://127.0.0.1:7071", type: "default", enabled: true },
    { key: "email", value: "admin@xeno.local", type: "default", enabled: true },
    { key: "password", value: "Local-Admin-1", type: "secret", enabled: true },
    { key: "token", value: "", type: "secret", enabled: true },
  ],
  _postman_variable_scope: "environment",
};

const write = (name, content) => writeFile(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
await write("xeno-crm.postman_collection.json", collection);
await write("xeno-crm.postman_environment.json", environment);
