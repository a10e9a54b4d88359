namespace XenoCrm.Customers;

public sealed class CustomerWriterTests : IAsyncLifetime
{
    private CrmHarness crm = null!;

    public async ValueTask InitializeAsync() => crm = await CrmHarness.StartAsync();

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static CustomerDraft Draft(string? externalId = null, string? email = null, string? phone = null, string? city = null)
    {
        var issues = new List<FieldIssue>();
        var draft = CustomerNormalizer.Normalize(new() { ExternalId = externalId, Email = email, Phone = phone, City = city }, issues);
        issues.ShouldBeEmpty();
        return draft;
    }

    private string External(string id) => crm.Hasher.External(id);

    private string Email(string address) => crm.Hasher.Email(address);

    private async Task<IReadOnlyList<WriteResult>> UpsertAsync(params CustomerDraft[] drafts) => await UpsertAsync(null, 2, drafts);

    private Task<IReadOnlyList<WriteResult>> UpsertAsync(string? import, long firstRow, params CustomerDraft[] drafts) =>
        crm.Writer.UpsertAsync([.. drafts.Select((d, i) => new UpsertRow(d, firstRow + i))], new("test", import is null ? null : crm.Journal(import, (int)firstRow)), Cancellation);

    private static WriteOutcome[] Outcomes(IEnumerable<WriteResult> results) => [.. results.Select(r => r.Outcome)];

    [Fact]
    public async Task A_row_is_created_then_unchanged_then_updated()
    {
        Outcomes(await UpsertAsync(Draft("A", "a@x.org", "+41446681800", "Bern"))).ShouldBe([WriteOutcome.Created]);
        crm.Log.Reset();
        Outcomes(await UpsertAsync(Draft("A", "A@X.org", city: "Bern"))).ShouldBe([WriteOutcome.Updated]);
        Outcomes(await UpsertAsync(Draft(email: "A@X.org"))).ShouldBe([WriteOutcome.Unchanged]);
        crm.Log.Writes.ShouldBe(1);
        Outcomes(await UpsertAsync(Draft(phone: "+41446681800", city: "Basel"))).ShouldBe([WriteOutcome.Updated]);

        var customer = (await crm.CheckedCustomersAsync()).ShouldHaveSingleItem();
        (customer.ExternalId, customer.Email, customer.Phone, customer.City).ShouldBe(("A", "A@X.org", "+41446681800", "Basel"));
    }

    [Fact]
    public async Task Rows_of_one_customer_in_one_run_are_folded_in_order()
    {
        var results = await UpsertAsync(
            Draft("A", "x@x.org", city: "Bern"), Draft(email: "X@x.org", city: "Basel"), Draft("B", "b@x.org"), Draft("A", city: "Chur"), Draft("A", city: "Chur"));
        Outcomes(results).ShouldBe([WriteOutcome.Created, WriteOutcome.Updated, WriteOutcome.Created, WriteOutcome.Updated, WriteOutcome.Unchanged]);
        results[0].CustomerId.ShouldBe(results[3].CustomerId);
        (await crm.CheckedCustomersAsync()).Select(c => c.City).ShouldBe(["Chur", null], ignoreOrder: true);
    }

    [Fact]
    public async Task An_email_of_another_customer_is_a_conflict_and_nothing_else_fails()
    {
        var results = await UpsertAsync(Draft("A", "a@x.org"), Draft("B", "b@x.org"), Draft("A", "b@x.org"), Draft("C", "a@x.org"), Draft("D", "d@x.org"));
        Outcomes(results).ShouldBe([WriteOutcome.Created, WriteOutcome.Created, WriteOutcome.Failed, WriteOutcome.Failed, WriteOutcome.Created]);
        results[2].Code.ShouldBe("customer.identity_conflict");
        results[3].Code.ShouldBe("customer.identity_conflict");
        (await crm.CheckedCustomersAsync()).Count.ShouldBe(3);

        Outcomes(await UpsertAsync(Draft("A", "b@x.org"), Draft("B", "a@x.org"))).ShouldBe([WriteOutcome.Failed, WriteOutcome.Failed]);
    }

