using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

public enum FieldType
{
    Text,

    /// <summary>Text with a fixed set of values.</summary>
    Choice,
    Number,

    /// <summary>A number in major units of the workspace's currency.</summary>
    Money,

    /// <summary>A time, or a day that stands for all its hours (UTC).</summary>
    Time,
    Date,

    Boolean,

    /// <summary>Several texts.</summary>
    List,

    /// <summary>Text, number, boolean or date: the rule's value says which.</summary>
    Any,
}

/// <summary>Something of a customer that a rule can ask about.</summary>
/// <param name="name">As in a rule.</param>
/// <param name="path">As a Cosmos SQL expression over the alias <c>c</c>.</param>
public abstract class RuleField(string name, string label, string path)
{
    public string Name { get; } = name;

    public string Label { get; } = label;

    public string Path { get; } = path;

    public abstract FieldType Type { get; }

    public abstract IReadOnlyList<RuleOperator> Operators { get; }

    public abstract bool IsPresent(Customer customer);

    /// <summary>The customer's value as the API shows it; null when missing.</summary>
    public abstract object? Actual(Customer customer);

    /// <summary>Reads the value of a rule with one of <see cref="Operators"/>; null when it was refused, which the reader has noted.</summary>
    public abstract RuleTest? Read(RuleOperator op, RuleValue value);

    protected static readonly RuleOperator[] Presence = [RuleOperator.Null, RuleOperator.NotNull];
    protected static readonly RuleOperator[] Equality = [RuleOperator.Equal, RuleOperator.NotEqual, RuleOperator.In, RuleOperator.NotIn];
    protected static readonly RuleOperator[] Parts = [RuleOperator.Contains, RuleOperator.DoesNotContain, RuleOperator.BeginsWith, RuleOperator.EndsWith];

    protected static readonly RuleOperator[] Ordering =
    [
        RuleOperator.Less, RuleOperator.LessOrEqual, RuleOperator.Greater, RuleOperator.GreaterOrEqual, RuleOperator.Between, RuleOperator.NotBetween,
    ];

    protected static readonly RuleOperator[] Calendar =
    [
        RuleOperator.Before, RuleOperator.After, RuleOperator.InLast, RuleOperator.NotInLast, RuleOperator.AnniversaryWithin,
    ];
}

public sealed class TextField(string name, string label, string path, Func<Customer, string?> get) : RuleField(name, label, path)
{
    public override FieldType Type => FieldType.Text;

    public override IReadOnlyList<RuleOperator> Operators { get; } = [.. Equality, .. Parts, .. Presence];

    public override bool IsPresent(Customer customer) => get(customer) is not null;

    public override object? Actual(Customer customer) => get(customer);

    public override RuleTest? Read(RuleOperator op, RuleValue value) => value.Texts(op) is { } texts ? new TextTest(this, op, value.Json, get, texts) : null;
}

public sealed class ChoiceField(string name, string label, string path, string[] choices, Func<Customer, string?> get) : RuleField(name, label, path)
{
    public override FieldType Type => FieldType.Choice;

    public IReadOnlyList<string> Choices => choices;

    public override IReadOnlyList<RuleOperator> Operators { get; } = [.. Equality, .. Presence];

    public override bool IsPresent(Customer customer) => get(customer) is not null;

    public override object? Actual(Customer customer) => get(customer);

    public override RuleTest? Read(RuleOperator op, RuleValue value) =>
        value.Texts(op, text => choices.Contains(text, StringComparer.OrdinalIgnoreCase) ? null : $"One of {string.Join(", ", choices)} is expected.") is { } texts
            ? new TextTest(this, op, value.Json, get, texts)
            : null;
}

/// <param name="get">NaN when missing.</param>
public sealed class NumberField(string name, string label, string path, Func<Customer, double> get) : RuleField(name, label, path)
{
    public override FieldType Type => FieldType.Number;

