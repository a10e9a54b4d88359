using System.Net.Http.Json;
using System.Text.Json;
using Azure.Storage.Blobs;

namespace XenoCrm.AppHost.Demo;

/// <summary>The main job, done over HTTP as a user would do it.</summary>
internal sealed class DemoRun(LocalSystem system, DemoOptions options, DemoView view)
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan NoProgressFor = TimeSpan.FromMinutes(2);

    private readonly long _begun = TimeProvider.System.GetTimestamp();

    public async Task<(DemoReport Report, IReadOnlyList<string> Differences)> RunAsync(CancellationToken cancellation)
    {
        using var api = new ApiClient(system.Api, system.AdminEmail, system.AdminPassword);
        await api.LogInAsync(cancellation);
        var files = Files();

        var importing = TimeProvider.System.GetTimestamp();
        var customers = await ImportAsync(api, "customers", files.Customers, cancellation);
        var orders = await ImportAsync(api, "orders", files.Orders, cancellation);
        var importSeconds = Since(importing);

        var (segmentId, members) = await SegmentAsync(api, cancellation);
        var (campaignId, figures, plan, send, receipts) = await CampaignAsync(api, segmentId, cancellation);
        var (vendor, differences) = await AuditAsync(campaignId, figures, cancellation);
        if (!figures.Balances || figures.Pending != 0)
            differences.Insert(0, "The ledger does not balance: audience is not delivered + failed + suppressed + skipped.");

        return (new DemoReport(customers, orders, new SegmentFigures(members), figures, vendor,
            new SecondsFigures(Round(importSeconds), Round(plan), Round(send), Round(receipts), Round(Since(_begun))),
            new RateFigures(PerSecond(customers.Rows + orders.Rows, importSeconds), PerSecond(figures.Audience, send + receipts)),
            differences.Count == 0), differences);
    }

    private (FileInfo Customers, FileInfo Orders) Files()
    {
        if (options.Customers is not null)
            return (options.Customers, options.Orders!);
        Directory.CreateDirectory(system.InputPath);
        var data = new DemoData(options.Size);
        var customers = Path.Combine(system.InputPath, "demo-customers.csv");
        var orders = Path.Combine(system.InputPath, "demo-orders.csv");
        var stage = view.Begin("Sample data");
        data.WriteCustomers(customers, n => stage.Report(n, options.Size, "customers"));
        data.WriteOrders(orders, n => stage.Report(n, data.Orders, "orders"));
        stage.End($"{options.Size:N0} customers and {data.Orders:N0} orders");
        return (new FileInfo(customers), new FileInfo(orders));
    }

    /// <summary>Drops the file into the container and follows the job that takes it in.</summary>
    private async Task<ImportFigures> ImportAsync(ApiClient api, string kind, FileInfo file, CancellationToken cancellation)
    {
        var stage = view.Begin($"Import of {kind}");
        var rows = CountRows(file);
        var container = new BlobContainerClient(system.StorageConnectionString, "imports");
        await container.CreateIfNotExistsAsync(cancellationToken: cancellation);
        var path = $"{kind}/{file.Name}";
        await using (var stream = file.OpenRead())
            await container.GetBlobClient(path).UploadAsync(stream, overwrite: true, cancellation);

        var progress = new Watch($"the import of {path}");
        while (true)
        {
            var jobs = await api.ListAsync("api/imports", cancellation);
            var job = jobs.FirstOrDefault(j => j.TryGetProperty("blob", out var blob) && blob.GetString()?.EndsWith(path, StringComparison.Ordinal) == true);
            if (job.ValueKind == JsonValueKind.Object)
            {
                var done = job.GetProperty("rows").GetInt64();
                stage.Report(done, Math.Max(done, rows), "rows");
                var state = job.GetProperty("state").GetString();
                if (state == "completed")
                {
                    var figures = new ImportFigures(done, job.GetProperty("created").GetInt64(), job.GetProperty("failed").GetInt64());
                    stage.End($"{figures.Rows:N0} rows, {figures.Created:N0} created, {figures.Failed:N0} failed");
                    return figures;
                }
                if (state is "failed" or "cancelled")
                    throw new LocalException($"The import of {path} ended as {state}: {job}");
                progress.Moved((done, state));
            }
            progress.Check();
            await Task.Delay(PollEvery, cancellation);
        }
    }

    private async Task<(string Id, long Members)> SegmentAsync(ApiClient api, CancellationToken cancellation)
    {
        var stage = view.Begin("Segment");
        var rule = new { combinator = "and", rules = new[] { new { field = "totalSpend", @operator = ">", value = 100 } } };
        var preview = await api.PostAsync("api/segments/preview", new { rule }, cancellation);
        var members = preview.GetProperty("count").GetInt64();
        var id = (await api.PostAsync("api/segments", new { name = "Spent more than 100", rule }, cancellation)).GetProperty("id").GetString()!;
        var progress = new Watch("the building of the segment");
        while (true)
        {
            var segment = await api.GetAsync($"api/segments/{id}", cancellation);
            if (segment.GetProperty("state").GetString() == "ready")
                break;
            progress.Check();
            await Task.Delay(PollEvery, cancellation);
        }
        stage.End($"{members:N0} customers spent more than 100");
        return (id, members);
    }

    private async Task<(string Id, CampaignFigures Figures, double Plan, double Send, double Receipts)> CampaignAsync(ApiClient api, string segmentId, CancellationToken cancellation)
    {
        var campaign = await api.PostAsync("api/campaigns", new
        {
            name = "Thank you",
            channel = "email",
            segmentId,
            content = new
            {
                subject = "Thank you, {{firstName}}",
                text = "Dear {{firstName}} {{lastName}}, thank you for shopping with us. No more of these: {{unsubscribeUrl}}",
                html = "<p>Dear {{firstName}} {{lastName}},</p><p>thank you for shopping with us.</p><p><a href=\"{{unsubscribeUrl}}\">No more of these</a></p>",
            },
        }, cancellation);
        var id = campaign.GetProperty("id").GetString()!;
        await api.PostAsync($"api/campaigns/{id}/launch", null, cancellation);

        var launched = TimeProvider.System.GetTimestamp();
        var sending = view.Begin("Sending");
        DemoView.Stage? receiving = null;
        double? plan = null, send = null;
        var progress = new Watch("the campaign");
        while (true)
        {
            var stats = await api.GetAsync($"api/campaigns/{id}/stats", cancellation);
            long Count(string name) => stats.GetProperty(name).GetInt64();
            var state = stats.GetProperty("state").GetString();
            var figures = new CampaignFigures(Count("audience"), Count("sent"), Count("delivered"), Count("failed"), Count("suppressed"), Count("skipped"), Count("pending"));
            var planned = state is not ("draft" or "scheduled" or "planning");
            if (planned)
                plan ??= Since(launched);
            // With the vendor, or decided without asking it.
            var handed = Math.Min(figures.Audience, Math.Max(figures.Sent, figures.Delivered) + figures.Suppressed + figures.Skipped);
            if (send is null)
                sending.Report(handed, figures.Audience, "messages");
            if (planned && send is null && (handed == figures.Audience || figures.Pending == 0))
            {
                send = Since(launched);
                sending.End($"{figures.Sent:N0} messages to the vendor, {figures.Suppressed + figures.Skipped:N0} withheld");
                receiving = view.Begin("Receipts");
            }
            receiving?.Report(figures.Audience - figures.Pending, figures.Audience, "messages");
            if (planned && figures.Pending == 0)
            {
                var all = Since(launched);
                receiving!.End($"{figures.Delivered:N0} delivered, {figures.Failed:N0} failed");
                return (id, figures, plan!.Value, send!.Value, all - send.Value);
            }
            progress.Moved((figures, state));
            progress.Check();
            await Task.Delay(PollEvery, cancellation);
        }
    }

    /// <summary>What the vendor has on record, and where that differs from the ledger.</summary>
    private async Task<(VendorFigures Figures, List<string> Differences)> AuditAsync(string campaignId, CampaignFigures ledger, CancellationToken cancellation)
    {
        var stage = view.Begin("Audit at the vendor's");
        using var http = new HttpClient { BaseAddress = system.Vendor };
        long distinct = 0, asked = 0, repeated = 0, delivered = 0, failed = 0;
        using (var reader = new StreamReader(await http.GetStreamAsync("v1/audit/messages", cancellation)))
        {
            while (await reader.ReadLineAsync(cancellation) is { } line)
            {
                using var message = JsonDocument.Parse(line);
                var root = message.RootElement;
                if (!root.GetProperty("id").GetString()!.StartsWith(campaignId + ".", StringComparison.Ordinal))
                    continue;
                distinct++;
                asked += root.GetProperty("asked").GetInt64();
                repeated += root.GetProperty("carried").GetInt64() > 1 ? 1 : 0;
                var status = root.GetProperty("status").GetString();
                delivered += status == "delivered" ? 1 : 0;
                failed += status is "failed" or "rejected" ? 1 : 0;
            }
        }
        var differences = new List<string>();
        void Compare(string what, long ours, long theirs)
        {
            if (ours != theirs)
                differences.Add($"{what}: {ours:N0} in the ledger, {theirs:N0} on the vendor's record.");
        }
        Compare("Messages sent", ledger.Sent, distinct);
        Compare("Messages delivered", ledger.Delivered, delivered);
        Compare("Messages failed", ledger.Failed, failed);
        if (repeated > 0)
            differences.Add($"{repeated:N0} messages were carried more than once.");
        if (options.HonestVendor && asked != distinct)
            differences.Add($"The vendor was asked {asked:N0} times for {distinct:N0} messages.");
        stage.End(differences.Count > 0 ? "differences found"
            : $"{distinct:N0} messages, each carried once{(asked == distinct ? " and asked for once" : $", asked for {asked:N0} times")}, outcomes as in the ledger");
        return (new VendorFigures(distinct, repeated), differences);
    }

    private static int CountRows(FileInfo file)
    {
        // For the progress bar only: a line feed inside quotes counts as well.
        var lines = 0;
        using var reader = new StreamReader(file.FullName);
        while (reader.ReadLine() is not null)
            lines++;
        return Math.Max(0, lines - 1);
    }

    private static double Since(long timestamp) => TimeProvider.System.GetElapsedTime(timestamp).TotalSeconds;
    private static double Round(double seconds) => Math.Round(seconds, 2);
    private static long PerSecond(long count, double seconds) => seconds > 0 ? (long)Math.Round(count / seconds) : 0;

    /// <summary>Gives up when nothing has moved for a long time, instead of waiting for ever.</summary>
    private sealed class Watch(string what)
    {
        private long _since = TimeProvider.System.GetTimestamp();
        private object? _last;

        public void Moved(object state)
        {
            if (Equals(state, _last))
                return;
            _last = state;
            _since = TimeProvider.System.GetTimestamp();
        }

        public void Check()
        {
            if (TimeProvider.System.GetElapsedTime(_since) > NoProgressFor)
                throw new LocalException($"Nothing has moved in {what} for {NoProgressFor.TotalMinutes:0} minutes (last seen: {_last ?? "nothing"}). The logs say why.");
        }
    }
}
