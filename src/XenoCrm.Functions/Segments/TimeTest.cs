using System.Runtime.InteropServices;
using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>A time or day in a rule, as the stamps [From, To) that it covers: a day is all of its 24 hours (UTC), a time one millisecond.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Period(long From, long To)
{
    public static Period Day(DateOnly day) => new(Stamp.Of(day), Stamp.Of(day.AddDays(1)));

    public static Period Instant(DateTimeOffset time)
    {
        var at = new Moment(time).Now;
        return new(Stamp.Of(at), Stamp.Of(at.AddMilliseconds(1)));
    }
}

/// <summary>Comparisons of times. All come down to <c>from ≤ x &lt; to</c> (or its outside), on stamps in memory and on texts in Cosmos.</summary>
/// <param name="get">The stamp; null when missing or no time.</param>
/// <param name="values">One, or two for a range; none for a duration.</param>
public sealed class TimeTest(RuleField field, RuleOperator op, JsonElement written, Func<Customer, long?> get, Period[] values, RuleDuration duration)
    : RuleTest(field, op, written, op.IsNegation())
{
    private const int EndOfFebruary = 228;

    public override bool DependsOnClock => Operator is RuleOperator.InLast or RuleOperator.NotInLast or RuleOperator.AnniversaryWithin;

    // An attribute holds any text: only what looks like a time is compared as one.
    protected override string? Guard => $"IS_STRING({Field.Path})";

    protected override bool Holds(Customer customer, in Moment moment)
    {
        if (get(customer) is not { } stamp)
        {
            return false;
        }

        if (Operator == RuleOperator.AnniversaryWithin)
        {
            var (first, last) = Season(moment);
            var day = Stamp.MonthAndDay(stamp);
            return stamp < Stamp.Of(moment.Today) && (first <= last ? day >= first && day <= last : day >= first || day <= last);
        }

        var (from, to) = Range(moment);
        return (stamp >= from && stamp < to) != (Operator == RuleOperator.NotBetween);
    }

    protected override void WriteCondition(RuleSql sql, in Moment moment)
    {
        var path = Field.Path;
        var terms = new List<string>();
        if (Field is AttributeField)
        {
            terms.Add($"RegexMatch({path}, {sql.Add(Stamp.Pattern)})");
        }

        if (Operator == RuleOperator.AnniversaryWithin)
        {
            var (first, last) = Season(moment);
            var day = $"SUBSTRING({path}, 5, 5)";
            terms.Add($"{path} < {sql.Add(Stamp.ToText(Stamp.Of(moment.Today)))}");
            terms.Add($"({day} >= {sql.Add(DayText(first))} {(first <= last ? "AND" : "OR")} {day} <= {sql.Add(DayText(last))})");
        }
        else
        {
            var (from, to) = Range(moment);
            if (Operator == RuleOperator.NotBetween)
            {
                terms.Add($"({path} < {sql.Add(Stamp.ToText(from))}{(to == long.MaxValue ? "" : $" OR {path} >= {sql.Add(Stamp.ToText(to))}")})");
            }
            else
            {
                if (from > 0 || to == long.MaxValue)
                {
                    terms.Add($"{path} >= {sql.Add(Stamp.ToText(from))}");
                }

                if (to < long.MaxValue)
                {
                    terms.Add($"{path} < {sql.Add(Stamp.ToText(to))}");
                }
            }
        }

        sql.Text.AppendJoin(" AND ", terms);
    }

    /// <summary>Writes who may have passed an edge of the time window between two moments, the first one excluded.</summary>
    public void WriteCrossed(RuleSql sql, in Moment since, in Moment until)
    {
        var path = Field.Path;
        if (Operator == RuleOperator.AnniversaryWithin)
        {
            // Its window moves once a day, and one day is as likely as another: all who have a date are looked at.
            sql.Text.Append(since.Today == until.Today ? "false" : $"IS_STRING({path})");
            return;
        }

        var (left, leaving) = (Text(duration.Before(since.Now)), Text(duration.Before(until.Now)));
        var (entered, entering) = (Text(since.Now.AddMilliseconds(1)), Text(until.Now.AddMilliseconds(1)));
        sql.Text.Append(
            $"(({path} >= {sql.Add(left)} AND {path} < {sql.Add(leaving)}) OR ({path} >= {sql.Add(entered)} AND {path} < {sql.Add(entering)}))");
    }

    /// <summary>The stored times that may next pass an edge after <paramref name="since"/>: those inside the window leave, those in the future enter.</summary>
    /// <param name="future">The second kind. An anniversary has neither; its window moves at midnight.</param>
    public void WriteNext(RuleSql sql, in Moment since, bool future)
    {
        var edge = sql.Add(Text(since.Now.AddMilliseconds(1)));
        sql.Text.Append(future ? $"{Field.Path} >= {edge}" : $"{Field.Path} >= {sql.Add(Text(duration.Before(since.Now)))} AND {Field.Path} < {edge}");
        if (Field is AttributeField)
        {
            sql.Text.Append($" AND RegexMatch({Field.Path}, {sql.Add(Stamp.Pattern)})");
        }
    }

    /// <summary>The first moment after <paramref name="since"/> at which the edge has passed a stored time; null when that is out of sight.</summary>
    public DateTime? PassesAt(long stamp, in Moment since, bool future)
    {
        // Both edges only move forward (RuleDuration), so the moment can be looked for by halving.
        var start = since.Now;
        var (low, high) = (0L, (long)TimeSpan.FromDays(366 * (RuleDuration.MaxYears + 1)).TotalMilliseconds);
        high = Math.Min(high, (DateTime.MaxValue - start).Ticks / TimeSpan.TicksPerMillisecond);
        if (!Passed(start.AddMilliseconds(high)))
        {
            return null;
        }

        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            if (Passed(start.AddMilliseconds(middle)))
            {
                high = middle;
            }
            else
            {
                low = middle;
            }
        }

        return start.AddMilliseconds(high);

        bool Passed(DateTime at) => future ? Stamp.Of(at) >= stamp : Stamp.Of(duration.Before(at)) > stamp;
    }

    private static string Text(DateTime time) => Stamp.ToText(Stamp.Of(time));

    private (long From, long To) Range(in Moment moment) => Operator switch
    {
        RuleOperator.Less or RuleOperator.Before => (0, values[0].From),
        RuleOperator.LessOrEqual => (0, values[0].To),
        RuleOperator.Greater or RuleOperator.After => (values[0].To, long.MaxValue),
        RuleOperator.GreaterOrEqual => (values[0].From, long.MaxValue),
        RuleOperator.Between or RuleOperator.NotBetween => (values[0].From, values[1].To),
        RuleOperator.InLast or RuleOperator.NotInLast => (Stamp.Of(duration.Before(moment.Now)), Stamp.Of(moment.Now.AddMilliseconds(1))),
        _ => (values[0].From, values[0].To),
    };

    /// <summary>
    /// First and last month-and-day from today on; first after last means over New Year's Eve. Who was born on the 29th of
    /// February has the anniversary on the 28th in a year without one.
    /// </summary>
    private (int First, int Last) Season(in Moment moment)
    {
        var end = duration.After(moment.Today);
        if (end >= moment.Today.AddYears(1))
        {
            return (101, 1231);
        }

        var last = (end.Month * 100) + end.Day;
        return ((moment.Today.Month * 100) + moment.Today.Day, last == EndOfFebruary && !DateTime.IsLeapYear(end.Year) ? last + 1 : last);
    }

    private static string DayText(int monthAndDay) => $"{monthAndDay / 100:00}-{monthAndDay % 100:00}";
}
