using System.Globalization;

namespace XenoCrm.Insights;

/// <summary>Reads times: "in the last 90 days", "since March", "last summer", "between 1 May and 31 July", "more than a year ago".</summary>
internal sealed class TimeWords(Phrases words, DateOnly today)
{
    private static readonly string[] Months = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

    private enum Unit
    {
        Hour,
        Day,
        Week,
        Month,
        Quarter,
        Year,
    }

    public TimeSpec? Read(int at, bool negated = false) => Relative(at, negated) ?? Ago(at) ?? Absolute(at);

    /// <summary>Number of units, as an ISO 8601 duration.</summary>
    private (string Iso, int Length)? Duration(int at)
    {
        if (words.Any(at, "half a year", "half year", "half an year", "a half year") is > 0 and var half)
        {
            return ("P6M", half);
        }

        if (words.Any(at, "a fortnight", "fortnight") is > 0 and var fortnight)
        {
            return ("P2W", fortnight);
        }

        var count = Quantities.Number(words, at) is { Times: false } number && number.Value == decimal.Truncate(number.Value) && number.Value is > 0 and < 10_000 ? (Value: (int)number.Value, number.Length)
            : words.Any(at, "a full", "a whole", "an entire", "a", "an") is > 0 and var article ? (Value: 1, Length: article)
            : default;
        if (count.Length == 0)
        {
            return null;
        }

        var unitAt = at + count.Length;
        unitAt += words.Any(unitAt, "full", "whole", "calendar", "consecutive", "more") is > 0 and var filler ? filler : 0;
        return UnitAt(unitAt) is { } unit ? (Iso(count.Value, unit), unitAt + 1 - at) : null;
    }

    private static string Iso(int count, Unit unit) => unit switch
    {
        Unit.Hour => $"PT{count}H",
        Unit.Day => $"P{count}D",
        Unit.Week => $"P{count}W",
        Unit.Month => $"P{count}M",
        Unit.Quarter => $"P{count * 3}M",
        _ => $"P{count}Y",
    };

    private Unit? UnitAt(int at) => words.Text(at) switch
    {
        "hour" or "hours" or "hrs" or "h" => Unit.Hour,
        "day" or "days" or "d" => Unit.Day,
        "week" or "weeks" or "wk" or "wks" or "w" => Unit.Week,
        "month" or "months" or "mo" or "mos" or "mths" => Unit.Month,
        "quarter" or "quarters" => Unit.Quarter,
        "year" or "years" or "yr" or "yrs" or "y" => Unit.Year,
        _ => null,
    };

    private TimeSpec? Relative(int at, bool negated)
    {
        var start = at;
        var lead = words.Any(at, "at any time in", "at any point in", "any time in", "in less than", "for more than", "for over", "for at least", "in more than", "in over", "for the", "in the", "within the", "during the", "over the", "throughout the", "within", "during", "over", "for", "in", "the");
        var last = words.Any(at + lead, "last", "past", "previous", "recent", "trailing");
        if (last > 0)
        {
            if (Duration(at + lead + last) is { } several)
            {
                return new(TimeKind.InLast, lead + last + several.Length, several.Iso);
            }

            // "in the last month" is the month before now, "last month" is August.
            var rolling = (lead > 0 && words.Text(at) != "the") || words.Text(at + lead) is "past" or "trailing";
            if (rolling && UnitAt(at + lead + last) is { } one)
            {
                return new(TimeKind.InLast, lead + last + 1, Iso(1, one));
            }

            if (words.Any(at + lead + last, "few weeks", "couple of weeks") is > 0 and var weeks)
            {
                return new(TimeKind.InLast, lead + last + weeks, "P3W", Note: "taken as 3 weeks");
            }

            if (words.Any(at + lead + last, "few months", "couple of months") is > 0 and var months)
            {
                return new(TimeKind.InLast, lead + last + months, "P3M", Note: "taken as 3 months");
            }

            return null;
        }

        if (words.Any(at, "in ages", "for ages", "in a long time", "for a long time", "in a while", "for a while", "in forever", "for long") is > 0 and var ages)
        {
            return new(TimeKind.InLast, ages, "P6M", Note: "taken as 6 months");
        }

        if (words.Any(at, "recently", "lately", "of late") is > 0 and var recent)
        {
            return new(TimeKind.InLast, recent, "P30D", Note: "taken as the last 30 days");
        }

        // "within 10 days"; "in 6 months" looks back only where something did not happen.
        var lookBack = lead > 0 && (negated || words.Text(at) is "within" or "during" or "over" || words.Matches(at, "in less than") > 0 || words.Text(at) == "for");
        if (lookBack && words.Text(at) != "the" && words.Text(at + lead - 1) != "the" && Duration(at + lead) is { } bare && words.Text(at + lead + bare.Length) != "ago" && words.Text(at + lead + bare.Length) != "old")
        {
            return new(TimeKind.InLast, at + lead + bare.Length - start, bare.Iso);
        }

        return null;
    }

