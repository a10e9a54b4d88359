using System.Text;
using System.Text.Json.Nodes;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Tests.Durability;

/// <summary>Logs that end anywhere, or have a wrong byte anywhere: the store recovers exactly a prefix of what was written.</summary>
public sealed class TornLogTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("emulator-log-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task A_log_cut_at_every_byte_recovers_what_was_acknowledged_before()
    {
        var (log, states) = await WriteHistory();
        for (var length = 0; length <= log.Length; length++)
        {
            var state = Recover(log[..length]);
            var expected = states.Last(s => s.LogLength <= length);
            state.ShouldBe(expected.State, $"cut at {length}");
        }
    }

    [Fact]
    public async Task A_log_with_one_wrong_byte_anywhere_recovers_what_lies_before_it()
    {
        var (log, states) = await WriteHistory();
        for (var at = 0; at < log.Length; at++)
        {
            var damaged = log.ToArray();
            damaged[at] ^= (byte)(1 + (at % 255));
            var state = Recover(damaged);
            state.ShouldBe(states.Last(s => s.LogLength <= at).State, $"byte {at}");
        }
    }

    [Fact]
    public async Task What_is_damaged_in_the_middle_is_kept_aside_and_reported()
    {
        var (log, _) = await WriteHistory();
        log[log.Length / 2] ^= 1;
        var messages = new StringWriter();
        Recover(log, messages);
        messages.ToString().ShouldContain("is damaged at byte");
        var aside = Directory.EnumerateFiles(_root, "damaged-*", SearchOption.AllDirectories).Single();
        (await File.ReadAllBytesAsync(aside)).ShouldBe(log);
    }

    [Fact]
    public async Task Garbage_and_zeros_behind_the_log_are_cut_off_and_writing_goes_on()
    {
        var (log, states) = await WriteHistory();
        foreach (var tail in new[] { new byte[1], new byte[5000], [.. "XCLG"u8], [.. "XCLG"u8, 10, 0, 0, 0, 1, 2, 3, 4, 5] })
        {
            var directory = Write([.. log, .. tail]);
            using (var store = Open(directory))
            {
                Describe(store).ShouldBe(states[^1].State);
                await Put(store, "more", 1);
            }

            using var again = Open(directory);
            Describe(again).ShouldContain("more");
        }
    }

    [Fact]
    public async Task A_damaged_snapshot_or_an_older_log_stops_the_start_with_its_name()
    {
        var (log, _) = await WriteHistory();
        var directory = Write(log);
        File.Copy(Path.Combine(directory, "log-00000001"), Path.Combine(directory, "log-00000002"));
        await File.WriteAllBytesAsync(Path.Combine(directory, "log-00000001"), log[..^3]);
        Should.Throw<InvalidDataException>(() => Open(directory)).Message.ShouldContain("log-00000001");

        directory = Write(log);
        await File.WriteAllBytesAsync(Path.Combine(directory, "snapshot-00000001"), log[..^3]);
        Should.Throw<InvalidDataException>(() => Open(directory)).Message.ShouldContain("snapshot-00000001");
    }

    [Fact]
    public async Task A_directory_is_used_by_one_store_at_a_time()
    {
        var directory = Write([]);
        Task<Store> next;
        using (Open(directory))
        {
            var hasty = Options(directory) with { LockPatience = TimeSpan.FromMilliseconds(100) };
            Should.Throw<IOException>(() => new Store(hasty)).Message.ShouldContain("in use");
            next = Task.Run(() => Open(directory), TestContext.Current.CancellationToken);
        }

        (await next).Dispose();
    }

    [Fact]
    public async Task Compaction_loses_nothing_and_numbers_never_go_back()
    {
        var directory = Path.Combine(_root, "compact");
        string before;
        long lsn;
        using (var store = new Store(Options(directory) with { CompactAboveBytes = 50_000 }))
        {
            await store.CreateDatabase(new JsonObject { ["id"] = "d" });
            await store.CreateContainer("d", Definition("c"));
            await store.CreateContainer("d", Definition("gone"));
            await store.DeleteContainer("d", "gone");
            for (var i = 0; store.Compactions < 2 && i < 3_000; i++)
            {
                await Put(store, $"i{i % 10}", i);
                if (i % 3 == 0)
                {
                    await Delete(store, $"i{(i + 5) % 10}");
                }

                if (i % 100 == 99)
                {
                    await Task.Delay(20, TestContext.Current.CancellationToken); // the writer looks once a second
                }
            }

            for (var i = 0; store.Compactions < 2 && i < 100; i++)
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }

            store.Compactions.ShouldBeGreaterThan(0);
            before = Describe(store);
            lsn = Find(store).LastLsn;
        }

        Directory.GetFiles(directory, "log-*").Length.ShouldBe(1);
        Directory.GetFiles(directory, "snapshot-*").Length.ShouldBe(1);
        using var again = Open(directory);
        Describe(again).ShouldBe(before);
        Find(again).LastLsn.ShouldBe(lsn);
        var created = await again.CreateContainer("d", Definition("next"));
        created.Number.ShouldBe(3u, "the number of the deleted container is not used again");
    }

    [Fact]
    public async Task Every_state_a_crash_in_a_compaction_can_leave_recovers_everything()
    {
        var directory = Path.Combine(_root, "steps");
        string expected;
        using (var store = Open(directory))
        {
            await store.CreateDatabase(new JsonObject { ["id"] = "d" });
            await store.CreateContainer("d", Definition("c"));
            for (var i = 0; i < 200; i++)
            {
                await Put(store, $"i{i % 20}", i);
            }
        }

        var firstLog = await File.ReadAllBytesAsync(Path.Combine(directory, "log-00000001"), TestContext.Current.CancellationToken);
        using (var store = new Store(Options(directory) with { CompactAboveBytes = 1_000 }))
        {
            for (var i = 0; store.Compactions == 0 && i < 1_000; i++)
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }

            store.Compactions.ShouldBe(1);
            await Put(store, "i3", 999);
            await Delete(store, "i4");
            await Put(store, "new", 1);
            expected = Describe(store);
        }

        var secondLog = await File.ReadAllBytesAsync(Path.Combine(directory, "log-00000002"), TestContext.Current.CancellationToken);
        var snapshot = await File.ReadAllBytesAsync(Path.Combine(directory, "snapshot-00000002"), TestContext.Current.CancellationToken);
        Check("the new log is there, the snapshot not yet", ("log-00000001", firstLog), ("log-00000002", secondLog));
        for (var length = 0; length <= snapshot.Length; length += 997)
        {
            Check($"the snapshot is written to byte {length}", ("log-00000001", firstLog), ("log-00000002", secondLog), ("snapshot-00000002.tmp", snapshot[..length]));
        }

        Check("the snapshot has its name, the old log is still there", ("log-00000001", firstLog), ("log-00000002", secondLog), ("snapshot-00000002", snapshot));
        Check("done", ("log-00000002", secondLog), ("snapshot-00000002", snapshot));
        Should.Throw<InvalidDataException>(() => Check("a log is missing", ("log-00000002", secondLog)));

        void Check(string when, params (string Name, byte[] Bytes)[] files)
        {
            var copy = Directory.CreateDirectory(Path.Combine(_root, $"copy-{Guid.NewGuid():n}")).FullName;
            foreach (var (name, bytes) in files)
            {
                File.WriteAllBytes(Path.Combine(copy, name), bytes);
            }

            using var store = Open(copy);
            Describe(store).ShouldBe(expected, when);
        }
    }

    private async Task<(byte[] Log, List<(long LogLength, string State)> States)> WriteHistory()
    {
        var directory = Path.Combine(_root, $"history-{Guid.NewGuid():n}");
        var states = new List<(long, string)> { (0, "") };
        using (var store = Open(directory))
        {
            await Step(() => store.CreateDatabase(new JsonObject { ["id"] = "d" }));
            await Step(() => store.CreateContainer("d", Definition("c")));
            await Step(() => Put(store, "a", 1));
            await Step(() => Put(store, "b", 1));
            await Step(() => Put(store, "a", 2));
            await Step(() => Delete(store, "b"));
            var container = Find(store);
            await Step(() => store.Write(new ItemRequest(container, [Operation(container, "x", 1), Operation(container, "y", 1), Operation(container, "a", 3)], atomic: true)));
            await Step(() => Put(store, "b", 5));

            async Task Step(Func<Task> action)
            {
                await action();
                states.Add((new FileInfo(Path.Combine(directory, "log-00000001")).Length, Describe(store)));
            }
        }

        return (await File.ReadAllBytesAsync(Path.Combine(directory, "log-00000001")), states);
    }

    private string Recover(byte[] log, TextWriter? messages = null)
    {
        var directory = Write(log, messages is null ? "again" : null);
        using var store = new Store(Options(directory) with { Messages = messages ?? TextWriter.Null });
        return Describe(store);
    }

    private string Write(byte[] log, string? name = null)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_root, name ?? $"copy-{Guid.NewGuid():n}")).FullName;
        File.WriteAllBytes(Path.Combine(directory, "log-00000001"), log);
        return directory;
    }

    private static EmulatorOptions Options(string directory) => new() { DataDirectory = directory, FlushToDisk = false, Messages = TextWriter.Null };

    private static Store Open(string directory) => new(Options(directory));

    private static Container Find(Store store) => store.FindDatabase("d")!.Find("c")!;

    private static JsonObject Definition(string id) => new() { ["id"] = id, ["partitionKey"] = new JsonObject { ["paths"] = new JsonArray("/pk") } };

    private static ItemOperation Operation(Container container, string id, int n, OperationKind kind = OperationKind.Upsert)
    {
        var body = ItemBody.Parse(Encoding.UTF8.GetBytes($$"""{"id":"{{id}}","pk":"p","n":{{n}}}"""), container);
        return new ItemOperation { Kind = kind, Key = body.Key, Id = id, Body = body };
    }

    private static Task Put(Store store, string id, int n) => store.Write(new ItemRequest(Find(store), [Operation(Find(store), id, n)], atomic: true));

    private static Task Delete(Store store, string id) => store.Write(new ItemRequest(Find(store), [Operation(Find(store), id, 0, OperationKind.Delete)], atomic: true));

    /// <summary>Everything a client could see, in all its orders.</summary>
    private static string Describe(Store store)
    {
        var text = new StringBuilder();
        foreach (var database in store.Databases)
        {
            text.Append(Encoding.UTF8.GetString(database.Json));
            foreach (var container in database.Containers.Values.OrderBy(c => c.Number))
            {
                text.Append(Encoding.UTF8.GetString(container.Json)).Append(container.View.Lsn);
                foreach (var item in container.View.ByRid.Ascending(0, container.View.ByRid.Count))
                {
                    text.Append(Encoding.UTF8.GetString(item.Current.Json));
                }

                foreach (var change in container.View.Changes.Ascending(0, container.View.Changes.Count))
                {
                    text.Append($" {change.Lsn}:{change.Item.Id}");
                }

                text.Append($" {container.View.ByKey.Count} {container.View.ById.Count} {container.View.ByPartition.Count}");
            }
        }

        return text.ToString();
    }
}
