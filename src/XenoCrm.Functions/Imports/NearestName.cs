namespace XenoCrm.Imports;

/// <summary>What a column with an unknown name may be: a misspelled field (<c>emial</c>), or a field of something (<c>Primary Phone 2</c>).</summary>
public static class NearestName
{
    /// <param name="name">In the form of <see cref="ColumnMap.Normalize"/>.</param>
    /// <param name="synonyms">Name → field.</param>
    /// <param name="taken">Fields that have a column already.</param>
    public static string? Of(string name, IReadOnlyDictionary<string, string> synonyms, IReadOnlySet<string> taken)
    {
        name = name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9');
        if (name.Length is < 3 or > 60)
        {
            return null;
        }

        var free = synonyms.Where(s => !taken.Contains(s.Value)).ToList();
        if (free.Select(s => (s.Value, Distance: Distance(name, s.Key))).OrderBy(s => s.Distance).FirstOrDefault() is { Value: not null } near
            && near.Distance <= Math.Max(1, name.Length / 4))
        {
            return near.Value;
        }

        // What something is comes last in a name: the home phone is a phone, the contact's title is no contact.
        return free.Where(s => s.Key.Length > 2 && name.EndsWith(s.Key, StringComparison.Ordinal)).OrderByDescending(s => s.Key.Length).FirstOrDefault().Value;
    }

    /// <summary>Letters to insert, remove, replace, or exchange with their neighbour.</summary>
    public static int Distance(string a, string b)
    {
        var rows = new int[3, b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            rows[0, j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var (row, above, before) = (i % 3, (i + 2) % 3, (i + 1) % 3);
            rows[row, 0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var same = a[i - 1] == b[j - 1];
                rows[row, j] = Math.Min(Math.Min(rows[above, j] + 1, rows[row, j - 1] + 1), rows[above, j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[row, j] = Math.Min(rows[row, j], rows[before, j - 2] + 1);
                }
            }
        }

        return rows[a.Length % 3, b.Length];
    }
}