    private TimeSpec? Ago(int at)
    {
        var more = words.Any(at, "more than", "over", "at least", "longer than", "greater than");
        var less = words.Any(at, "less than", "within", "not more than", "no more than", "under", "at most");
        var between = words.Any(at, "between");
        var from = at + Math.Max(more, Math.Max(less, between));

        // "3 to 6 months ago"
        if (Quantities.Number(words, from) is { } low && words.Any(from + low.Length, "to", "-", "and") is > 0 and var to && Duration(from + low.Length + to) is { } high
            && words.Text(from + low.Length + to + high.Length) == "ago" && UnitAt(from + low.Length + to + high.Length - 1) is { } unit)
        {
            return new(TimeKind.AgoRange, from + low.Length + to + high.Length + 1 - at, Iso((int)low.Value, unit), high.Iso);
        }

        if (Duration(from) is { } duration)
        {
            var next = from + duration.Length;
            if (words.Text(next) == "ago" || (more > 0 && words.Text(next) is "back"))
            {
                return less > 0 ? new(TimeKind.InLast, next + 1 - at, duration.Iso)
                    : new(TimeKind.LongerAgo, next + 1 - at, duration.Iso, Note: more > 0 ? null : "taken as that long ago or longer");
            }
        }

        return null;
    }

    private TimeSpec? Absolute(int at)
    {
        var lead = words.Any(at, "between", "from");
        if (lead > 0 && Date(at + lead) is { } first && words.Any(at + lead + first.Length, "and", "to", "until", "till", "through", "-") is > 0 and var to && Date(at + lead + first.Length + to) is { } last)
        {
            // "between January and March this year", "between 1 and 15 May": what is said once holds for both.
            var length = lead + first.Length + to + last.Length;
            var (start, end) = (first, last);
            if (words.Any(at + length, "of this year", "this year", "of last year", "last year") is > 0 and var years)
            {
                var year = today.Year - (words.Text(at + length + years - 2) == "last" ? 1 : 0);
                (start, end) = (start.In(year), end.In(year));
                length += years;
            }
            else if (!first.HasYear && last.HasYear)
            {
                start = first.In(last.To.Year);
                start = start.From > end.To ? first.In(last.To.Year - 1) : start;
            }
            else if (!first.HasYear && !last.HasYear && first.From > last.To)
            {
                start = first.In(first.From.Year - 1);
            }

            return start.From <= end.To ? new(TimeKind.Between, length, From: start.From, To: end.To) : null;
        }

        (string Phrase, TimeKind Kind)[] relations =
        [
            ("since on or after", TimeKind.OnOrAfter), ("on or after", TimeKind.OnOrAfter), ("on or before", TimeKind.OnOrBefore), ("not before", TimeKind.OnOrAfter), ("no later than", TimeKind.OnOrBefore), ("since before", TimeKind.Before), ("since at least", TimeKind.OnOrBefore),
            ("since", TimeKind.OnOrAfter), ("starting", TimeKind.OnOrAfter), ("as of", TimeKind.OnOrAfter), ("after", TimeKind.After), ("later than", TimeKind.After), ("before", TimeKind.Before), ("prior to", TimeKind.Before), ("earlier than", TimeKind.Before),
            ("until", TimeKind.OnOrBefore), ("till", TimeKind.OnOrBefore), ("by the end of", TimeKind.OnOrBefore), ("by", TimeKind.OnOrBefore), ("from", TimeKind.OnOrAfter),
        ];
        foreach (var (phrase, kind) in relations)
        {
            if (words.Matches(at, phrase) is > 0 and var length && Date(at + length) is { } date)
            {
                return new(kind, length + date.Length, From: date.From, To: date.To, Note: date.Note);
            }
        }

        // On its own, or "in May", "on 5 May", "during 2025".
        var preposition = words.Any(at, "in the", "during the", "over the", "in", "on", "during", "around", "=");
        if (Date(at + preposition) is { } day && (preposition > 0 || day.Alone))
        {
            // What is still under way has no end: "this year" is since its beginning.
            return day.To >= today && day.From < today
                ? new(TimeKind.OnOrAfter, preposition + day.Length, From: day.From, To: day.To, Note: day.Note)
                : new(TimeKind.Between, preposition + day.Length, From: day.From, To: day.To, Note: day.Note);
        }

        return null;
    }

