using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

/// <summary>What the routes say: statuses, headers, bodies, problems.</summary>
public sealed class SegmentRouteTests : IAsyncLifetime
{
    private static readonly string Rule = Rules.OneJson("city", "=", "\"bern\"");

    private SegmentWorld world = null!;
    private SegmentFunctions segments = null!;
    private RuleFunctions rules = null!;

    public async ValueTask InitializeAsync()
    {
        world = await SegmentWorld.StartAsync();
        segments = ActivatorUtilities.CreateInstance<SegmentFunctions>(world.Process);
        rules = ActivatorUtilities.CreateInstance<RuleFunctions>(world.Process);
    }

    public ValueTask DisposeAsync() => world.DisposeAsync();

    [Fact]
    public async Task A_segment_is_created_read_changed_and_deleted()
    {
        var created = await CallAsync(r => segments.Create(r, default), $$"""{ "name": " Bern ", "description": "  ", "rule": {{Rule}} }""");
        created.Status.ShouldBe(201);
        created.Body.GetProperty("name").GetString().ShouldBe("Bern");
        created.Body.GetProperty("state").GetString().ShouldBe("building");
        created.Body.TryGetProperty("description", out _).ShouldBeFalse();
        JsonElement.DeepEquals(created.Body.GetProperty("rule"), JsonElement.Parse(Rule)).ShouldBeTrue();
        var id = created.Body.GetProperty("id").GetString()!;
        created.Headers.Location.ToString().ShouldBe($"/api/segments/{id}");

        await world.RunQueueAsync();
        var read = await CallAsync(r => segments.Get(r, id, default));
        read.Body.GetProperty("state").GetString().ShouldBe("ready");
        read.Body.GetProperty("members").GetInt64().ShouldBe(0);
        read.Headers.ETag.ShouldBe(created.Headers.ETag, "a rebuild is no change of the segment");

        var body = $$"""{ "name": "Bern 2", "rule": {{Rule}} }""";
        (await ProblemAsync(r => segments.Replace(r, id, default), body)).Status.ShouldBe(428);
        var changed = await CallAsync(r => segments.Replace(r, id, default), body, read.Headers.ETag!);
        changed.Status.ShouldBe(200);
        changed.Headers.ETag.ShouldNotBe(read.Headers.ETag);
        (await ProblemAsync(r => segments.Replace(r, id, default), body, read.Headers.ETag!)).Status.ShouldBe(412);

        (await ProblemAsync(r => segments.Delete(r, id, default))).Status.ShouldBe(428);
        (await ProblemAsync(r => segments.Delete(r, id, default), ifMatch: read.Headers.ETag!)).Status.ShouldBe(412);
        (await CallAsync(r => segments.Delete(r, id, default), ifMatch: changed.Headers.ETag!)).Status.ShouldBe(204);
        (await ProblemAsync(r => segments.Get(r, id, default))).Code.ShouldBe("segment.not_found");
        (await ProblemAsync(r => segments.Delete(r, id, default), ifMatch: "*")).Code.ShouldBe("segment.not_found");
        (await ProblemAsync(r => segments.Members(r, id, default))).Code.ShouldBe("segment.not_found");
    }

    [Fact]
    public async Task Members_and_segments_come_in_pages()
    {
        await world.PutAsync(Enumerable.Range(0, 25).Select(i => Rules.Customer(c => c with { Id = $"{i:x32}", City = "Bern" })));
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add((await world.CreateAsync(Rule, $"S{i}")).Id);
            world.Clock.Advance(TimeSpan.FromMilliseconds(5));
        }

        await world.RunQueueAsync();
        (await AllAsync(r => segments.List(r, default), 2)).ShouldBe(((IEnumerable<string>)ids).Reverse());
        (await AllAsync(r => segments.Members(r, ids[0], default), 10)).ShouldBe(Enumerable.Range(0, 25).Select(i => $"{i:x32}"));