    public override IReadOnlyList<RuleOperator> Operators { get; } = [.. Equality[..2], .. Ordering, .. Equality[2..], .. Presence];

    public override bool IsPresent(Customer customer) => !double.IsNaN(get(customer));

    public override object? Actual(Customer customer) => get(customer) is var number && double.IsNaN(number) ? null : number;

    public override RuleTest? Read(RuleOperator op, RuleValue value) => value.Numbers(op) is { } numbers ? new NumberTest(this, op, value.Json, get, numbers) : null;
}

public sealed class MoneyField(string name, string label, string path, string currency, Func<Customer, long?> get) : RuleField(name, label, path)
{
    public override FieldType Type => FieldType.Money;

    public override IReadOnlyList<RuleOperator> Operators { get; } = [.. Equality[..2], .. Ordering, .. Equality[2..], .. Presence];

    public override bool IsPresent(Customer customer) => get(customer) is not null;

    public override object? Actual(Customer customer) => get(customer) is { } minor ? Platform.Money.ToMajor(minor, currency) : null;

    public override RuleTest? Read(RuleOperator op, RuleValue value) =>
        value.Amounts(op, currency) is { } numbers ? new NumberTest(this, op, value.Json, c => get(c) ?? double.NaN, numbers) : null;
}

public sealed class TimeField(string name, string label, string path, Func<Customer, DateTimeOffset?> get) : RuleField(name, label, path)
{
    public override FieldType Type => FieldType.Time;

    public override IReadOnlyList<RuleOperator> Operators { get; } = [.. Equality[..2], .. Ordering, .. Calendar, .. Presence];

    public override bool IsPresent(Customer customer) => get(customer) is not null;

    public override object? Actual(Customer customer) => get(customer);

    public override RuleTest? Read(RuleOperator op, RuleValue value) =>
        value.Times(op, datesOnly: false, c => get(c) is { } time ? Stamp.Of(time) : null, this);
}

public sealed class DateField(string name, string label, string path, Func<Customer, DateOnly?> get) : RuleField(name, label, path)
{
    public override FieldType Type => FieldType.Date;

    public override IReadOnlyList<RuleOperator> Operators { get; } = [.. Equality[..2], .. Ordering, .. Calendar, .. Presence];

    public override bool IsPresent(Customer customer) => get(customer) is not null;

    public override object? Actual(Customer customer) => get(customer);

    public override RuleTest? Read(RuleOperator op, RuleValue value) =>
        value.Times(op, datesOnly: true, c => get(c) is { } date ? Stamp.Of(date) : null, this);
}

/// <param name="holdsSegments">The values are ids of segments: exact, and links between rules.</param>
public sealed class ListField(string name, string label, string path, bool holdsSegments, Func<Customer, IReadOnlyList<string>> get) : RuleField(name, label, path)
{
    public override FieldType Type => FieldType.List;

    public bool HoldsSegments { get; } = holdsSegments;

    // Whether there is any segment would depend on all of them, and on the one that asks.
    public override IReadOnlyList<RuleOperator> Operators { get; } =
        [RuleOperator.Contains, RuleOperator.DoesNotContain, RuleOperator.In, RuleOperator.NotIn, .. holdsSegments ? [] : Presence];

    public IReadOnlyList<string> Get(Customer customer) => get(customer);

    public override bool IsPresent(Customer customer) => get(customer).Count > 0;

    public override object? Actual(Customer customer) => get(customer) is { Count: > 0 } list ? list : null;

    public override RuleTest? Read(RuleOperator op, RuleValue value) => value.Texts(op) is { } texts ? new ListTest(this, op, value.Json, texts) : null;
}