    /// <param name="Alone">It needs no preposition: "yesterday", "last month", a full date.</param>
    public sealed record Days(DateOnly From, DateOnly To, int Length, bool HasYear, bool Alone, string? Note = null)
    {
        public Days In(int year) => this with { From = Year(From, year), To = Year(To, year), HasYear = true };

        private static DateOnly Year(DateOnly day, int year) => new(year, day.Month, Math.Min(day.Day, DateTime.DaysInMonth(year, day.Month)));
    }

    /// <summary>The days that words name. Without a year: the latest that have begun.</summary>
    public Days? Date(int at)
    {
        var the = words.Any(at, "the") > 0 && words.Any(at + 1, "start", "beginning", "end", "last", "year", "summer", "first", "1st") > 0 ? 1 : 0;
        var here = at + the;
        if (here >= words.Count)
        {
            return null;
        }

        if (words.Any(here, "start of", "beginning of", "first of") is > 0 and var start && Date(here + start + (words.Any(here + start, "the") > 0 && words.Text(here + start + 1) is "year" or "month" or "week" ? 1 : 0)) is { } whole)
        {
            var skipped = words.Any(here + start, "the") > 0 && words.Text(here + start + 1) is "year" or "month" or "week" ? 1 : 0;
            return new(whole.From, whole.From, the + start + skipped + whole.Length, true, true);
        }

        var token = words[here];
        if (token.Kind == TokenKind.Day)
        {
            return new(token.Day, token.Day, the + 1, true, true);
        }

        var named = Named(here);
        return named is null ? null : named with { Length = named.Length + the };
    }

    private Days? Named(int at)
    {
        var monday = today.AddDays(-(((int)today.DayOfWeek + 6) % 7));
        var month = new DateOnly(today.Year, today.Month, 1);
        var quarter = new DateOnly(today.Year, (((today.Month - 1) / 3) * 3) + 1, 1);
        (string Phrase, DateOnly From, DateOnly To)[] relative =
        [
            ("today", today, today), ("yesterday", today.AddDays(-1), today.AddDays(-1)), ("the day before yesterday", today.AddDays(-2), today.AddDays(-2)),
            ("this week", monday, monday.AddDays(6)), ("last week", monday.AddDays(-7), monday.AddDays(-1)), ("week", monday, monday.AddDays(6)),
            ("this month", month, month.AddMonths(1).AddDays(-1)), ("last month", month.AddMonths(-1), month.AddDays(-1)), ("month", month, month.AddMonths(1).AddDays(-1)),
            ("this quarter", quarter, quarter.AddMonths(3).AddDays(-1)), ("last quarter", quarter.AddMonths(-3), quarter.AddDays(-1)),
            ("this year", new(today.Year, 1, 1), new(today.Year, 12, 31)), ("last year", new(today.Year - 1, 1, 1), new(today.Year - 1, 12, 31)), ("year", new(today.Year, 1, 1), new(today.Year, 12, 31)),
        ];
        foreach (var (phrase, from, to) in relative)
        {
            if (words.Matches(at, phrase) is > 0 and var length)
            {
                return new(from, to, length, true, phrase is not ("week" or "month" or "year"));
            }
        }

        return Season(at) ?? Calendar(at);
    }

