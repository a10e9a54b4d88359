using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Segments;

namespace XenoCrm.Platform.Idempotency;

/// <summary>What a request with a key does, it does once: at once, one after the other, and killed at any of its ways out.</summary>
public sealed class IdempotencyTests(DeliveryEmulator emulator)
{
    private const string Maria = """{ "externalId": "M-1", "firstName": "Maria", "email": "maria@example.org" }""";

    /// <summary>POSTs that change nothing that lasts, or prove by other means that they are sent once. So do those that log in, and those that suggest.</summary>
    private static readonly string[] WithoutKey =
    [
        "PreviewSegment", "PreviewImport", "RenderTemplate", "CheckCampaign", "Unsubscribe", "TakeReceipts", "TakeSendGridEvents", "TakeTwilioStatus", "AnswerUnknownRoute", "FindSendTime",
    ];

    [Fact]
    public void Every_post_that_has_an_effect_takes_a_key()
    {
        var functions = new HttpFunctions(typeof(HttpFunctions).Assembly).All.Where(f => f.Methods.Contains("post") && f.Area is not ("Accounts" or "Insights")).ToList();
        functions.Count.ShouldBeGreaterThan(20);
        functions.Where(f => f.Get<IdempotentAttribute>() is null).Select(f => f.Name).Except(WithoutKey).ShouldBeEmpty("[Idempotent] is missing");
    }

