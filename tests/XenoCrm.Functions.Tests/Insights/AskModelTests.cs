using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform;

namespace XenoCrm.Insights;

/// <summary>The model behind its door: what it costs, what is kept, and what happens when it fails.</summary>
public sealed class AskModelTests
{
    private const string Text = """{ "text": "spent over 50" }""";

    private static Task<ApiAnswer> AskAsync(InsightsWorld world, string body = Text, IServiceProvider? process = null) => world.PostAsync((f, r) => f.Segments(r, default), body, process);

    private static Task<AiUsageView> UsageAsync(InsightsWorld world) => world.Get<AiAccount>().ReadAsync(null, default);

    [Fact]
    public async Task The_models_answer_is_used_counted_and_kept_for_all_instances()
    {
        await using var model = await FakeModel.StartAsync(_ => FakeModel.Rule("""{"combinator":"and","rules":[{"field":"totalSpend","operator":">","value":77}]}"""));
        await using var world = await InsightsWorld.StartAsync(model.Settings, customers: 50);
        var first = (await AskAsync(world)).ShouldBe(200);
        first["source"].GetString().ShouldBe("model");
        first.Body.TryGetProperty("fallback", out _).ShouldBeFalse();
        first["english"].GetString().ShouldBe("Customers who spent more than USD 77");
        var asked = model.Requests.ShouldHaveSingleItem();
        (asked.Method, asked.Path, asked.Authorization).ShouldBe(("POST", "/v1/chat/completions", "Bearer test-key"));
        model.Questions.Single().Body.GetProperty("response_format").GetProperty("type").GetString().ShouldBe("json_schema");

        // 1,000 tokens at 1 and 100 at 2 per million.
        (await UsageAsync(world)).ShouldBe(new AiUsageView("2026-09-15", 1, 0, 0, 1000, 100, 0.0012m, 1000));

        // Another instance knows the answer; another question is asked.
        (await AskAsync(world, process: world.NewProcess())).ShouldBe(200)["english"].GetString().ShouldBe("Customers who spent more than USD 77");
        model.Requests.Count.ShouldBe(1);
        (await AskAsync(world, """{ "text": "spent over 51" }""")).ShouldBe(200);
        model.Requests.Count.ShouldBe(2);
        (await UsageAsync(world)).ShouldBe(new AiUsageView("2026-09-15", 2, 0, 1, 2000, 200, 0.0024m, 1000));
    }

    [Theory]
    [InlineData(429, Fallbacks.Quota, 1)]
    [InlineData(401, Fallbacks.Rejected, 1)]
    [InlineData(404, Fallbacks.Rejected, 1)]
    [InlineData(500, Fallbacks.Unavailable, 3)]
    [InlineData(503, Fallbacks.Unavailable, 3)]
    public async Task A_model_that_refuses_is_done_without_and_the_answer_says_why(int status, string reason, int requests)
    {
        await using var model = await FakeModel.StartAsync((http, _) =>
        {
            http.Response.StatusCode = status;
            return http.Response.WriteAsync("""{ "error": { "message": "no", "code": "x" } }""");
        });
        await using var world = await InsightsWorld.StartAsync(model.Settings, customers: 50);
        ShouldFallBack(await AskAsync(world), reason);
        model.Requests.Count.ShouldBe(requests, "what may pass is tried again");
        (await UsageAsync(world)).ShouldBe(new AiUsageView("2026-09-15", 1, 1, 0, 0, 0, 0, 1000), "nothing was answered and nothing is held back");
    }

    [Fact]
    public async Task A_model_that_takes_too_long_is_not_waited_for()
    {
        var never = new TaskCompletionSource();
        await using var model = await FakeModel.StartAsync((http, _) => never.Task.WaitAsync(http.RequestAborted));
        var settings = model.Settings;
        settings["Ai:Timeout"] = "00:00:00.5";
        await using var world = await InsightsWorld.StartAsync(settings, customers: 50);
        ShouldFallBack(await AskAsync(world), Fallbacks.Timeout);
        var usage = await UsageAsync(world);
        usage.Failures.ShouldBe(1);
        usage.InputTokens.ShouldBeGreaterThan(100, "the question may have been worked on");
    }

