using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;

namespace XenoCrm.Customers;

/// <summary>Mutated bodies of the routes that do one thing to a customer: each is taken, or refused with a code.</summary>
public sealed class CustomerActionFuzzTests
{
    private const int Bodies = 3000;

    [Fact]
    public async Task No_tags_visit_merge_or_attribute_is_a_5xx()
    {
        await using var crm = await CrmHarness.StartAsync();
        var api = new CustomerApi(crm);
        var merges = crm.Create<MergeFunctions>();
        var ids = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            ids.Add(await api.AddAsync($$"""{ "externalId": "E{{i}}", "tags": ["vip"] }"""));
        }

        string[] values = [.. JsonFuzz.Values, .. ids.Select(i => $"\"{i}\""), "\"string\"", "\"Number\"", "\"dateTime\"", "[\"vip\", \"\"]", $"[{string.Join(',', Enumerable.Range(0, 120).Select(i => $"\"t{i}\""))}]"];
        var fuzz = new JsonFuzz(20_263, values, ["add", "remove", "at", "id", "into", "from", "type", "label"], ["Add", "add", "into", "from", "\\u0061t", ""]);
        for (var i = 0; i < Bodies; i++)
        {
            var (id, other) = (ids[fuzz.Random.Next(6)], ids[fuzz.Random.Next(6)]);
            var (body, send) = fuzz.Random.Next(4) switch
            {
                0 => ("""{ "add": ["new", "old"], "remove": ["vip"] }""", (Func<string, Task<ApiAnswer>>)(b => api.TagsAsync(id, b))),
                1 => ("""{ "at": "2026-01-31T08:15:00Z", "id": "visit-1" }""", b => api.VisitAsync(id, b)),

                // Rarely as it is meant: in the end they would all be one.
                2 => ($$"""{ "into": "{{id}}", "from": "{{(i % 40 == 0 ? other : "nobody")}}" }""", b => ApiCall.SendAsync(crm.Services, r => merges.Merge(r, TestContext.Current.CancellationToken), b, "application/json", "", null)),
                _ => ("""{ "type": "number", "label": "Shoe size" }""", b => api.DeclareAsync($"key{fuzz.Random.Next(4)}", b)),
            };
            body = fuzz.Mutate(body);
            fuzz.Judge(await send(body), body, out _);
        }

        string[] reached = ["request.invalid", "request.json_malformed", "customer.not_found", "customer.merged"];
        reached.Except(fuzz.Codes).ShouldBeEmpty(string.Join(", ", fuzz.Codes));
        fuzz.Taken.ShouldBeGreaterThan(Bodies / 20);
        fuzz.Refused.ShouldBeGreaterThan(Bodies / 4);
        (await crm.CheckedCustomersAsync()).ShouldAllBe(c => c.Tags.Count <= CustomerNormalizer.MaxTags && c.Merging == null);
    }
}
