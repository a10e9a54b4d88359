using System.Text.Json;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Imports;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Privacy;

public sealed class EraseCustomerTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>What says who people are: none of it may be found after their erasure, nor ever in what outlives it.</summary>
    private static readonly string[] Seeded = ["EXT-4711", "EXT-4712", "maria@example.org", "old@example.org", "second@example.org", "+41446681800", "446681800", "Andersson", "device-token-1"];

    private CrmHarness crm = null!;

    public async ValueTask InitializeAsync() => crm = await CrmHarness.StartAsync();

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static CustomerDraft Draft(CustomerInput input)
    {
        var issues = new List<FieldIssue>();
        var draft = CustomerNormalizer.Normalize(input, issues);
        issues.ShouldBeEmpty();
        return draft;
    }

    /// <summary>A customer with a former email, a merged second self, orders, a device, and a message in a campaign.</summary>
    private static async Task<string> MariaAsync(CrmHarness crm, int orders = 120)
    {
        await crm.Writer.UpsertAsync([new(Draft(new() { ExternalId = "EXT-4711", Email = "old@example.org" }), 2)], new("test", crm.Journal("import-1")), Cancellation);
        var maria = await crm.Writer.UpsertAsync(Draft(new()
        {
            ExternalId = "EXT-4711", Email = "Maria@example.org", Phone = "+41446681800", LastName = "Andersson", Tags = ["vip"],
            Attributes = new Dictionary<string, JsonElement> { [SendRules.PushAttribute] = JsonSerializer.SerializeToElement("device-token-1") },
            Consent = new Dictionary<string, ConsentInput> { ["email"] = new(ConsentState.Granted) },
        }), "test", Cancellation);
        var second = await crm.Writer.UpsertAsync(Draft(new() { ExternalId = "EXT-4712", Email = "second@example.org" }), "test", Cancellation);
        await crm.Orders.UpsertAsync([.. Enumerable.Range(0, orders).Select(i => Order("EXT-4711", i))], new("test"), Cancellation);
        await crm.Get<RecordVisit>().HandleAsync(maria.Value.Id, new(Start), Cancellation);
        await crm.Get<MergeCustomers>().HandleAsync(new(maria.Value.Id, second.Value.Id), Cancellation);
        await crm.Get<BatchStore>().CreateManyAsync(
            [Batch.Create("c1", 0, ["someone", maria.Value.Id], Start), Batch.Create("c2", 0, [second.Value.Id], Start), Batch.Create("c3", 0, ["someone"], Start)], Cancellation);
        return maria.Value.Id;
    }

    private static OrderRow Order(string externalId, int i) => new(
        OrderNormalizer.Normalize(new() { OrderNumber = $"o{i}", Customer = new() { ExternalId = externalId }, Amount = 10 + i, PlacedAt = Start.AddDays(i) }, "USD", [])!, i + 2);

    private static Task<Erasure> EraseAsync(CrmHarness crm, string id) => crm.Get<EraseCustomer>().HandleAsync(id, "user-1", Cancellation);

    private static Problem ProblemOf(Func<Task> act) => Should.Throw<ProblemException>(act).Problem;

    /// <summary>Every item of every container, as stored.</summary>
    private static async Task<List<(string Container, string Json)>> EverythingAsync(CrmHarness crm, params string[] containers)
    {
        var all = new List<(string, string)>();
        foreach (var name in containers.Length > 0 ? containers : [CustomerStore.ContainerName, CustomerIdentities.ContainerName, SuppressionStore.Definition.Name, BatchStore.Definition.Name, Workspace.ContainerName])
        {
            all.AddRange((await crm.AllAsync<JsonElement>(name)).Select(e => (name, e.GetRawText())));
        }

        return all;
    }

    private static async Task ShouldHoldNothingAsync(CrmHarness crm, string about)
    {
        var all = await EverythingAsync(crm);
        all.Count.ShouldBeGreaterThan(8);
        foreach (var (container, json) in all)
        {
            Seeded.Where(s => json.Contains(s, StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty($"{about}: {container} holds {json}");
        }
    }

    [Fact]
    public async Task A_person_is_gone_and_stays_gone()
    {
        var id = await MariaAsync(crm);
        var certificate = await EraseAsync(crm, id);
        (certificate.State, certificate.RequestedBy, certificate.CustomerIds.Count, certificate.Keys.Count, certificate.KeysOfOthers.Count).ShouldBe((ErasureState.Done, "user-1", 2, 6, 0));
        certificate.Removed!.ShouldSatisfyAllConditions(r => r.Orders.ShouldBe(120), r => r.Visits.ShouldBe(1), r => r.Tags.ShouldBe(1), r => r.ConsentAnswers.ShouldBe(1));
        certificate.Addresses.Select(a => a.Channel).ShouldBe(["email", "sms", "whatsapp", "push", "email", "email"], ignoreOrder: true);
        certificate.Remains.Single(r => r.What.StartsWith("messages", StringComparison.Ordinal)).Count.ShouldBe(2);
        certificate.Remains.Single(r => r.What.StartsWith("files", StringComparison.Ordinal)).Until!.Value.ShouldBe(certificate.FinishedAt!.Value + TimeSpan.FromDays(30), TimeSpan.FromSeconds(1));
        await ShouldHoldNothingAsync(crm, "after the erasure");

        JsonSerializer.Serialize(await EraseAsync(crm, id), Json.Options).ShouldBe(JsonSerializer.Serialize(certificate, Json.Options));
        (await crm.Customers.ReadAsync(id, Cancellation)).ShouldBeNull();
        ProblemOf(() => EraseAsync(crm, "nobody")).Code.ShouldBe("customer.not_found");

        // By no key and no way: rows, requests, orders that create their customer.
        CustomerInput[] back = [new() { ExternalId = "EXT-4711" }, new() { Email = "MARIA@example.org" }, new() { Email = "old@example.org" }, new() { Phone = "+41446681800" },
            new() { ExternalId = "EXT-4712", Email = "fresh@example.com" }, new() { ExternalId = "fresh", Email = "second@example.org" }, new() { ExternalId = "fresh", Phone = "+41446681800" }];
        var results = await crm.Writer.UpsertAsync([.. back.Select((b, i) => new UpsertRow(Draft(b), i + 2))], new("import", crm.Journal("import-2")), Cancellation);
        results.ShouldAllBe(r => r.Code == "customer.erased");
        foreach (var input in back)
        {
            ProblemOf(() => crm.Writer.CreateAsync(Draft(input), "api", Cancellation)).ShouldSatisfyAllConditions(p => p.Code.ShouldBe("customer.erased"), p => p.Status.ShouldBe(409));
        }

        (await crm.Orders.UpsertAsync([Order("EXT-4711", 1)], new("import", crm.Journal("i"), true), Cancellation))[0].Code.ShouldBe("customer.erased");
        var other = await crm.Writer.CreateAsync(Draft(new() { Email = "other@example.com" }), "api", Cancellation);
        ProblemOf(() => crm.Get<SaveCustomer>().PatchAsync(other.Value.Id, new() { ["email"] = "maria@example.org" }, null, Cancellation)).Code.ShouldBe("customer.erased");
        ProblemOf(() => crm.Get<SaveCustomer>().PatchAsync(other.Value.Id, new() { ["phone"] = "+41446681800" }, null, Cancellation)).Code.ShouldBe("customer.erased");
        (await crm.CheckedCustomersAsync()).ShouldHaveSingleItem().Email.ShouldBe("other@example.com");
        ProblemOf(() => crm.Get<MergeCustomers>().HandleAsync(new(other.Value.Id, id), Cancellation)).Code.ShouldBe("customer.not_found");

        // Never written to again, whatever anybody asks for.
        var hash = crm.Hasher.Hash(Channel.Email, "old@example.org");
        (await crm.Get<SuppressionStore>().ReasonsAsync([hash], Cancellation))[hash].ShouldBe("erased");
        ProblemOf(() => crm.Get<SuppressionStore>().RemoveAsync(hash, Cancellation)).Code.ShouldBe("customer.erased");
    }

    [Fact]
    public async Task Killed_between_any_two_writes_it_goes_on_to_the_same_end()
    {
        for (var write = 1; ; write++)
        {
            await using var world = await CrmHarness.StartAsync();
            var id = await MariaAsync(world);
            world.Log.Reset();
            world.Log.CrashAfterWrite = write;
            var isDone = await Task.Run(() => EraseAsync(world, id), Cancellation).ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default);
            world.Log.Reset();

            await EraserOf(world).FinishAsync(Cancellation);
            var certificate = (await world.Get<WorkspaceStore<Erasure>>().ReadAsync(id, Cancellation))!.Value;
            (certificate.State, certificate.Keys.Count, certificate.Addresses.Count, certificate.Removed!.Orders).ShouldBe((ErasureState.Done, 6, 6, 120), $"killed after write {write}");
            await ShouldHoldNothingAsync(world, $"killed after write {write}");
            (await world.Writer.UpsertAsync([new(Draft(new() { Email = "old@example.org" }), 2)], new("test"), Cancellation))[0].Code.ShouldBe("customer.erased");
            if (isDone)
            {
                write.ShouldBeGreaterThan(14);
                return;
            }
        }
    }

    [Fact]
    public async Task Killed_beside_a_deletion_that_is_killed_too_it_leaves_nothing()
    {
        // How many writes there are depends on which of the two is first, so the numbers are fixed; the last ones let both end.
        var killed = 0;
        for (var write = 1; write <= 21; write += 2)
        {
            await using var world = await CrmHarness.StartAsync();
            var id = await MariaAsync(world, 150);
            world.Log.Reset();
            world.Log.CrashAfterWrite = write;
            var outcomes = await Task.WhenAll(new Func<Task>[] { () => EraseAsync(world, id), () => world.Get<DeleteCustomer>().HandleAsync(id, null, Cancellation) }
                .Select(action => Task.Run(action, Cancellation).ContinueWith(t => t.IsCompletedSuccessfully || t.Exception?.InnerException is ProblemException, TaskScheduler.Default)));
            world.Log.Reset();

            await new DeleteCustomer(world.OrderStore, world.Customers, world.Writer, world.Get<MergeCustomers>(), new(), new Later()).FinishAsync(Cancellation);
            await EraserOf(world).FinishAsync(Cancellation);
            var about = $"killed after write {write}";
            var gone = await world.Customers.ReadAsync(id, Cancellation) is null;
            (await world.OrderStore.CountAsync(id, Cancellation)).ShouldBe(gone ? 0 : 150, about);
            if ((await world.Get<WorkspaceStore<Erasure>>().ReadAsync(id, Cancellation))?.Value is { } erasure)
            {
                (erasure.State, gone).ShouldBe((ErasureState.Done, true), about);
                await ShouldHoldNothingAsync(world, about);
                (await world.Writer.UpsertAsync([new(Draft(new() { ExternalId = "EXT-4711" }), 2)], new("test"), Cancellation))[0].Code.ShouldBe("customer.erased", about);
            }

            killed += outcomes.All(done => done) ? 0 : 1;
        }

        killed.ShouldBeGreaterThan(2);
    }

    private static EraseCustomer EraserOf(CrmHarness world) => new(
        world.Get<WorkspaceStore<Erasure>>(), world.Customers, world.Writer, world.OrderStore, world.Get<MergeCustomers>(), world.Get<SuppressionStore>(),
        world.Get<BatchStore>(), world.Get<Platform.Idempotency.StoredRequests>(), world.Hasher, world.Get<IOptions<ImportOptions>>(), new Later());

    [Fact]
    public async Task Writers_that_bring_the_person_back_meanwhile_lose()
    {
        var id = await MariaAsync(crm, 30);
        using var stop = new CancellationTokenSource();
        var keys = new[] { "EXT-4711", "EXT-4712" };
        var writers = Enumerable.Range(0, 8).Select(w => Task.Run(
            async () =>
            {
                for (var i = 0; !stop.IsCancellationRequested; i++)
                {
                    await crm.Writer.UpsertAsync(
                        [new(Draft(new() { ExternalId = keys[i % 2], Email = $"maria@example.org", City = $"c{w}-{i}" }), 2), new(Draft(new() { Email = "second@example.org", City = $"{i}" }), 3)], new("import", crm.Journal($"i{w}", i + 1)), Cancellation);
                    await crm.Orders.UpsertAsync([Order(keys[i % 2], (w * 1000) + i)], new("import", crm.Journal($"o{w}", i + 1), true), Cancellation);
                    if (w < 2)
                    {
                        // By id: the one way that goes on until the customer is gone.
                        await Task.WhenAny(crm.Get<RecordVisit>().HandleAsync(id, new(Start), Cancellation));
                    }
                }
            }, Cancellation)).ToList();
        await Task.Delay(300, Cancellation);
        var certificates = await Task.WhenAll(EraseAsync(crm, id), EraseAsync(crm, id));
        await Task.Delay(300, Cancellation);
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        certificates[0].Removed.ShouldBe(certificates[1].Removed);
        certificates[0].Removed!.Orders.ShouldBeGreaterThanOrEqualTo(30);
        (await crm.CheckedCustomersAsync()).ShouldBeEmpty();
        (await crm.OrderStore.ReadOrphansAsync(id, 10, Cancellation)).ShouldBeEmpty();
        await ShouldHoldNothingAsync(crm, "after the writers");
    }

    [Fact]
    public async Task Who_shares_a_phone_or_has_a_former_address_now_keeps_it()
    {
        await crm.Writer.UpsertAsync([new(Draft(new() { ExternalId = "EXT-4711", Email = "old@example.org" }), 2)], new("test"), Cancellation);
        var maria = await crm.Writer.UpsertAsync(Draft(new() { ExternalId = "EXT-4711", Email = "maria@example.org", Phone = "+41446681800" }), "test", Cancellation);
        var spouse = await crm.Writer.CreateAsync(Draft(new() { Email = "spouse@example.com", Phone = "+41446681800" }), "test", Cancellation);
        var heir = await crm.Writer.CreateAsync(Draft(new() { ExternalId = "heir", Email = "old@example.org" }), "test", Cancellation);

        var certificate = await EraseAsync(crm, maria.Value.Id);
        certificate.KeysOfOthers.ShouldBe([crm.Hasher.Email("old@example.org")]);

        // And they are still written to; the certificate says so. Whoever has an address alone is not.
        string[] shared = [crm.Hasher.Hash(Channel.Email, "old@example.org"), crm.Hasher.Hash(Channel.Sms, "+41446681800"), crm.Hasher.Hash(Channel.WhatsApp, "+41446681800")];
        var own = crm.Hasher.Hash(Channel.Email, "maria@example.org");
        certificate.AddressesOfOthers.Select(a => a.Hash).ShouldBe(shared, ignoreOrder: true);
        certificate.Remains.Single(r => r.What.StartsWith("addresses that another", StringComparison.Ordinal)).Count.ShouldBe(3);
        (await crm.Get<SuppressionStore>().ReasonsAsync([.. shared, own], Cancellation)).ShouldBe(new Dictionary<string, string> { [own] = "erased" });
        await crm.Get<SaveCustomer>().PatchAsync(spouse.Value.Id, new() { ["city"] = "Bern" }, null, Cancellation);
        (await crm.Writer.UpsertAsync([new(Draft(new() { Email = "spouse@example.com", Phone = "+41446681800", City = "Chur" }), 2)], new("test"), Cancellation))[0].Outcome.ShouldBe(WriteOutcome.Updated);
        (await crm.Writer.UpsertAsync([new(Draft(new() { Email = "old@example.org", City = "Genf" }), 2)], new("test"), Cancellation))[0].ShouldBe(new(WriteOutcome.Updated, heir.Value.Id));
        ProblemOf(() => crm.Writer.CreateAsync(Draft(new() { Email = "third@example.com", Phone = "+41446681800" }), "test", Cancellation)).Code.ShouldBe("customer.erased");
    }

    [Fact]
    public async Task An_address_of_nobody_is_blocked_and_that_of_a_customer_is_not()
    {
        var erase = crm.Get<EraseCustomer>();
        var draft = Draft(new() { Email = "maria@example.org", Phone = "+41446681800" });
        var certificate = await erase.HandleAsync(draft, "user-1", Cancellation);
        (certificate.State, certificate.Keys.Count, certificate.Addresses.Count).ShouldBe((ErasureState.Done, 2, 3));
        (await erase.HandleAsync(draft, "user-2", Cancellation)).RequestedBy.ShouldBe("user-1");
        ProblemOf(() => crm.Writer.CreateAsync(Draft(new() { Email = "maria@example.org" }), "test", Cancellation)).Code.ShouldBe("customer.erased");

        var customer = await crm.Writer.CreateAsync(Draft(new() { Email = "second@example.org" }), "test", Cancellation);
        ProblemOf(() => erase.HandleAsync(Draft(new() { Email = "second@example.org" }), "user-1", Cancellation)).ShouldBe(new ErasureOfCustomer(customer.Value.Id));
    }

    [Fact]
    public async Task What_outlives_people_never_names_them()
    {
        // Keys in use, claimed, given up, of merged customers; suppressions; certificates; marks of imports.
        var id = await MariaAsync(crm);
        await crm.Get<SuppressionStore>().AddAsync(new(crm.Hasher.Hash(Channel.Email, "maria@example.org"), Channel.Email, "bounced", Start, "x"), Cancellation);
        await crm.Writer.UpsertAsync([new(Draft(new() { ExternalId = "EXT-4711", Email = "again@example.org" }), 3)], new("test", crm.Journal("import-1")), Cancellation);
        await crm.Get<EraseCustomer>().HandleAsync(Draft(new() { Email = "nobody@example.org" }), "user-1", Cancellation);

        var held = await EverythingAsync(crm, CustomerIdentities.ContainerName, SuppressionStore.Definition.Name, Workspace.ContainerName, BatchStore.Definition.Name);
        held.Select(h => h.Container).Distinct().Count().ShouldBe(4);
        foreach (var (container, json) in held)
        {
            Seeded.Concat(["again@example.org", "nobody@example.org", "example"]).Where(s => json.Contains(s, StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty($"{container} holds {json}");
        }

        var customer = (await crm.Customers.ReadAsync(id, Cancellation))!.Value;
        customer.FormerKeys.ShouldNotBeEmpty();
        var marks = JsonSerializer.Serialize(new { customer.Imports, customer.FormerKeys, customer.Merged }, Json.Options);
        Seeded.Append("example").Where(s => marks.Contains(s, StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty(marks);
    }

    private sealed class Later : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromMinutes(5);
    }
}
