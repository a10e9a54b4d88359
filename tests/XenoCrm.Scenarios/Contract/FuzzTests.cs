using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace XenoCrm.Scenarios.Contract;

/// <summary>On a system of its own: what gets through is there afterwards.</summary>
public class FuzzTests(ContractSystem system, ITestOutputHelper output) : IClassFixture<ContractSystem>
{
    private const int AtOnce = 16;

    /// <summary>Where Kestrel itself refuses a request there is no problem document.</summary>
    private static readonly int[] s_bare = [400, 404, 405, 408, 413, 414, 431];

    private static readonly string[] s_internals = ["   at ", "System.", "XenoCrm.", "Microsoft.", "Exception", "StackTrace", ".cs:line"];

    private static readonly int s_seed = int.Parse(Environment.GetEnvironmentVariable("XENO_SEED") ?? "20262");
    private static readonly int s_requests = int.Parse(Environment.GetEnvironmentVariable("XENO_FUZZ_REQUESTS") ?? "20000");

    private readonly ConcurrentDictionary<int, int> _statuses = new();
    private readonly ConcurrentQueue<string> _failures = new();

    [Fact]
    public async Task Twenty_thousand_hostile_requests_are_answered_and_none_is_a_5xx()
    {
        var catalogue = JsonNode.Parse(await system.Http.GetStringAsync("api/errors"))!["items"]!.AsArray()
            .Select(e => (e!["code"]!.GetValue<string>(), e["status"]!.GetValue<int>())).ToHashSet();
        catalogue.Count.ShouldBeGreaterThan(80);
        var operations = system.Document.Operations;
        var hostile = new HostileRequests(system.Document, s_seed);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, MaxConnectionsPerServer = AtOnce, RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1 }) { BaseAddress = system.System.Api, Timeout = TimeSpan.FromMinutes(2) };

        var app = system.System.Functions();
        var clock = Stopwatch.StartNew();
        long early = 0;
        var queue = new BlockingCollection<HostileRequest>(boundedCapacity: 64);
        var workers = Enumerable.Range(0, AtOnce).Select(_ => Task.Run(async () =>
        {
            foreach (var request in queue.GetConsumingEnumerable())
                await SendAsync(http, request, catalogue);
        })).ToList();
        for (var i = 0; i < s_requests && _failures.Count < 20; i++)
        {
            queue.Add(hostile.Next(operations[i % operations.Count]));
            if (i == s_requests / 4)
                early = WorkingSet(app);
        }
        queue.CompleteAdding();
        await Task.WhenAll(workers);

        var late = WorkingSet(app);
        output.WriteLine($"{_statuses.Values.Sum()} requests in {clock.Elapsed.TotalSeconds:N1} s, seed {s_seed}, {operations.Count} operations; working set {early >> 20} → {late >> 20} MB");
        output.WriteLine(string.Join(", ", _statuses.OrderBy(s => s.Key).Select(s => $"{s.Key}: {s.Value}")));
        _failures.ShouldBeEmpty(string.Join("\n\n", _failures));
        late.ShouldBeLessThan(early + early / 2 + (100L << 20), "memory grows with the requests");
        using var after = await system.Http.GetAsync("api/auth/me");
        ((int)after.StatusCode).ShouldBe(200);
    }

    private async Task SendAsync(HttpClient http, HostileRequest hostile, HashSet<(string, int)> catalogue)
    {
        using var request = hostile.Message;
        request.RequestUri = new Uri(system.System.Api.GetLeftPart(UriPartial.Authority) + request.RequestUri!.OriginalString["http://x".Length..], new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        if (!request.Headers.Contains("Authorization"))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", system.Token);
        try
        {
            // A stream of events has no end: its beginning is enough.
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            var status = (int)response.StatusCode;
            _statuses.AddOrUpdate(status, 1, (_, n) => n + 1);
            var text = response.Content.Headers.ContentType?.MediaType == "text/event-stream" || request.Method == HttpMethod.Head ? "" : await response.Content.ReadAsStringAsync();
            if (WhatIsWrong(hostile, status, response.Content.Headers.ContentType?.MediaType, text, catalogue) is { } wrong)
                _failures.Enqueue($"{wrong}: {hostile.Operation.Id}: {hostile.About}\n→ {status} {text[..Math.Min(text.Length, 500)]}");
        }
        catch (HttpRequestException exception)
        {
            _failures.Enqueue($"No answer ({exception.Message}): {hostile.Operation.Id}: {hostile.About}");
        }
    }

    private static string? WhatIsWrong(HostileRequest hostile, int status, string? type, string text, HashSet<(string, int)> catalogue)
    {
        if (status >= 500)
            return "A failure of the service";
        if (status < 400)
            return null;
        if (Array.Find(s_internals, i => text.Contains(i, StringComparison.Ordinal)) is { } inside)
            return $"'{inside}' is nobody's business";
        if (hostile.IsRouted && !hostile.Operation.Statuses.Contains(status))
            return "The operation does not declare this status";
        if (text.Length == 0)
            return hostile.IsRouted || !s_bare.Contains(status) ? hostile.Message.Method == HttpMethod.Head ? null : "There is no problem document" : null;
        if (type != "application/problem+json")
            return "This is no problem document";
        var code = JsonNode.Parse(text)!["code"]!.GetValue<string>();
        return catalogue.Contains((code, status)) ? null : $"The catalogue has no {code} with this status";
    }

    private static long WorkingSet(Process app)
    {
        app.Refresh();
        return app.WorkingSet64;
    }
}
