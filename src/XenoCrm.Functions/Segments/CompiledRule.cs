using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>A rule that was read and checked. Immutable; evaluating it allocates nothing but the texts of attributes.</summary>
public sealed class CompiledRule(RuleGroup root)
{
    public RuleGroup Root => root;

    public bool DependsOnClock => root.DependsOnClock;

    /// <summary>The rule asks about RFM scores.</summary>
    public bool DependsOnScores { get; } = root.Tests.Any(t => t.Field.Name.StartsWith("rfm.", StringComparison.Ordinal));

    /// <summary>Ids of the segments that the rule asks about, each once.</summary>
    public IReadOnlyList<string> Segments { get; } = [.. root.Tests.SelectMany(t => t.Segments).Distinct()];

    public bool Matches(Customer customer, in Moment moment) => root.Matches(customer, moment);

    /// <summary>The same rule for Cosmos, as of the same instant.</summary>
    public CustomerFilter ToFilter(in Moment moment)
    {
        var sql = new RuleSql();
        root.WriteSql(sql, moment, exact: false);
        return sql.ToFilter();
    }

    /// <summary>Customers that match and do not have the segment's tag.</summary>
    public CustomerFilter ToFilterMissingTag(string segmentId, in Moment moment)
    {
        var sql = new RuleSql();
        WriteMissingTag(sql, segmentId, moment);
        return sql.ToFilter();
    }

    /// <summary>Customers that have the segment's tag and do not match.</summary>
    public CustomerFilter ToFilterWrongTag(string segmentId, in Moment moment)
    {
        var sql = new RuleSql();
        WriteWrongTag(sql, segmentId, moment);
        return sql.ToFilter();
    }

    /// <summary>Customers in one of the two directions of a difference who may have changed sides between two moments.</summary>
    public CustomerFilter ToFilterCrossed(string segmentId, bool wrongTag, in Moment since, in Moment until)
    {
        var sql = new RuleSql();
        sql.Text.Append('(');
        var first = true;
        foreach (var test in ClockTests)
        {
            sql.Text.Append(first ? "" : " OR ");
            test.WriteCrossed(sql, since, until);
            first = false;
        }

        sql.Text.Append(") AND ");
        if (wrongTag)
        {
            WriteWrongTag(sql, segmentId, until);
        }
        else
        {
            WriteMissingTag(sql, segmentId, until);
        }

        return sql.ToFilter();
    }

    /// <summary>Customers for whom the rule may change as time passes, and whose time on one edge of a test's window is still to come.</summary>
    public CustomerFilter ToFilterNext(TimeTest test, in Moment since, bool future)
    {
        var sql = new RuleSql();
        test.WriteNext(sql, since, future);
        sql.Text.Append(" AND ");
        WriteOpen(sql, since);
        return sql.ToFilter();
    }

    /// <summary>Customers for whom the rule may change as time passes.</summary>
    public CustomerFilter ToFilterOpen(in Moment since)
    {
        var sql = new RuleSql();
        WriteOpen(sql, since);
        return sql.ToFilter();
    }

    /// <summary>Customers that have the segment's tag.</summary>
    public static CustomerFilter ToFilterTagged(string segmentId)
    {
        var sql = new RuleSql();
        sql.Text.Append($"ARRAY_CONTAINS(c.segmentIds, {sql.Add(segmentId)})");
        return sql.ToFilter();
    }

    /// <summary>The comparisons that time alone can turn.</summary>
    public IReadOnlyList<TimeTest> ClockTests { get; } = [.. root.Tests.Where(t => t.DependsOnClock).Cast<TimeTest>()];

    private void WriteMissingTag(RuleSql sql, string segmentId, in Moment moment)
    {
        sql.Text.Append($"NOT (IS_ARRAY(c.segmentIds) AND ARRAY_CONTAINS(c.segmentIds, {sql.Add(segmentId)})) AND ");
        root.WriteSql(sql, moment, exact: false);
    }

    private void WriteWrongTag(RuleSql sql, string segmentId, in Moment moment)
    {
        sql.Text.Append($"ARRAY_CONTAINS(c.segmentIds, {sql.Add(segmentId)}) AND NOT (");
        root.WriteSql(sql, moment, exact: true);
        sql.Text.Append(')');
    }

    private void WriteOpen(RuleSql sql, in Moment moment)
    {
        root.WritePossible(sql, moment, hold: true);
        sql.Text.Append(" AND ");
        root.WritePossible(sql, moment, hold: false);
    }
}