    private Days? Season(int at)
    {
        var ordinal = words.Any(at, "last", "this") is var said && said > 0 ? 1 : 0;
        var name = words.Text(at + ordinal);
        (int Month, int Day, int Days)? span = name switch
        {
            "spring" => (3, 1, 0), "summer" => (6, 1, 0), "autumn" or "fall" => (9, 1, 0), "winter" => (12, 1, 0),
            "christmas" or "xmas" => (12, 25, 1), "halloween" => (10, 31, 1), "valentine" => (2, 14, 1), "valentines" => (2, 14, 1), "q1" => (1, 1, 0), "q2" => (4, 1, 0), "q3" => (7, 1, 0), "q4" => (10, 1, 0),
            "new" when words.Matches(at + ordinal, "new year") > 0 => (1, 1, 1),
            _ => null,
        };
        var length = ordinal + (name == "new" ? 2 : 1);
        if (span is not { } s)
        {
            if (words.Matches(at + ordinal, "black friday") == 0)
            {
                return null;
            }

            // The day after the fourth Thursday of November.
            var friday = BlackFriday(today.Year) <= today ? BlackFriday(today.Year) : BlackFriday(today.Year - 1);
            return new(friday, friday, ordinal + 2, true, true);
        }

        length += name.StartsWith("valentine", StringComparison.Ordinal) && words.Text(at + length) == "day" ? 1 : 0;
        var explicitYear = words.Any(at + length, "of") > 0 && YearAt(at + length + 1) is { } of ? (Year: of, Length: 2) : YearAt(at + length) is { } year ? (Year: year, Length: 1) : default;
        var begin = new DateOnly(explicitYear.Year > 0 ? explicitYear.Year : today.Year, s.Month, s.Day);
        DateOnly End(DateOnly from) => s.Days > 0 ? from : from.AddMonths(3).AddDays(-1);
        if (explicitYear.Year == 0)
        {
            // "Last" is the latest that is over; without it the latest that has begun.
            while (words.Text(at) == "last" ? End(begin) >= today : begin > today)
            {
                begin = begin.AddYears(-1);
            }
        }

        return new(begin, End(begin), length + explicitYear.Length, true, ordinal > 0 || explicitYear.Year > 0);
    }

    private static DateOnly BlackFriday(int year)
    {
        var first = new DateOnly(year, 11, 1);
        return first.AddDays((((int)DayOfWeek.Thursday - (int)first.DayOfWeek + 7) % 7) + 21 + 1);
    }

    /// <summary>"1 June 2026", "June 1st", "June 2026", "June", "2026".</summary>
    private Days? Calendar(int at)
    {
        if (YearAt(at) is { } onlyYear && words[at].Kind == TokenKind.Number)
        {
            return new(new(onlyYear, 1, 1), new(onlyYear, 12, 31), 1, true, false);
        }

        var length = 0;
        int? day = null;
        if (words[at].Kind == TokenKind.Number && words[at].Number is >= 1 and <= 31 && words[at].Number == decimal.Truncate(words[at].Number) && MonthAt(at + 1 + words.Any(at + 1, "of")) is not null)
        {
            day = (int)words[at].Number;
            length = 1 + words.Any(at + 1, "of");
        }

        var prefix = day is null && words.Any(at, "early", "mid", "late", "last") is > 0 and var p ? p : 0;
        if (MonthAt(at + length + prefix) is not { } month)
        {
            return null;
        }

        length += prefix + 1;
        if (day is null && at + length < words.Count && words[at + length] is { Kind: TokenKind.Number, Number: >= 1 and <= 31, Plus: false, Currency: null } number
            && number.Number == decimal.Truncate(number.Number) && number.Text.Length <= 4 && words.Any(at + length + 1, "times", "orders", "visits", "days", "weeks", "months") == 0)
        {
            day = (int)number.Number;
            length++;
        }

        length += at + length + 1 < words.Count && words[at + length].Kind == TokenKind.Comma && YearAt(at + length + 1) is not null && words[at + length + 1].Number > 1900 ? 1 : 0;
        var year = YearAt(at + length);
        length += year is null ? 0 : 1;
        if (year is null && words.Any(at + length, "of this year", "this year", "of last year", "last year") is > 0 and var said && words.Any(at, "between") == 0)
        {
            year = today.Year - (words.Text(at + length + said - 2) == "last" ? 1 : 0);
            length += said;
        }

        var first = new DateOnly(year ?? today.Year, month, Math.Min(day ?? 1, DateTime.DaysInMonth(year ?? today.Year, month)));
        if (year is null && first > today)
        {
            first = first.AddYears(-1);
        }

        var last = day is null ? first.AddMonths(1).AddDays(-1) : first;
        return new(first, last, length, year is not null, day is not null, year is null ? $"taken as {(day is null ? "" : $"{day} ")}{CultureInfo.InvariantCulture.DateTimeFormat.GetMonthName(month)} {first.Year}" : null);
    }

    private int? YearAt(int at) => at < words.Count && words[at] is { Kind: TokenKind.Number, Number: >= 1900 and <= 2100, Currency: null, Plus: false } token && token.Text.Length == 4 ? (int)token.Number : null;

    private int? MonthAt(int at)
    {
        var text = words.Text(at);
        if (text.Length < 3)
        {
            return null;
        }

        var index = Array.FindIndex(Months, m => m == text || (text.Length >= 3 && text.Length <= 4 && m.StartsWith(text, StringComparison.Ordinal)));
        return index < 0 ? null : index + 1;
    }
}