    /// <summary>However it comes to nothing in time: each piece of the way is within its bound, and all of it together too.</summary>
    [Theory]
    [InlineData("drips")]
    [InlineData("fails, then is silent")]
    [InlineData("hangs up")]
    public async Task A_model_that_is_slow_in_pieces_is_not_waited_for(string how)
    {
        var tries = 0;
        await using var model = await FakeModel.StartAsync(async (http, _) =>
        {
            if (how == "hangs up")
            {
                http.Abort();
                return;
            }

            if (how != "drips" && Interlocked.Increment(ref tries) == 1)
            {
                http.Response.StatusCode = 500;
                return;
            }

            while (how == "drips")
            {
                await http.Response.WriteAsync(" ", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(20, http.RequestAborted);
            }

            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        });
        var settings = model.Settings;
        settings["Ai:Timeout"] = how == "hangs up" ? "00:01:00" : "00:00:01";
        await using var world = await InsightsWorld.StartAsync(settings, customers: 20);
        var answer = await AskAsync(world);
        ShouldFallBack(answer, how == "hangs up" ? Fallbacks.Unavailable : Fallbacks.Timeout);
        model.Requests.Count.ShouldBeLessThanOrEqualTo(3);
    }

    /// <summary>Not only rules: every job is done without a model that fails, and says why.</summary>
    [Theory]
    [InlineData(429, Fallbacks.Quota)]
    [InlineData(503, Fallbacks.Unavailable)]
    [InlineData(401, Fallbacks.Rejected)]
    [InlineData(200, Fallbacks.InvalidAnswer)]
    public async Task Every_job_is_done_when_the_model_fails(int status, string reason)
    {
        await using var model = await FakeModel.StartAsync((http, _) =>
        {
            http.Response.StatusCode = status;
            return status == 200 ? FakeModel.WriteAsync(http, "I would rather not.") : http.Response.WriteAsync("""{ "error": { "message": "no" } }""");
        });
        await using var world = await InsightsWorld.StartAsync(customers: 300);
        var segment = await world.SegmentAsync();
        var id = await world.CampaignAsync(segment, CampaignSeed.Content, delivered: 4750, opened: 1250, clicked: 398);
        var jobs = new Dictionary<string, Func<IServiceProvider, Task<ApiAnswer>>>
        {
            ["rule"] = p => AskAsync(world, process: p),
            ["variants"] = p => world.PostAsync((f, r) => f.Messages(r, default), $$"""{ "segmentId": "{{segment}}", "channel": "sms", "goal": "win back" }""", p),
            ["text"] = p => world.PostAsync((f, r) => f.Summary(r, id, default), null, p),
            ["tags"] = p => world.PostAsync((f, r) => f.Tags(r, id, default), null, p),
            ["findings"] = p => world.PostAsync((f, r) => f.Describe(r, segment, default), null, p),
        };
        var failing = world.NewProcess(model.Settings);
        foreach (var (result, ask) in jobs)
        {
            var (without, with) = (await ask(world.Services), await ask(failing));
            without.ShouldBe(200).Body.TryGetProperty("fallback", out _).ShouldBeFalse(result);
            (with.ShouldBe(200)["source"].GetString(), with["fallback"].GetString()).ShouldBe(("offline", reason), result);
            with[result].ToString().ShouldBe(without[result].ToString(), "what is done without a model is the same whatever the reason");
        }

        model.Requests.Count.ShouldBeGreaterThanOrEqualTo(5);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Sure! Here is your rule.")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{ "rule": null, "ambiguities": [] }""")]
    [InlineData("""{ "rule": "{\"combinator\":\"and\",\"rules\":[]}", "ambiguities": [] }""")]
    [InlineData("""{ "rule": "{\"combinator\":\"and\",\"rules\":[{\"field\":\"salary\",\"operator\":\">\",\"value\":1}]}", "ambiguities": [] }""")]
    [InlineData("""{ "rule": "{\"combinator\":\"and\",\"rules\":[{\"field\":\"totalSpend\",\"operator\":\"like\",\"value\":1}]}", "ambiguities": [] }""")]
    [InlineData("""{ "rule": "{\"combinator\":\"and\",\"rules\":[{\"field\":\"totalSpend\",\"operator\":\">\",\"value\":\"many\"}]}", "ambiguities": [] }""")]
    [InlineData("""{ "rule": "{\"combinator\":\"and\",\"rules\":[{\"field\":\"totalSpend\",\"operator\":\">\",\"value\":1}]}", "ambiguities": [], "system": "…" }""")]
    [InlineData("""{ "rule": "{{{{", "ambiguities": [] }""")]
    public async Task Nonsense_is_not_passed_on(string nonsense)
    {
        await using var model = await FakeModel.StartAsync(_ => nonsense);
        await using var world = await InsightsWorld.StartAsync(model.Settings, customers: 20);
        ShouldFallBack(await AskAsync(world), Fallbacks.InvalidAnswer);
        (await UsageAsync(world)).ShouldBe(new AiUsageView("2026-09-15", 1, 1, 0, 1000, 100, 0.0012m, 1000), "it was paid for, and is not kept");
        ShouldFallBack(await AskAsync(world), Fallbacks.InvalidAnswer);
        model.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_model_that_keeps_failing_is_left_alone_for_a_while()
    {
        var broken = true;
        await using var model = await FakeModel.StartAsync((http, asked) =>
        {
            http.Response.StatusCode = broken ? 429 : 200;
            return broken ? Task.CompletedTask : FakeModel.WriteAsync(http, FakeModel.Behave(asked));
        });
        await using var world = await InsightsWorld.StartAsync(model.Settings, customers: 20);
        for (var i = 0; i < 5; i++)
        {
            ShouldFallBack(await AskAsync(world), Fallbacks.Quota);
        }

        ShouldFallBack(await AskAsync(world), Fallbacks.CircuitOpen);
        model.Requests.Count.ShouldBe(5);
        broken = false;
        world.Clock.Advance(TimeSpan.FromSeconds(31));
        (await AskAsync(world)).ShouldBe(200)["source"].GetString().ShouldBe("model");
    }

    [Fact]
    public async Task Above_the_budget_of_the_day_nothing_is_asked_by_any_instance_until_the_next()
    {
        await using var model = await FakeModel.StartAsync((http, asked) => FakeModel.WriteAsync(http, FakeModel.Behave(asked), inputTokens: 30_000, outputTokens: 10_000));
        var settings = model.Settings;
        settings["Ai:DailyBudget"] = "0.06";
        settings["Ai:MaxAnswerTokens"] = "1000";
        await using var world = await InsightsWorld.StartAsync(settings, customers: 20);
        (await AskAsync(world)).ShouldBe(200)["source"].GetString().ShouldBe("model");
        (await AskAsync(world, """{ "text": "spent over 51" }""")).ShouldBe(200)["source"].GetString().ShouldBe("model");
        (await UsageAsync(world)).Cost.ShouldBe(0.1m);
        ShouldFallBack(await AskAsync(world, """{ "text": "spent over 52" }""", world.NewProcess()), Fallbacks.Budget);
        (await AskAsync(world)).ShouldBe(200)["source"].GetString().ShouldBe("model", "what is known costs nothing");
        model.Requests.Count.ShouldBe(2);

        world.Clock.Advance(TimeSpan.FromDays(1));
        (await AskAsync(world, """{ "text": "spent over 52" }""")).ShouldBe(200)["source"].GetString().ShouldBe("model");
        (await world.Get<AiAccount>().ReadAsync("2026-09-15", default)).Requests.ShouldBe(2);
    }

    [Fact]
    public async Task Questions_at_once_do_not_spend_more_than_the_budget()
    {
        await using var model = await FakeModel.StartAsync((http, asked) => FakeModel.WriteAsync(http, FakeModel.Behave(asked), inputTokens: 100, outputTokens: 100));
        var settings = model.Settings;
        settings["Ai:OutputPrice"] = "1000";
        settings["Ai:DailyBudget"] = "1.05";
        settings["Ai:MaxAnswerTokens"] = "500";
        await using var world = await InsightsWorld.StartAsync(settings, customers: 20);
        var account = world.Get<AiAccount>();
        var most = account.Price(0, 500);

        // Half a unit is held back for each: of twenty at once two fit, whoever of the instances they come to.
        var other = world.NewProcess().GetRequiredService<AiAccount>();
        var days = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? account : other).ReserveAsync(most, default)));
        days.Count(d => d is not null).ShouldBe(2);
        await account.SettleAsync(days.OfType<string>().First(), most, 0, 100, failed: false, default);
        (await account.ReserveAsync(account.Price(0, 400), default)).ShouldNotBeNull("what was not needed is free again");
    }

    [Fact]
    public async Task What_was_asked_can_be_read()
    {
        await using var world = await InsightsWorld.StartAsync(customers: 5);
        (await world.PostAsync((f, r) => f.Usage(r, default))).ShouldBe(200)["requests"].GetInt64().ShouldBe(0);
    }

    private static void ShouldFallBack(ApiAnswer answer, string reason)
    {
        answer.ShouldBe(200)["source"].GetString().ShouldBe("offline");
        answer["fallback"].GetString().ShouldBe(reason);
        Sentences.Canonical(answer["rule"]).ShouldStartWith("totalSpend > 5");
    }
}