        // A cursor is of one list.
        var page = await CallAsync(r => segments.Members(r, ids[0], default), query: "?limit=10");
        var next = page.Body.GetProperty("next").GetString();
        (await ProblemAsync(r => segments.Members(r, ids[1], default), query: $"?cursor={next}")).Code.ShouldBe("request.cursor_invalid");
        (await ProblemAsync(r => segments.List(r, default), query: "?limit=0")).Code.ShouldBe("request.invalid");
    }

    [Fact]
    public async Task Members_come_as_CSV_and_their_number_by_day()
    {
        await world.PutAsync(Enumerable.Range(0, 1200).Select(i => Rules.Customer(c => c with
        {
            Id = $"{i:x32}", ExternalId = $"C{i}", City = "Bern", FirstName = i == 0 ? "=HYPERLINK(\"http://x\")" : "Anna, \"A\"", TotalSpend = i,
        })));
        var id = (await world.CreateAsync(Rule)).Id;
        await world.RunQueueAsync();

        var csv = await TextAsync(r => segments.Members(r, id, default), "?format=csv");
        csv.Headers.ContentType.ToString().ShouldBe("text/csv; charset=utf-8");
        csv.Headers.CacheControl.ToString().ShouldBe("no-store");
        var lines = csv.Text.TrimStart('\uFEFF').Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(1201);
        lines[0].ShouldBe("externalId,email,phone,firstName,lastName,city,country,customerId,totalSpend,orderCount,lastActiveAt");
        lines[1].ShouldStartWith("C0,,,\"'=HYPERLINK(");
        lines[1200].ShouldBe($"C1199,,,\"Anna, \"\"A\"\"\",,Bern,,{1199:x32},11.99,0,");
        (await ProblemAsync(r => segments.Members(r, "nobody", default), query: "?format=csv")).Code.ShouldBe("segment.not_found");
        (await ProblemAsync(r => segments.Members(r, id, default), query: "?format=xml")).Code.ShouldBe("request.invalid");

        var growth = await CallAsync(r => segments.Growth(r, id, default));
        growth.Body.GetProperty("days").GetRawText().ShouldBe("""[{"day":"2026-08-31","members":1200}]""");
        (await CallAsync(r => segments.Growth(r, id, default), query: "?from=2026-01-01&to=2026-02-01")).Body.GetProperty("days").GetArrayLength().ShouldBe(0);
        (await ProblemAsync(r => segments.Growth(r, id, default), query: "?from=yesterday")).Errors!.Keys.ShouldBe(["/from"]);
    }

    [Fact]
    public async Task RFM_is_started_once_and_shown()
    {
        var rfm = ActivatorUtilities.CreateInstance<RfmFunctions>(world.Process);
        (await CallAsync(r => rfm.Get(r, default))).Body.GetProperty("customers").GetInt32().ShouldBe(0);
        await world.PutAsync(Enumerable.Range(0, 20).Select(i => Rules.Customer(c => c with
        {
            Id = $"{i:x32}", OrderCount = i + 1, TotalSpend = i * 1000, LastOrderAt = Rules.Now.AddDays(-30 + i),
        })));
        var started = await CallAsync(r => rfm.Rebuild(r, default));
        started.Status.ShouldBe(202);
        started.Body.GetProperty("run").GetProperty("state").GetString().ShouldBe("measuring");
        (await CallAsync(r => rfm.Rebuild(r, default))).Status.ShouldBe(202);
        await rfm.Score(world.Queue.TakeNextRfm()!, default);
        world.Queue.TakeNextRfm().ShouldBeNull();

        var shown = (await CallAsync(r => rfm.Get(r, default))).Body;
        shown.GetProperty("run").GetProperty("state").GetString().ShouldBe("done");
        shown.GetProperty("customers").GetInt32().ShouldBe(20);
        shown.GetProperty("bounds").GetProperty("frequency").GetRawText().ShouldBe("[4,8,12,16]");
        shown.GetProperty("bounds").GetProperty("monetary").GetRawText().ShouldBe("[30.00,70.00,110.00,150.00]");
        shown.GetProperty("segments")[0].GetRawText().ShouldBe("""{"name":"Champions","customers":4,"share":0.2,"spend":700.00,"spendShare":0.3684}""");
    }

    [Theory]
    [InlineData("""{ "name": "", "rule": { "combinator": "and", "rules": [] } }""", "request.invalid", "/name")]
    [InlineData("""{ "name": "x" }""", "request.invalid", "/rule")]
    [InlineData("""{ "name": "x", "rule": null }""", "request.invalid", "/rule")]
    [InlineData("""{ "name": "x", "rule": { "combinator": "and", "rules": [] }, "query": 1 }""", "request.invalid", "/query")]
    [InlineData("""{ "name": "x", "rule": [] }""", "segment.rule_invalid", "/rule")]
    [InlineData("""{ "name": "x", "rule": { "combinator": "and", "rules": [ { "field": "spend", "operator": ">", "value": 1 } ] } }""", "segment.rule_invalid", "/rule/rules/0/field")]
    [InlineData("""{ "name": "x", "rule": { "combinator": "and", "rules": [ { "field": "segments", "operator": "contains", "value": "nobody" } ] } }""", "segment.rule_invalid", "/rule")]
    public async Task A_bad_segment_is_refused_and_nothing_stored(string body, string code, string pointer)
    {
        var problem = await ProblemAsync(r => segments.Create(r, default), body);
        problem.Status.ShouldBe(400);
        problem.Code.ShouldBe(code);
        problem.Errors.ShouldNotBeNull().Keys.ShouldBe([pointer]);
        (await world.Get<SegmentDirectory>().AllAsync(default)).ShouldBeEmpty();
        world.Queue.TakeNext().ShouldBeNull();
    }

    [Theory]
    [InlineData(9, "segment.rule_too_deep")]
    [InlineData(50, "segment.rule_too_deep")]
    [InlineData(250, "segment.rule_too_deep")]
    [InlineData(300, "request.json_too_deep")]
    [InlineData(5000, "request.json_too_deep")]
    public async Task A_rule_that_is_too_deep_is_refused_where_it_is(int levels, string code)
    {
        var rule = string.Concat(Enumerable.Repeat("""{"combinator":"and","rules":[""", levels)) + """{"field":"city","operator":"notNull"}""" + string.Concat(Enumerable.Repeat("]}", levels));
        var problem = await ProblemAsync(r => rules.Preview(r, default), $$"""{ "rule": {{rule}} }""");
        problem.Status.ShouldBe(400);
        problem.Code.ShouldBe(code);
        problem.Errors?.Keys.ShouldBe(["/rule" + string.Concat(Enumerable.Repeat("/rules/0", RuleParser.MaxDepth))]);
    }

    [Fact]
    public async Task Preview_fields_and_templates_answer()
    {
        await world.PutAsync([Rules.Customer(c => c with { City = "Bern", TotalSpend = 12_34 })]);
        var preview = await CallAsync(r => rules.Preview(r, default), $$"""{ "rule": {{Rule}} }""");
        preview.Body.GetProperty("count").GetInt32().ShouldBe(1);
        preview.Body.GetProperty("sample")[0].GetProperty("customer").GetProperty("totalSpend").GetDecimal().ShouldBe(12.34m);
        preview.Body.GetProperty("sample")[0].GetProperty("because").GetRawText().ShouldBe("""[{"passed":true,"field":"city","operator":"=","value":"bern","actual":"Bern"}]""");

        var fields = await CallAsync(r => rules.Fields(r, default));
        fields.Body.GetProperty("items")[0].GetRawText().ShouldBe(
            """{"name":"externalId","label":"External id","type":"text","operators":["=","!=","in","notIn","contains","doesNotContain","beginsWith","endsWith","null","notNull"],"""
            + "\"" + """examples":{"=":"C-1042","!=":"C-1042","in":["C-1042"],"notIn":["C-1042"],"contains":"C-1042","doesNotContain":"C-1042","beginsWith":"C-1042","endsWith":"C-1042"}}""");
        (await CallAsync(r => Task.FromResult(rules.Templates(r)))).Body.GetProperty("items").GetArrayLength().ShouldBe(SegmentTemplate.All.Count);
    }

    private async Task<List<string>> AllAsync(Func<HttpRequest, Task<IResult>> list, int limit)
    {
        var ids = new List<string>();
        var cursor = "";
        while (true)
        {
            var page = await CallAsync(list, query: $"?limit={limit}{cursor}");
            ids.AddRange(page.Body.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()!));
            if (!page.Body.TryGetProperty("next", out var next))
            {
                return ids;
            }

            cursor = $"&cursor={next.GetString()}";
        }
    }

    private async Task<(IHeaderDictionary Headers, string Text)> TextAsync(Func<HttpRequest, Task<IResult>> call, string query)
    {
        var http = new DefaultHttpContext { RequestServices = world.Process };
        http.Request.QueryString = new QueryString(query);
        using var answer = new MemoryStream();
        http.Response.Body = answer;
        await (await call(http.Request)).ExecuteAsync(http);
        return (http.Response.Headers, Encoding.UTF8.GetString(answer.ToArray()));
    }

    private async Task<Problem> ProblemAsync(Func<HttpRequest, Task<IResult>> call, string? body = null, string? ifMatch = null, string query = "") =>
        (await Should.ThrowAsync<ProblemException>(() => CallAsync(call, body, ifMatch, query))).Problem;

    private async Task<(int Status, IHeaderDictionary Headers, JsonElement Body)> CallAsync(
        Func<HttpRequest, Task<IResult>> call, string? body = null, string? ifMatch = null, string query = "")
    {
        var http = new DefaultHttpContext { RequestServices = world.Process };
        http.Request.QueryString = new QueryString(query);
        if (body is not null)
        {
            http.Request.ContentType = "application/json";
            http.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        }

        if (ifMatch is not null)
        {
            http.Request.Headers.IfMatch = ifMatch;
        }

        var answer = new MemoryStream();
        http.Response.Body = answer;
        await (await call(http.Request)).ExecuteAsync(http);
        return (http.Response.StatusCode, http.Response.Headers, answer.Length > 0 ? JsonElement.Parse(answer.ToArray()) : default);
    }
}
