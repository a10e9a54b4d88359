using System.Text.Json;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// Indexes of paths. They are not stored, only which ones there were: queries come back after a restart, and until they do
/// there is time to build what they will ask for. The file is a hint; without it a path's first query builds its index.
/// </summary>
internal sealed partial class Store
{
    private readonly Lock _rememberGate = new();
    private Dictionary<uint, HashSet<string>> _remembered = [];

    private string? RememberFile => _directory?.File("indexes.json");

    /// <summary>
    /// The index of a path in the container's newest view, built if it is asked for the first time. Building does not stop
    /// writes: it starts from a view, the writer notes what changes meanwhile, and that is applied at the end.
    /// </summary>
    public ContainerView WithIndex(Container container, string path)
    {
        lock (container)
        {
            if (container.View.Index(path) is not null)
            {
                return container.View;
            }

            var index = new PathIndex(path);
            ContainerView? start = null;
            List<(Item Item, ItemVersion? Before, ItemVersion? After)>? meanwhile = null;
            Exclusive(_ => () => (start, meanwhile) = (container.View, container.Watch())).GetAwaiter().GetResult();
            index.Build(start!);
            Exclusive(_ => () =>
            {
                foreach (var (item, before, after) in meanwhile!)
                {
                    // The build may have seen a newer version than the view's. Going through all later versions ends at
                    // the right set of values all the same.
                    index.Update(item, before, after);
                }

                container.AddIndex(index, meanwhile);
            }).GetAwaiter().GetResult();
            RememberIndexes();
            return container.View;
        }
    }

    /// <summary>Builds the indexes that there were before the restart, one after the other, while requests are served.</summary>
    public void RebuildIndexes()
    {
        try
        {
            lock (_rememberGate)
            {
                if (RememberFile is not { } file || !File.Exists(file))
                {
                    return;
                }

                _remembered = JsonSerializer.Deserialize<Dictionary<uint, HashSet<string>>>(File.ReadAllBytes(file)) ?? [];
            }

            foreach (var container in Databases.SelectMany(d => d.Containers.Values).ToList())
            {
                foreach (var path in _remembered.GetValueOrDefault(container.Number, []).Where(container.Definition.Indexing.IsIncluded).ToList())
                {
                    WithIndex(container, path);
                }
            }
        }
        catch (EmulatorException)
        {
            // The store is being closed.
        }
        catch (Exception error)
        {
            Report($"The indexes could not be built in advance: {error.Message}");
        }
    }

    private void RememberIndexes()
    {
        if (RememberFile is not { } file)
        {
            return;
        }

        lock (_rememberGate)
        {
            // With those that are still to be built. Containers that are gone drop out: their numbers do not come back.
            _remembered = Databases.SelectMany(d => d.Containers.Values).ToDictionary(
                c => c.Number, c => new HashSet<string>([.. _remembered.GetValueOrDefault(c.Number, []), .. c.View.IndexPaths]));
            try
            {
                File.WriteAllBytes(file + ".tmp", JsonSerializer.SerializeToUtf8Bytes(_remembered));
                File.Move(file + ".tmp", file, overwrite: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
            {
                Report($"The list of indexes could not be written: {error.Message}");
            }
        }
    }
}
