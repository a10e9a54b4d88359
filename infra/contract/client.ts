// A client of the API with the types that openapi-typescript makes of its document: what the API does not take, or does not
// answer, does not compile. The test that compiles this also runs it: node client.js ADDRESS EMAIL PASSWORD
import type { paths } from "./api.js";

declare const process: { argv: string[] };

type Method = "get" | "post" | "put" | "patch" | "delete";
type Operation<P extends keyof paths, M extends Method> = paths[P][M & keyof paths[P]];
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? B : undefined;
type Parameters<O, K extends string> = O extends { parameters: { [_ in K]?: infer V } } ? Exclude<V, undefined> : never;
type Success<O> = O extends { responses: infer R }
  ? { [S in keyof R]: S extends 200 | 201 | 202 ? (R[S] extends { content: { "application/json": infer A } } ? A : undefined) : never }[keyof R]
  : never;

export class XenoClient {
  #token?: string;

  constructor(private readonly address: string) {}

  async call<P extends keyof paths, M extends Method>(
    method: M,
    path: P,
    options: { path?: Parameters<Operation<P, M>, "path">; query?: Parameters<Operation<P, M>, "query">; body?: Body<Operation<P, M>> } = {},
  ): Promise<Success<Operation<P, M>>> {
    const address = new URL((path as string).replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String((options.path as Record<string, unknown>)[name]))), this.address);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      address.searchParams.set(name, String(value));
    }

    const answer = await fetch(address, {
      method: method.toUpperCase(),
      headers: {
        ...(this.#token ? { Authorization: `Bearer ${this.#token}` } : {}),
        ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(method === "post" ? { "Idempotency-Key": crypto.randomUUID() } : {}),
      },
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
    });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${path as string}: ${answer.status} ${text}`);
    }

    return (text ? JSON.parse(text) : undefined) as Success<Operation<P, M>>;
  }

  async logIn(email: string, password: string) {
    const { accessToken, user } = await this.call("post", "/api/auth/login", { body: { email, password } });
    this.#token = accessToken;
    return user;
  }
}

export async function walk(address: string, email: string, password: string) {
  const client = new XenoClient(address);
  await client.logIn(email, password);
  const customer = await client.call("post", "/api/customers", { body: { externalId: `TS-${Date.now()}`, firstName: "Tina", city: "Typescript" } });
  const segment = await client.call("post", "/api/segments", {
    body: { name: `Typed ${customer.id}`, rule: { combinator: "and", rules: [{ field: "externalId", operator: "=", value: customer.externalId }] } },
  });
  const preview = await client.call("post", "/api/segments/preview", { body: { rule: segment.rule } });
  const count: number = preview.count;
  const read = await client.call("get", "/api/customers/{id}", { path: { id: customer.id } });
  const city: string | undefined = read.city;
  return { count, city };
}

// What must not compile.
export function wrong(client: XenoClient) {
  // @ts-expect-error a name is a text
  void client.call("post", "/api/customers", { body: { firstName: 1 } });
  // @ts-expect-error there is no such member
  void client.call("post", "/api/customers", { body: { firstname: "Maria" } });
  // @ts-expect-error a segment has a rule
  void client.call("post", "/api/segments", { body: { name: "No rule" } });
  // @ts-expect-error there is no such operator
  void client.call("post", "/api/segments", { body: { name: "x", rule: { combinator: "and", rules: [{ field: "city", operator: "~" }] } } });
  // @ts-expect-error there is no such route
  void client.call("get", "/api/custommers");
}

const [, , address, email, password] = process.argv;
if (address && email && password) {
  console.log(JSON.stringify(await walk(address, email, password)));
}
