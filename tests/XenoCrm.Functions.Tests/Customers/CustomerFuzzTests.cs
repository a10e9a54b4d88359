using System.Text;
using System.Text.RegularExpressions;

namespace XenoCrm.Customers;

/// <summary>Mutated bodies by every route that takes one: each is taken, or refused with a code and without an effect.</summary>
public sealed partial class CustomerFuzzTests
{
    private const int Bodies = 6000;

    private static readonly string[] Values =
    [
        "1e400", "-1", "0", "12345678901234567890", "\"12\"", "5", "\"\"", "null", "true", "[]", "{}", "[null]", "[\"a\", \"A\", \" a \"]", "[\"a,b\"]", "[[1]]", "{\"a\": {\"b\": 1}}", "{\"x\": [1]}",
        "\"\\ud800\"", "\"\\u0000\"", "\"\\u202e\"", "\"=cmd|' /C calc'!A0\"", "\"9999-12-31\"", "\"0001-01-01\"", "\"2999-01-01T00:00:00Z\"", "\"0001-01-01T00:00:00-14:00\"", "\"2023-02-29\"", "\"29/02/2023\"",
        "\"2026-01-31\"", "\"granted\"", "\"GRANTED\"", "\"withdrawn\"", "\"A/b?c#d%20\"", "\"😀\"", "\"A@X.org\"", "\"a@x.ORG\"", "\"b@x.org\"", "\"nope\"", "\"+41446681800\"", "\"0446681800\"", "\"Mars/Base\"", "\"de_CH\"",
        "{\"email\": {\"state\": \"granted\", \"at\": \"2999-01-01\"}}", "{\"fax\": {\"state\": \"granted\"}}", "{\"email\": null}", "{\"shoe\": \"38\"}", "{\"k\\ud800\": 1}", "\"A\"", "\"B\"",
    ];

    private const string Customer = """{ "externalId": "A1", "firstName": "Maria", "email": "a@x.org", "phone": "+41446681800", "country": "CH", "language": "de-CH", "timeZone": "Europe/Zurich", "birthday": "1990-04-01", "tags": ["vip"], "attributes": { "shoe": 38, "hat": "L", "seen": "2026-01-31T10:00Z" }, "consent": { "email": { "state": "granted", "at": "2026-01-01T00:00:00Z", "source": "form" } } }""";

    [Fact]
    public async Task No_body_is_a_5xx_and_a_refusal_has_a_code_and_no_effect()
    {
        await using var crm = await CrmHarness.StartAsync();
        var api = new CustomerApi(crm);
        var id = await api.AddAsync(Customer);
        await api.AddAsync("""{ "externalId": "B", "email": "b@x.org" }""");

        const int Seed = 20_262;
        var random = new Random(Seed);
        var (taken, refused) = (0, 0);
        var codes = new HashSet<string>();
        for (var i = 0; i < Bodies; i++)
        {
            var kind = random.Next(5);
            var own = Customer.Replace("A1", $"A{random.Next(8)}").Replace("a@x.org", $"a{random.Next(8)}@x.org").Replace("1800", $"180{random.Next(8)}");
            var body = Mutate(random, kind == 2 ? $$"""{ "items": [ {{Customer}}, {{own}}, { "externalId": "C{{random.Next(5)}}" } ] }""" : kind < 2 ? own : Customer);
            crm.Log.Reset();
            var answer = kind switch
            {
                0 or 1 => await api.CreateAsync(body),
                2 => await api.BulkAsync(body),
                3 => await api.PatchAsync(id, body),
                _ => await api.PutAsync(id, body),
            };
            var about = $"seed {Seed}, body {i} of kind {kind}: {body}\n{answer.Text}";
            answer.Status.ShouldBeLessThan(500, about);
            if (answer.Status >= 400)
            {
                refused++;
                codes.Add(answer["code"].GetString().ShouldNotBeNull(about));
                answer.Text.ShouldNotContain("System.", Case.Sensitive, about);
                answer.Text.ShouldNotContain("XenoCrm", Case.Sensitive, about);

                // Types of attributes are noted before their customer is written; nothing else is.
                var types = crm.Log.Requests.Count(r => r.Contains("/workspace/") && !r.StartsWith("GET", StringComparison.Ordinal));
                (crm.Log.Writes - types).ShouldBe(0, about);
                continue;
            }

            taken++;
            if (kind == 2)
            {
                foreach (var item in answer["items"].EnumerateArray().Where(r => r.GetProperty("outcome").GetString() == "failed"))
                {
                    codes.Add(item.GetProperty("code").GetString().ShouldNotBeNull(about));
                }
            }
        }

        codes.ShouldAllBe(code => code.Contains('.'));
        string[] reached =
        [
            "request.invalid", "request.json_malformed", "customer.exists", "customer.identity_conflict", "customer.attribute_type", "customer.email_invalid",
            "customer.channel_unknown", "customer.language_invalid", "customer.time_zone_unknown",
        ];
        reached.Except(codes).ShouldBeEmpty(string.Join(", ", codes));
        taken.ShouldBeGreaterThan(Bodies / 20);
        refused.ShouldBeGreaterThan(Bodies / 4);
        await crm.CheckedCustomersAsync();
    }

    private static string Mutate(Random random, string body)
    {
        for (var mutation = random.Next(1, 4); mutation > 0; mutation--)
        {
            switch (random.Next(8))
            {
                case < 5:
                    var members = Member().Matches(body);
                    if (members.Count > 0)
                    {
                        var value = members[random.Next(members.Count)].Groups["value"];
                        body = string.Concat(body.AsSpan(0, value.Index), Values[random.Next(Values.Length)], body.AsSpan(value.Index + value.Length));
                    }

                    break;
                case 5:
                    body = body.Replace(new[] { "email", "tags", "attributes", "consent", "birthday", "state" }[random.Next(6)], new[] { "Email", "emial", "tags", "\\u0065mail", "" }[random.Next(5)]);
                    break;
                case 6:
                    var text = new StringBuilder(body);
                    var at = random.Next(text.Length);
                    text.Remove(at, Math.Min(random.Next(1, 12), text.Length - at));
                    body = text.ToString();
                    break;
                default:
                    var from = random.Next(body.Length);
                    body = body.Insert(random.Next(body.Length), body.Substring(from, random.Next(body.Length - from)));
                    break;
            }
        }

        return body;
    }

    [GeneratedRegex("""
        "\w+":\s(?<value>"[^"]*"|[-+.\w]+|\[[^\]]*\]|\{[^}]*\})
        """, RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace, 1000)]
    private static partial Regex Member();
}
