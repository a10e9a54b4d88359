namespace XenoCrm.Insights;

/// <summary>What was done or not done, as comparisons.</summary>
internal sealed partial class SentenceReader
{
    private Draft? Build(What what, int start, int end)
    {
        if (what.Time is not null && what.Count is not null && !what.Not)
        {
            Note(start, end, "counts are of all time; the time is that of the last one");
        }

        var drafts = what.Deeds.Select(d => Build(d, what, start, end)).OfType<Draft>().ToArray();
        return drafts.Length == 0 ? null : what.AnyDeed && !what.Not ? Draft.Any(drafts) : Draft.All(drafts);
    }

    private Draft? Build(Deed deed, What what, int start, int end)
    {
        if (deed is Deed.Order or Deed.Spend && what.Categories.Count > 0)
        {
            // "Never books or toys": neither of them.
            var each = what.Categories.Select(c => Build(deed, what, start, end, $"categories.{c}.count", $"categories.{c}.lastAt", null, $"categories.{c}.spend")).OfType<Draft>().ToArray();
            return what.AllCategories || what.Not ? Draft.All(each) : Draft.Any(each);
        }

        return deed switch
        {
            Deed.Order or Deed.Spend => Build(deed, what, start, end, "orderCount", "lastOrderAt", "firstOrderAt", what.Average ? "averageOrderValue" : "totalSpend"),
            Deed.Visit => Build(deed, what, start, end, "visits", "lastVisitAt", null, null),
            Deed.Open => Build(deed, what, start, end, "engagement.opened", "engagement.lastOpenedAt", null, null),
            Deed.Click => Build(deed, what, start, end, "engagement.clicked", "engagement.lastClickedAt", null, null),
            Deed.Receive or Deed.BeSent => what.Count is null && !what.Not ? null : Build(deed, what, start, end, deed == Deed.Receive ? "engagement.delivered" : "engagement.sent", null, null, null),
            Deed.BeActive => Moment(what, "lastActiveAt", "P90D", start, end),
            // Everybody has: "signed up but never bought".
            Deed.Join => what.Time is null && !what.Not ? Draft.Everybody : Moment(what, "createdAt", "P30D", start, end),
            _ => Moment(what, "updatedAt", "P30D", start, end),
        };
    }

    private Draft Moment(What what, string field, string usual, int start, int end)
    {
        if (what is { Time: null, Not: true } && words.Text(start - 1) == "never")
        {
            return Draft.Test(field, "null");
        }

        if (what.Time is null)
        {
            Note(start, end, $"taken as {(what.Not ? "not " : "")}in the last {usual[1..^1]} days");
        }

        var time = what.Time ?? new TimeSpec(TimeKind.InLast, 0, usual);
        return what.Not ? time.NotOf(field) : time.Of(field);
    }

    private Draft? Build(Deed deed, What what, int start, int end, string count, string? last, string? first, string? spend)
    {
        var tests = new List<Draft>();
        var isCategory = count.StartsWith("categories.", StringComparison.Ordinal);
        if (what.Amount is { } amount && spend is not null)
        {
            // Said without a comparison, an amount is a threshold.
            tests.Add(With((amount.Said ? amount : amount with { Op = ">=" }).Of(spend), what.Not));
            if (!amount.Said)
            {
                Note(start, end, "at least that much");
            }
        }

        if (what.Count is { } times)
        {
            tests.Add(With(Counts(times, count, start, end), what.Not && what.Time is null));
        }

        if (what.Much && what.Amount is null && what.Count is null)
        {
            var field = deed == Deed.Spend ? "rfm.monetary" : "rfm.frequency";
            Note(start, end, $"the upper two fifths of all customers by {(deed == Deed.Spend ? "spend" : "number of orders")}");
            tests.Add(With(Draft.Test(field, ">=", 4), what.Not));
        }

        if (what.Time is { } time && last is not null)
        {
            var field = what.First && first is not null ? first : last;
            tests.Add(what.Not ? time.NotOf(field) : time.Of(field));
        }

        if (tests.Count == 0)
        {
            return what.Not ? isCategory ? Draft.Test(count, "null") : Draft.Test(deed == Deed.Spend ? spend! : count, "=", 0)
                : deed == Deed.Spend && !isCategory ? what.Deeds.Count == 1 && what.Average ? null : Draft.Test("totalSpend", ">", 0)
                : Draft.Test(count, ">=", 1);
        }

        return Draft.All([.. tests]);
    }

    /// <summary>"Once" is once; "twice" and "3 times" are taken as a minimum.</summary>
    private DraftTest Counts(Quantity quantity, string field, int start, int end)
    {
        if (quantity.Said || quantity.Value == 0)
        {
            return quantity.Of(field);
        }

        Note(start, end, quantity.Value == 1 ? "exactly once; say \"at least once\" for the others" : $"at least {quantity.Value:0.##}; say \"exactly\" for no more");
        return quantity.Value == 1 ? quantity.Of(field) : (quantity with { Op = ">=" }).Of(field);
    }
}
