using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Imports;
using XenoCrm.Scenarios;
using XenoCrm.Segments;

namespace XenoCrm.Benchmarks;

/// <summary>What happens once for each customer, message, row or receipt: time and allocations, by BenchmarkDotNet in this process.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
[HideColumns("Error", "RatioSD")]
public class MicroBenchmarks
{
    private const int Rows = 1_000;

    private readonly Customer _customer = SegmentCustomers.Of(7);
    private readonly Moment _moment = new(SegmentCustomers.Now);
    private readonly byte[] _body = Encoding.UTF8.GetBytes($$"""{"messageId":"{{new string('m', 60)}}","status":"delivered","at":"2026-08-31T12:00:00.000Z","eventId":"{{new string('e', 40)}}","vendorMessageId":"{{new string('v', 40)}}"}""");
    private readonly byte[] _key = Encoding.UTF8.GetBytes("a key of thirty-two bytes and so");
    private readonly HeaderDictionary _headers = [];
    private readonly Recipient _sent = new() { CustomerId = "c", Status = MessageStatus.Sent, At = 1_000, SentAt = 1_000 };
    private CompiledRule _rule = null!;
    private CompiledContent _content = null!;
    private StandardWebhook _signatures = null!;
    private byte[] _csv = [];
    private CsvFormat _format = null!;

    public static void Run(string? filter)
    {
        var config = ManualConfig.Create(DefaultConfig.Instance)
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)).WithOptions(ConfigOptions.DisableLogFile)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), $"xenocrm-micro-{Environment.ProcessId}"));
        try
        {
            BenchmarkSwitcher.FromTypes([typeof(MicroBenchmarks)]).Run(["--filter", filter ?? "*"], config);
        }
        finally
        {
            if (Directory.Exists(config.ArtifactsPath))
                Directory.Delete(config.ArtifactsPath, recursive: true);
        }
    }

    [GlobalSetup]
    public void Prepare()
    {
        // The parts of the app that ask no database; none is there.
        using var app = AppParts.On(new Uri("http://127.0.0.1:1/")).BuildServiceProvider();
        _rule = SegmentCustomers.Compile(app.GetRequiredService<RuleParser>(), SegmentCustomers.Rule);
        _content = app.GetRequiredService<CampaignTemplates>().Get(new CampaignContent(
            Text: null, From: null,
            Subject: "{{default firstName \"friend\"}}, something new",
            Html: "<html><body><p>Dear {{firstName}}, you spent {{currency totalSpend}} in {{city}}.</p><p><a href=\"https://shop.example/new\">Look</a> · <a href=\"{{unsubscribeUrl}}\">No more</a></p></body></html>"));
        _signatures = new StandardWebhook(["whsec_" + Convert.ToBase64String(_key)], TimeProvider.System);
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        (_headers["webhook-id"], _headers["webhook-timestamp"]) = ("msg_1", at);
        _headers["webhook-signature"] = StandardWebhook.Sign(_key, "msg_1", at, _body);
        using var folder = new TemporaryFolder();
        new ImportFiles(Rows).WriteCustomers(folder["rows.csv"]);
        _csv = File.ReadAllBytes(folder["rows.csv"]);
        _format = CsvFormat.Detect(_csv)!;
    }

    [Benchmark(Description = "a rule of three conditions on one customer")]
    public bool EvaluateRule() => _rule.Matches(_customer, _moment);

    [Benchmark(Description = "an email rendered, its links turned")]
    public int Render() => _content.Render(_customer, new("https://crm.example/u/1", url => "https://crm.example/c/1?" + url.Length, "https://crm.example/o/1")).Html!.Length;

    [Benchmark(Description = "a row of 12 columns read", OperationsPerInvoke = Rows)]
    public async Task<long> ReadRows()
    {
        var bytes = 0L;
        await using var rows = new CsvRows(_format, (offset, _) => new(new MemoryStream(_csv, (int)offset, _csv.Length - (int)offset, writable: false)), new(_format.Start, 1, 0));
        while (await rows.ReadAsync(CancellationToken.None))
        {
            for (var i = 0; i < rows.FieldCount; i++)
                bytes += rows.Span(i).Length;
        }

        return bytes;
    }

    [Benchmark(Description = "the signature of a receipt checked")]
    public void CheckSignature() => _signatures.Verify(_headers, _body);

    [Benchmark(Description = "a receipt folded into its message")]
    public Recipient Fold() => Ledger.Fold(_sent, new Delivery.Report(MessageStatus.Delivered, 2_000, Accepted: true));
}