    [Fact]
    public async Task Fifty_at_once_are_one_effect_and_fifty_equal_answers()
    {
        await using var crm = await DeliveryHarness.StartAsync(emulator);
        var customers = crm.Create<CustomerFunctions>();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => SendAsync(crm, "CreateCustomer", "k-1", Maria, (r, c) => customers.Create(r, c)))));

        answers.ShouldAllBe(a => a.Status == 201);
        answers.Select(a => (a.Text, a.Headers.Location.ToString(), a.Headers.ETag.ToString(), a.Headers.ContentType.ToString())).Distinct().Count().ShouldBe(1);
        answers.Count(IsReplay).ShouldBe(49);
        (await crm.Get<CustomerStore>().PageAsync(CustomerFilter.All, null, 10, default)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Another_body_is_422_and_another_caller_or_route_is_another_request()
    {
        await using var crm = await DeliveryHarness.StartAsync(emulator);
        var customers = crm.Create<CustomerFunctions>();
        Task<ApiAnswer> Create(string body, string by = "u") => SendAsync(crm, "CreateCustomer", "k", body, (r, c) => customers.Create(r, c), by);

        (await Create(Maria)).ShouldBe(201);
        (await Create(Maria.Replace("Maria", "Mario"))).ShouldBeProblem(422, "request.idempotency_key_reused");
        (await Create(Maria, by: "somebody else")).ShouldBeProblem(409, "customer.exists");
        IsReplay((await Create(Maria)).ShouldBe(201)).ShouldBeTrue();
        (await SendAsync(crm, "CreateCustomer", "has a space", Maria, (r, c) => customers.Create(r, c))).ShouldBeProblem(400, "request.idempotency_key_invalid");
        (await SendAsync(crm, "CreateCustomer", new string('x', 256), Maria, (r, c) => customers.Create(r, c))).ShouldBeProblem(400, "request.idempotency_key_invalid");
    }

    [Fact]
    public async Task A_refusal_is_not_kept()
    {
        await using var crm = await DeliveryHarness.StartAsync(emulator);
        var customers = crm.Create<CustomerFunctions>();
        (await SendAsync(crm, "CreateCustomer", "k", "{}", (r, c) => customers.Create(r, c))).ShouldBe(400);
        var taken = await SendAsync(crm, "CreateCustomer", "k", Maria, (r, c) => customers.Create(r, c));
        IsReplay(taken.ShouldBe(201)).ShouldBeFalse();
    }

    [Fact]
    public async Task What_is_stored_names_nobody_and_goes_with_the_person()
    {
        await using var crm = await DeliveryHarness.StartAsync(emulator);
        var customers = crm.Create<CustomerFunctions>();
        var created = (await SendAsync(crm, "CreateCustomer", "secret-key", Maria, (r, c) => customers.Create(r, c))).ShouldBe(201);
        var id = created["id"].GetString()!;
        (await SendAsync(crm, "RecordVisit", "k-2", "{}", (r, c) => customers.Visit(r, id, c), path: $"/api/customers/{id}/visits")).ShouldBe(200);

        var stored = await StoredAsync(crm);
        stored.Count.ShouldBe(2);
        foreach (var text in new[] { "maria", "M-1", "secret-key" })
        {
            stored.ShouldAllBe(s => !s.Contains(text, StringComparison.OrdinalIgnoreCase));
        }

        await crm.Get<StoredRequests>().ForgetAsync(id, default);
        (await StoredAsync(crm)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_waits_too_long_is_told_to_come_again_and_a_slow_first_one_stays_the_first()
    {
        await using var crm = await DeliveryHarness.StartAsync(emulator, ("Idempotency:Wait", "00:00:00"), ("Idempotency:Lease", "00:00:01"));
        var customers = crm.Create<CustomerFunctions>();
        var goOn = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        var first = SendAsync(crm, "CreateCustomer", "k", Maria, async (r, c) =>
        {
            begun.SetResult();
            await goOn.Task;
            return await customers.Create(r, c);
        });
        await begun.Task;

        // Longer than the lease: it is kept alive.
        var leases = new HashSet<string>();
        while (leases.Count < 4)
        {
            (await SendAsync(crm, "CreateCustomer", "k", Maria, (r, c) => customers.Create(r, c))).ShouldBeProblem(409, "request.in_progress");
            leases.Add(JsonElement.Parse((await StoredAsync(crm)).ShouldHaveSingleItem()).GetProperty("leaseUntil").GetString()!);
        }

        goOn.SetResult();
        (await first).ShouldBe(201);
        IsReplay(await SendAsync(crm, "CreateCustomer", "k", Maria, (r, c) => customers.Create(r, c))).ShouldBeTrue();
    }

    public static TheoryData<string> Effects => [.. new[] { "CreateCustomer", "RecordVisit", "CreateOrder", "CreateSegment", "CreateCampaign", "LaunchCampaign", "TestCampaign" }];

    /// <summary>Before each request to the database, the queues or the vendor leaves, and after it was carried out.</summary>
    [Theory]
    [MemberData(nameof(Effects))]
    public async Task Killed_anywhere_and_sent_again_it_has_happened_once(string effect)
    {
        var crashes = 0;
        foreach (var after in new[] { false, true })
        {
            for (var at = 1; ; at++)
            {
                await using var crm = await DeliveryHarness.StartAsync(emulator);
                crm.Vendor.Idempotent = true;
                var (function, body, call, happened) = await PrepareAsync(crm, effect);
                crm.Crash.Arm(at, after);
                var answer = await TryAsync(() => SendAsync(crm, function, "k", body, call));
                var died = crm.Crash.Restart();
                if (died)
                {
                    crashes++;
                    crm.Clock.Advance(TimeSpan.FromMinutes(1));
                    answer = await SendAsync(crm, function, "k", body, call);
                }

                answer.ShouldNotBeNull();
                answer.Status.ShouldBeInRange(200, 299, $"{effect}, way out {at}, after: {after}: {answer.Text}");
                var again = await SendAsync(crm, function, "k", body, call);
                (again.Status, again.Text, IsReplay(again)).ShouldBe((answer.Status, answer.Text, true));
                (await happened()).ShouldBe(1, $"{effect}, way out {at}, after: {after}");
                if (!died)
                {
                    break;
                }
            }
        }

        crashes.ShouldBeGreaterThan(6);
    }

    /// <returns>What to send, to whom, and how often it has happened.</returns>
    private static async Task<(string Function, string? Body, Func<HttpRequest, CancellationToken, Task<IResult>> Call, Func<Task<int>> Happened)> PrepareAsync(DeliveryHarness crm, string effect)
    {
        var customers = crm.Create<CustomerFunctions>();
        var campaigns = crm.Create<CampaignFunctions>();
        var campaign = """{ "name": "Hello", "channel": "sms", "segmentId": "SEGMENT", "content": { "text": "Hello {{firstName}}" } }""".Replace("SEGMENT", DeliveryHarness.SegmentId);
        async Task<string> CreatedAsync(Func<HttpRequest, CancellationToken, Task<IResult>> create, string body) =>
            (await ApiCall.SendAsync(crm.Get<IServiceProvider>(), r => create(Known(r), default), body, "application/json", "", null)).ShouldBe(201)["id"].GetString()!;
        async Task<int> CountAsync<T>(WorkspaceStore<T> store)
            where T : class, IWorkspaceItem => (await store.PageAsync(null, 100, default)).Count;

        switch (effect)
        {
            case "CreateCustomer":
                return (effect, Maria, customers.Create, async () => (await crm.Get<CustomerStore>().PageAsync(CustomerFilter.All, null, 10, default)).Count);
            case "RecordVisit":
                var visitor = await CreatedAsync(customers.Create, Maria);
                return (effect, "{}", (r, c) => customers.Visit(r, visitor, c), async () => (await crm.Get<CustomerStore>().ReadAsync(visitor, default))!.Value.Visits);
            case "CreateOrder":
                var buyer = await CreatedAsync(customers.Create, Maria);
                return (effect, """{ "orderNumber": "O-1", "customer": { "externalId": "M-1" }, "amount": 12.5 }""", crm.Create<OrderFunctions>().Create,
                    async () => (await crm.Get<CustomerStore>().ReadAsync(buyer, default))!.Value.OrderCount);
            case "CreateSegment":
                return (effect, """{ "name": "All", "rule": { "combinator": "and", "rules": [] } }""", crm.Create<SegmentFunctions>().Create,
                    async () => await CountAsync(crm.Get<WorkspaceStore<Segment>>()) - 1);
            case "CreateCampaign":
                return (effect, campaign, campaigns.Create, () => CountAsync(crm.Get<WorkspaceStore<Campaign>>()));
            case "LaunchCampaign":
                var launched = await CreatedAsync(campaigns.Create, campaign);
                return (effect, null, (r, c) => campaigns.Launch(r, launched, c),
                    async () => (await crm.Get<WorkspaceStore<Campaign>>().ReadAsync(launched, default))!.Value is { State: CampaignState.Planning, Requests.Count: 1 } ? 1 : 0);
            default:
                var tested = await CreatedAsync(campaigns.Create, campaign.Replace("\"sms\"", "\"email\"").Replace("\"text\": \"", "\"subject\": \"Hello\", \"text\": \"{{unsubscribeUrl}} "));
                return (effect, """{ "to": ["somebody@example.org"] }""", (r, c) => crm.Create<PreflightFunctions>().Test(r, tested, c), () => Task.FromResult(crm.Vendor.Carried.Count));
        }
    }

    private static async Task<ApiAnswer?> TryAsync(Func<Task<ApiAnswer>> send)
    {
        try
        {
            return await send();
        }
        catch (Exception)
        {
            // Dead; whatever it said last, nobody has heard it.
            return null;
        }
    }

    private static HttpRequest Known(HttpRequest request, string by = "u")
    {
        request.HttpContext.SetCaller(new Caller(by, "U", Role.Manager));
        return request;
    }

    private static async Task<ApiAnswer> SendAsync(
        DeliveryHarness crm, string function, string key, string? body, Func<HttpRequest, CancellationToken, Task<IResult>> call, string by = "u", string? path = null)
    {
        var requests = crm.Get<IdempotentRequests>();
        return await ApiCall.SendAsync(
            crm.Get<IServiceProvider>(),
            request =>
            {
                Known(request, by).Path = path ?? "/" + function;
                request.Headers[RequestKey.Header] = key;
                return requests.RunAsync(request.HttpContext, requests.KeyOf(request.HttpContext, function)!, RequestBody.MaxBytes, () => call(request, default));
            },
            body, "application/json", "", null);
    }

    private static bool IsReplay(ApiAnswer answer) => answer.Headers["Idempotency-Replayed"] == "true";

    private static async Task<List<string>> StoredAsync(DeliveryHarness crm)
    {
        var items = new List<string>();
        using var pages = crm.Get<CosmosDatabase>().Container(StoredRequests.ContainerName).GetItemQueryStreamIterator("SELECT * FROM c");
        while (pages.HasMoreResults)
        {
            using var page = await pages.ReadNextAsync();
            using var json = await JsonDocument.ParseAsync(page.Content);
            items.AddRange(json.RootElement.GetProperty("Documents").EnumerateArray().Select(d => d.GetRawText()));
        }

        return items;
    }
}