    [Fact]
    public async Task An_email_that_was_given_up_can_be_taken()
    {
        await UpsertAsync(Draft("A", "old@x.org"));
        var results = await UpsertAsync(Draft("A", "new@x.org"), Draft("B", "old@x.org"));
        Outcomes(results).ShouldBe([WriteOutcome.Updated, WriteOutcome.Created]);
        (await crm.CheckedCustomersAsync()).Select(c => c.Email).ShouldBe(["new@x.org", "old@x.org"], ignoreOrder: true);
        Outcomes(await UpsertAsync(Draft(email: "old@x.org", city: "Bern"))).ShouldBe([WriteOutcome.Updated]);
    }

    [Fact]
    public async Task A_key_that_was_given_up_goes()
    {
        async Task<IEnumerable<string>> LeftAsync() => (await crm.AllAsync<Identity>(CustomerIdentities.ContainerName)).Select(i => i.Id);

        await UpsertAsync(Draft("A", "a@x.org"));
        await UpsertAsync(Draft("A", "b@x.org"), Draft("A", "c@x.org"));
        (await LeftAsync()).ShouldBe([crm.Hasher.External("A"), crm.Hasher.Email("c@x.org")], ignoreOrder: true, "b@x.org was claimed and given up by the same run");

        await UpsertAsync(Draft("B", "a@x.org"));
        await UpsertAsync(Draft("A", "b@x.org"));
        (await LeftAsync()).ShouldBe([crm.Hasher.External("A"), crm.Hasher.External("B"), crm.Hasher.Email("a@x.org"), crm.Hasher.Email("b@x.org")], ignoreOrder: true);
        await crm.CheckedCustomersAsync();
    }

