using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>A rule that was read and checked. Immutable; evaluating it allocates nothing but the texts of attributes.</summary>
public sealed class CompiledRule(RuleGroup root)
{
    public RuleGroup Root => root;

    public bool DependsOnClock => root.DependsOnClock;

    /// <summary>Ids of the segments that the rule asks about, each once.</summary>
    public IReadOnlyList<string> Segments { get; } = [.. root.Segments.Distinct()];

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
        sql.Text.Append($"NOT (IS_ARRAY(c.segmentIds) AND ARRAY_CONTAINS(c.segmentIds, {sql.Add(segmentId)})) AND ");
        root.WriteSql(sql, moment, exact: false);
        return sql.ToFilter();
    }

    /// <summary>Customers that have the segment's tag and do not match.</summary>
    public CustomerFilter ToFilterWrongTag(string segmentId, in Moment moment)
    {
        var sql = new RuleSql();
        sql.Text.Append($"ARRAY_CONTAINS(c.segmentIds, {sql.Add(segmentId)}) AND NOT (");
        root.WriteSql(sql, moment, exact: true);
        sql.Text.Append(')');
        return sql.ToFilter();
    }

    /// <summary>Customers that have the segment's tag.</summary>
    public static CustomerFilter ToFilterTagged(string segmentId)
    {
        var sql = new RuleSql();
        sql.Text.Append($"ARRAY_CONTAINS(c.segmentIds, {sql.Add(segmentId)})");
        return sql.ToFilter();
    }
}