/// <summary>
/// A custom attribute. What is compared as what is said by its type in the schema; where there is none (yet) by the rule's
/// operator and value: an attribute that holds something of another type is then no match, as if it were missing (but
/// it is present for <c>null</c> and <c>notNull</c>).
/// </summary>
/// <param name="type">Null: not known.</param>
/// <param name="isNew">
/// The rule is being written: what does not go with the type is refused. A rule that is stored already, perhaps from before
/// its attribute had a type, must still be read: there it is no match.
/// </param>
public sealed class AttributeField(string key, AttributeType? type = null, string? label = null, bool isNew = false)
    : RuleField($"attributes.{key}", label ?? key, RuleSql.Property("c.attributes", key))
{
    public override FieldType Type => type switch
    {
        AttributeType.String => FieldType.Text,
        AttributeType.Number => FieldType.Number,
        AttributeType.Boolean => FieldType.Boolean,
        AttributeType.Date => FieldType.Date,
        AttributeType.DateTime => FieldType.Time,
        _ => FieldType.Any,
    };

    public override IReadOnlyList<RuleOperator> Operators { get; } = (isNew ? type : null) switch
    {
        AttributeType.String => [.. Equality, .. Parts, .. Presence],
        AttributeType.Number => [.. Equality[..2], .. Ordering, .. Equality[2..], .. Presence],
        AttributeType.Boolean => [.. Equality[..2], .. Presence],
        AttributeType.Date or AttributeType.DateTime => [.. Equality[..2], .. Ordering, .. Calendar, .. Presence],
        _ => [.. Equality[..2], .. Ordering, .. Equality[2..], .. Parts, .. Calendar, .. Presence],
    };

    public override bool IsPresent(Customer customer) => Get(customer).ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public override object? Actual(Customer customer) => IsPresent(customer) ? Get(customer) : null;

    public override RuleTest? Read(RuleOperator op, RuleValue value)
    {
        var isTime = type is AttributeType.Date or AttributeType.DateTime;
        if (Calendar.Contains(op) || (isTime && (isNew || (value.IsTime && (op is RuleOperator.Equal or RuleOperator.NotEqual)))))
        {
            return value.Times(op, datesOnly: isNew && type == AttributeType.Date, Time, this);
        }

        return (isNew ? type : null) switch
        {
            AttributeType.String => Texts(op, value),
            AttributeType.Number => Numbers(op, value),
            AttributeType.Boolean => Booleans(op, value, "true or false is expected, not a text."),
            _ => ReadByValue(op, value),
        };
    }

    private RuleTest? ReadByValue(RuleOperator op, RuleValue value) => value.Kind switch
    {
        JsonValueKind.Number when !Parts.Contains(op) => Numbers(op, value),
        JsonValueKind.String when Ordering.Contains(op) => value.Times(op, datesOnly: false, Time, this),
        JsonValueKind.String => Texts(op, value),
        _ => Booleans(op, value, "A text, number, boolean or date that goes with the operator is expected; a list has values of one type."),
    };

    private TextTest? Texts(RuleOperator op, RuleValue value) => value.Texts(op) is { } texts ? new(this, op, value.Json, Text, texts) : null;

    private NumberTest? Numbers(RuleOperator op, RuleValue value) => value.Numbers(op) is { } numbers ? new(this, op, value.Json, Number, numbers) : null;

    private BooleanTest? Booleans(RuleOperator op, RuleValue value, string otherwise)
    {
        if ((op is RuleOperator.Equal or RuleOperator.NotEqual) && value.Json.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return new(this, op, value.Json, Boolean, value.Json.GetBoolean());
        }

        value.Refuse(otherwise);
        return null;
    }

    private JsonElement Get(Customer customer) => customer.Attributes.TryGetValue(key, out var value) ? value : default;

    private string? Text(Customer customer) => Get(customer) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private double Number(Customer customer) => Get(customer) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : double.NaN;

    private long? Time(Customer customer) => Text(customer) is { } text && Stamp.TryRead(text, out var stamp) ? stamp : null;

    private bool? Boolean(Customer customer) => Get(customer).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };
}
