namespace XenoCrm.Customers;

/// <summary>
/// Which planned writes of an import have reached this item: written in the same request as what they changed. The plan
/// itself, with the rows it stands for, is in the import's <see cref="WriteJournal"/>; after a crash the two tell of
/// every row whether it has had its effect. An item remembers the last <see cref="MaxImports"/> imports, so that imports
/// of the same customers at the same time do not make each other forget.
/// </summary>
/// <param name="Id">The import.</param>
/// <param name="Run">The rows of earlier runs are checkpointed: nobody asks for them any more.</param>
/// <param name="Entries">Numbers of journal entries of this run, ascending.</param>
public sealed record ImportMark(string Id, int Run, IReadOnlyList<long> Entries)
{
    public const int MaxImports = 4;

    /// <summary>True when the entry has been carried out on the item that has these marks.</summary>
    public static bool Has(IReadOnlyList<ImportMark> marks, string import, int run, long entry)
    {
        foreach (var mark in marks)
        {
            if (mark.Id == import)
            {
                return mark.Run == run && mark.Entries.Contains(entry);
            }
        }

        return false;
    }

    /// <summary>The marks after one more entry.</summary>
    public static IReadOnlyList<ImportMark> Add(IReadOnlyList<ImportMark> marks, string import, int run, long entry)
    {
        var mine = marks.FirstOrDefault(m => m.Id == import);
        IReadOnlyList<long> entries = mine?.Run == run ? [.. mine.Entries, entry] : [entry];
        return [.. marks.Where(m => m.Id != import).TakeLast(MaxImports - 1), new(import, run, entries)];
    }
}
