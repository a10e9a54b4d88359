using XenoCrm.Platform;

namespace XenoCrm.Customers;

/// <summary>Mutated bodies by every route that takes one: each is taken, or refused with a code and without an effect.</summary>
public sealed class CustomerFuzzTests
{
    private const int Bodies = 6000;

    private static readonly string[] Values =
    [
        .. JsonFuzz.Values, "\"granted\"", "\"GRANTED\"", "\"withdrawn\"", "\"A@X.org\"", "\"a@x.ORG\"", "\"b@x.org\"", "\"nope\"", "\"+41446681800\"", "\"0446681800\"", "\"Mars/Base\"", "\"de_CH\"",
        "{\"email\": {\"state\": \"granted\", \"at\": \"2999-01-01\"}}", "{\"fax\": {\"state\": \"granted\"}}", "{\"email\": null}", "{\"shoe\": \"38\"}", "{\"k\\ud800\": 1}",
    ];

    private const string Customer = """{ "externalId": "A1", "firstName": "Maria", "email": "a@x.org", "phone": "+41446681800", "country": "CH", "language": "de-CH", "timeZone": "Europe/Zurich", "birthday": "1990-04-01", "tags": ["vip"], "attributes": { "shoe": 38, "hat": "L", "seen": "2026-01-31T10:00Z" }, "consent": { "email": { "state": "granted", "at": "2026-01-01T00:00:00Z", "source": "form" } } }""";

    [Fact]
    public async Task No_body_is_a_5xx_and_a_refusal_has_a_code_and_no_effect()
    {
        await using var crm = await CrmHarness.StartAsync();
        var api = new CustomerApi(crm);
        var id = await api.AddAsync(Customer);
        await api.AddAsync("""{ "externalId": "B", "email": "b@x.org" }""");

        var fuzz = new JsonFuzz(20_262, Values, ["email", "tags", "attributes", "consent", "birthday", "state"], ["Email", "emial", "tags", "\\u0065mail", ""]);
        var (random, codes) = (fuzz.Random, fuzz.Codes);
        for (var i = 0; i < Bodies; i++)
        {
            var kind = random.Next(5);
            var own = Customer.Replace("A1", $"A{random.Next(8)}").Replace("a@x.org", $"a{random.Next(8)}@x.org").Replace("1800", $"180{random.Next(8)}");
            var body = fuzz.Mutate(kind == 2 ? $$"""{ "items": [ {{Customer}}, {{own}}, { "externalId": "C{{random.Next(5)}}" } ] }""" : kind < 2 ? own : Customer);
            crm.Log.Reset();
            var answer = kind switch
            {
                0 or 1 => await api.CreateAsync(body),
                2 => await api.BulkAsync(body),
                3 => await api.PatchAsync(id, body),
                _ => await api.PutAsync(id, body),
            };
            if (!fuzz.Judge(answer, body, out var about))
            {
                // Types of attributes are noted before their customer is written; nothing else is.
                var types = crm.Log.Requests.Count(r => r.Contains("/workspace/") && !r.StartsWith("GET", StringComparison.Ordinal));
                (crm.Log.Writes - types).ShouldBe(0, about);
                continue;
            }

            if (kind == 2)
            {
                foreach (var item in answer["items"].EnumerateArray().Where(r => r.GetProperty("outcome").GetString() == "failed"))
                {
                    codes.Add(item.GetProperty("code").GetString().ShouldNotBeNull(about));
                }
            }
        }

        string[] reached =
        [
            "request.invalid", "request.json_malformed", "customer.exists", "customer.identity_conflict", "customer.attribute_type", "customer.email_invalid",
            "customer.channel_unknown", "customer.language_invalid", "customer.time_zone_unknown",
        ];
        reached.Except(codes).ShouldBeEmpty(string.Join(", ", codes));
        fuzz.Taken.ShouldBeGreaterThan(Bodies / 20);
        fuzz.Refused.ShouldBeGreaterThan(Bodies / 4);
        await crm.CheckedCustomersAsync();
    }
}