    [Fact]
    public async Task A_repeated_row_is_not_applied_to_the_new_owner_of_its_key_and_rows_of_others_are()
    {
        await UpsertAsync(Draft("A", "a@x.org"));
        var first = await UpsertAsync("i", 2, Draft(email: "a@x.org", city: "Bern"), Draft("A", "b@x.org"));

        // Another file takes the key; then the first is repeated, and a third begins.
        var taken = await UpsertAsync("j", 2, Draft("C", "a@x.org"), Draft(email: "a@x.org", city: "Chur"));
        Outcomes(taken).ShouldBe([WriteOutcome.Created, WriteOutcome.Updated]);
        (await UpsertAsync("i", 2, Draft(email: "a@x.org", city: "Bern"), Draft("A", "b@x.org"))).ShouldBe(first);
        (await UpsertAsync("k", 2, Draft(email: "a@x.org", city: "Genf")))[0].ShouldBe(new(WriteOutcome.Updated, taken[0].CustomerId));
        (await UpsertAsync("i", 2, Draft(email: "a@x.org", city: "Bern"), Draft("A", "b@x.org"))).ShouldBe(first);
        (await crm.CheckedCustomersAsync()).Select(c => c.City).ShouldBe(["Bern", "Genf"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_phone_may_be_shared()
    {
        Outcomes(await UpsertAsync(Draft("A", phone: "+41446681800"), Draft("B", phone: "+41446681800"))).ShouldBe([WriteOutcome.Created, WriteOutcome.Created]);
        Outcomes(await UpsertAsync(Draft("C", phone: "+41446681800"))).ShouldBe([WriteOutcome.Created]);
        Outcomes(await UpsertAsync(Draft("B", phone: "+41446681800"))).ShouldBe([WriteOutcome.Unchanged]);
        (await crm.CheckedCustomersAsync()).Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_thousand_new_customers_with_three_keys_take_few_requests()
    {
        var rows = Enumerable.Range(0, 1000).Select(i => Draft($"E{i}", $"p{i}@x.org", $"+4144668{i:0000}", "Bern")).ToArray();
        await UpsertAsync(Draft("warm"), Draft("up"));
        crm.Log.Reset();
        Outcomes(await UpsertAsync(rows)).ShouldAllBe(o => o == WriteOutcome.Created);

        // 43 when the machine is free. The SDK's bulk mode sends a request that is not full after 100 ms, so a starved machine makes more.
        crm.Log.Count.ShouldBeInRange(43, 100, string.Join('\n', crm.Log.Requests.GroupBy(r => r).Select(g => $"{g.Count()} {g.Key}")));

        crm.Log.Reset();
        Outcomes(await UpsertAsync(rows)).ShouldAllBe(o => o == WriteOutcome.Unchanged);
        crm.Log.Writes.ShouldBe(0);
        (await crm.CheckedCustomersAsync()).Count.ShouldBe(1002);
    }

    [Fact]
    public async Task Sixty_four_writers_create_one_customer()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(
            () => UpsertAsync(Draft(i % 2 == 0 ? null : "A", "a@x.org", city: $"City{i}")), Cancellation)));
        var outcomes = results.Select(r => r[0]).ToList();
        outcomes.ShouldAllBe(r => r.Outcome != WriteOutcome.Failed);

        (await crm.CheckedCustomersAsync()).ShouldHaveSingleItem().ExternalId.ShouldBe("A");
        outcomes.Count(r => r.Outcome == WriteOutcome.Created).ShouldBe(1);
    }

    /// <summary>The keys are read before the customers: between the two another writer does what this one is about to do.</summary>
    [Fact]
    public async Task An_external_id_that_a_customer_is_given_meanwhile_is_no_conflict()
    {
        await UpsertAsync(Draft(null, "a@x.org"));
        await using var other = await crm.AnotherAsync();
        var meanwhile = 0;
        crm.Log.Stored = (request, _) =>
        {
            if (request.RequestUri!.AbsolutePath.Contains("/colls/identities/docs", StringComparison.Ordinal) && !request.Headers.Contains("x-ms-cosmos-is-query-plan-request")
                && Interlocked.Exchange(ref meanwhile, 1) == 0)
            {
                other.Writer.UpsertAsync([new(Draft("A", "a@x.org", city: "Basel"), 2)], new("test"), Cancellation).GetAwaiter().GetResult();
            }
        };
        Outcomes(await UpsertAsync(Draft("A", "a@x.org", city: "Bern"))).ShouldBe([WriteOutcome.Updated]);
        meanwhile.ShouldBe(1);
        (await crm.CheckedCustomersAsync()).ShouldHaveSingleItem().ShouldSatisfyAllConditions(c => c.ExternalId.ShouldBe("A"), c => c.City.ShouldBe("Bern"));
    }

    /// <summary>The claims go out at once: any of them may be all that is left of a process.</summary>
    [Fact]
    public async Task The_claim_of_a_phone_that_a_dead_process_leaves_does_not_keep_it_from_its_customer()
    {
        const string phone = "+41446681800";
        crm.Log.CrashBeforeWrite = 1;
        (await Should.ThrowAsync<Exception>(() => UpsertAsync("i1", 2, Draft("A", "a@x.org", phone)))).GetBaseException().ShouldBeOfType<CrashException>();
        crm.Log.Reset();
        var planned = crm.ReadJournal("i1", 2).ShouldHaveSingleItem().Lines.ShouldHaveSingleItem().CustomerId.ShouldNotBeNull();
        (await new IdentityStore(crm.Database).TryClaimAsync(new(crm.Hasher.Phone(phone), planned, null), null, inBulk: false, Cancellation)).ShouldBeTrue();

        Outcomes(await UpsertAsync("i1", 2, Draft("A", "a@x.org", phone))).ShouldBe([WriteOutcome.Created]);
        Outcomes(await UpsertAsync(Draft(phone: phone, city: "Basel"))).ShouldBe([WriteOutcome.Updated]);
        (await crm.CheckedCustomersAsync()).ShouldHaveSingleItem().ShouldSatisfyAllConditions(c => c.ExternalId.ShouldBe("A"), c => c.City.ShouldBe("Basel"));
    }

    [Fact]
    public async Task Sixty_four_writers_of_crossing_keys_leave_no_key_twice()
    {
        for (var round = 0; round < 8; round++)
        {
            var prefix = $"r{round}-";
            var random = new Random(round);
            var drafts = Enumerable.Range(0, 64).Select(_ => Draft(
                random.Next(4) == 0 ? null : $"{prefix}{random.Next(6)}", $"{prefix}{random.Next(6)}@x.org", $"+4144668180{random.Next(4)}", $"City{random.Next(100)}")).ToList();
            var results = await Task.WhenAll(drafts.Select(d => Task.Run(() => UpsertAsync(d), Cancellation)));
            results.ShouldAllBe(r => r[0].Outcome != WriteOutcome.Failed || r[0].Code == "customer.identity_conflict");
            var customers = await crm.CheckedCustomersAsync();
            results.Count(r => r[0].Outcome == WriteOutcome.Created).ShouldBe(customers.Count(c => (c.ExternalId ?? c.Email)!.StartsWith(prefix, StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task After_a_crash_at_any_write_a_repeat_of_the_import_ends_the_same()
    {
        // Creates, an update, an email that moves, a folded pair, a conflict.
        static CustomerDraft[] Rows(string n) =>
        [
            Draft($"A{n}", $"a{n}@x.org", city: "Bern"),
            Draft($"B{n}", $"b{n}@x.org", "+41446681800"),
            Draft(email: $"A{n}@x.org", city: "Basel"),
            Draft($"Old{n}", $"new{n}@x.org"),
            Draft($"C{n}", $"old{n}@x.org"),
            Draft($"D{n}", $"b{n}@x.org"),
        ];
        WriteOutcome[] expected = [WriteOutcome.Created, WriteOutcome.Created, WriteOutcome.Updated, WriteOutcome.Updated, WriteOutcome.Created, WriteOutcome.Failed];

        var points = 0;
        foreach (var after in new[] { false, true })
        {
            for (var write = 1; ; write++, points++)
            {
                var n = $"{(after ? "a" : "b")}{write}";
                await UpsertAsync(Draft($"Old{n}", $"old{n}@x.org"));
                crm.Log.Reset();
                crm.Log.CrashBeforeWrite = after ? null : write;
                crm.Log.CrashAfterWrite = after ? write : null;
                IReadOnlyList<WriteResult>? first = null;
                try
                {
                    first = await UpsertAsync("import" + n, 2, Rows(n));
                }
                catch (Exception exception) when (exception is CrashException || exception.InnerException is CrashException)
                {
                }

                crm.Log.Reset();
                var again = await UpsertAsync("import" + n, 2, Rows(n));
                Outcomes(again).ShouldBe(expected, $"crash {(after ? "after" : "before")} write {write}");
                if (first is not null)
                {
                    Outcomes(first).ShouldBe(expected);
                    break;
                }
            }
        }

        points.ShouldBeGreaterThan(15);
        var customers = await crm.CheckedCustomersAsync();
        customers.Count(c => c.City == "Basel").ShouldBe(customers.Count / 4);
    }

    [Fact]
    public async Task Half_a_bulk_is_completed_by_a_repeat()
    {
        var rows = Enumerable.Range(0, 250).Select(i => Draft($"E{i}", $"p{i}@x.org")).ToArray();
        var crashes = 0;
        for (var isDone = false; !isDone; crashes++)
        {
            crm.Log.Reset();
            crm.Log.CrashAfterWrite = 1 + (crashes % 3);
            try
            {
                await UpsertAsync("i", 2, rows);
                isDone = true;
            }
            catch (Exception exception) when (exception is CrashException || exception.InnerException is CrashException)
            {
            }
        }

        crashes.ShouldBeGreaterThan(3);
        crm.Log.Reset();
        Outcomes(await UpsertAsync("i", 2, rows)).ShouldAllBe(o => o == WriteOutcome.Created);
        (await crm.CheckedCustomersAsync()).Count.ShouldBe(250);
    }

    [Fact]
    public async Task A_claim_for_a_change_that_never_happened_is_broken()
    {
        await UpsertAsync(Draft("A", "a@x.org"), Draft("B", "b@x.org"));
        crm.Log.Reset();
        crm.Log.CrashAfterWrite = 1;
        await Should.ThrowAsync<Exception>(() => UpsertAsync(Draft("A", "new@x.org")));
        crm.Log.Reset();

        // A has claimed new@x.org and does not carry it.
        Outcomes(await UpsertAsync(Draft("B", "new@x.org"))).ShouldBe([WriteOutcome.Updated]);
        (await crm.CheckedCustomersAsync()).Select(c => c.Email).ShouldBe(["a@x.org", "new@x.org"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_repeated_row_is_not_applied_over_a_later_value_even_if_it_changed_nothing()
    {
        await UpsertAsync(Draft("C", "c@x.org", city: "Bern"));
        CustomerDraft[] rows = [Draft("A", city: "Bern"), Draft("B", city: "Bern"), Draft("A", city: "Chur"), Draft("C", city: "Bern"), Draft("D", "c@x.org")];
        WriteOutcome[] expected = [WriteOutcome.Created, WriteOutcome.Created, WriteOutcome.Updated, WriteOutcome.Unchanged, WriteOutcome.Failed];
        Outcomes(await UpsertAsync("i", 2, rows)).ShouldBe(expected);
        await UpsertAsync("j", 2, Draft("A", city: "Basel"), Draft("C", "new@x.org", city: "Basel"), Draft("D", city: "Basel"));
        crm.Log.Reset();
        Outcomes(await UpsertAsync("i", 2, rows)).ShouldBe(expected);
        crm.Log.Writes.ShouldBe(0);
        (await crm.CheckedCustomersAsync()).Select(c => c.City).ShouldBe(["Basel", "Bern", "Basel", "Basel"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_repeated_run_still_says_what_it_did_not_take()
    {
        CustomerDraft Consent(ConsentState state) => Draft("A", "a@x.org") with { Consent = new Dictionary<string, ConsentInput> { ["email"] = new(state) }, City = "Bern" };
        await crm.Writer.UpsertAsync(Consent(ConsentState.Withdrawn), "test", Cancellation);
        UpsertRow[] rows = [new(Consent(ConsentState.Granted) with { City = "Chur" }, 2), new(Consent(ConsentState.Granted) with { City = "Chur" }, 3)];

        var first = await crm.Writer.UpsertAsync(rows, new("import", crm.Journal("i")), Cancellation);
        var again = await crm.Writer.UpsertAsync(rows, new("import", crm.Journal("i")), Cancellation);

        first.Select(r => (r.Outcome, r.Doubts!.Single().Code)).ShouldBe([(WriteOutcome.Updated, CustomerChange.ConsentKept), (WriteOutcome.Unchanged, CustomerChange.ConsentKept)]);
        again.Select(r => (r.Outcome, r.Doubts!.Single())).ShouldBe(first.Select(r => (r.Outcome, r.Doubts!.Single())));
    }

    [Fact]
    public async Task Two_half_made_customers_that_turn_out_to_be_one_become_one()
    {
        // Two writers died after their first claim.
        var identities = new IdentityStore(crm.Database);
        var (small, large) = (new string('1', 32), new string('2', 32));
        await identities.TryClaimAsync(new(External("A"), large, null), null, false, Cancellation);
        await identities.TryClaimAsync(new(Email("a@x.org"), small, null), null, false, Cancellation);
        await identities.TryClaimAsync(new(External("B"), new string('3', 32), null), null, false, Cancellation);

        (await UpsertAsync(Draft("A", "a@x.org")))[0].ShouldBe(new(WriteOutcome.Created, small));
        (await UpsertAsync(Draft("B", "a@x.org")))[0].Code.ShouldBe("customer.identity_conflict");
        (await UpsertAsync(Draft("B")))[0].ShouldBe(new(WriteOutcome.Created, new string('3', 32)));
        (await crm.CheckedCustomersAsync()).Count.ShouldBe(2);

        // The owner of the id that was voided comes back: it cannot create its customer any more.
        using var late = await crm.Database.Container(CustomerStore.ContainerName).CreateItemStreamAsync(
            CustomerSlot.Void(large, TimeProvider.System.GetUtcNow()), new(large), cancellationToken: Cancellation);
        late.StatusCode.ShouldBe(System.Net.HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task The_keys_of_a_deleted_customer_are_free_even_when_the_deletion_died_half_way()
    {
        for (var write = 1; write <= 3; write++)
        {
            var id = (await UpsertAsync(Draft("A", "a@x.org", "+41446681800")))[0].CustomerId!;
            crm.Log.Reset();
            crm.Log.CrashAfterWrite = write;
            await Should.ThrowAsync<Exception>(() => crm.Get<Orders.DeleteCustomer>().HandleAsync(id, null, Cancellation));
            crm.Log.Reset();

            (await crm.Customers.ReadAsync(id, Cancellation)).ShouldBeNull();
            var again = (await UpsertAsync(Draft("A", "a@x.org", "+41446681800")))[0];
            again.Outcome.ShouldBe(WriteOutcome.Created);
            again.CustomerId.ShouldNotBe(id);
            (await crm.CheckedCustomersAsync()).ShouldHaveSingleItem();
        }
    }
}
