using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>A compiled expression: it can give a value or, without making one, a truth.</summary>
internal sealed class Code
{
    private readonly Eval? _eval;
    private readonly Test? _test;

    private Code(Eval? eval, Test? test, bool rowFree, JsonValue? constant)
    {
        _eval = eval;
        _test = test;
        IsRowFree = rowFree;
        Constant = constant;
    }

    /// <summary>It depends on parameters and the clock at most, so a plan may evaluate it before reading any item.</summary>
    public bool IsRowFree { get; }

    /// <summary>Set when it depends on nothing.</summary>
    public JsonValue? Constant { get; }

    public static Code Of(JsonValue constant)
    {
        constant = constant.Decoded();
        return new(_ => constant, null, true, constant);
    }

    public static Code OfValue(Eval eval, bool rowFree) => new(eval, null, rowFree, null);

    public static Code OfTest(Test test, bool rowFree) => new(null, test, rowFree, null);

    public Eval Eval => _eval ?? (row => _test!(row) switch
    {
        Truth.True => JsonValue.True,
        Truth.False => JsonValue.False,
        _ => default,
    });

    public Test Test
    {
        get
        {
            if (_test is not null)
            {
                return _test;
            }

            if (Constant is { } constant)
            {
                var truth = TruthOf(constant);
                return _ => truth;
            }

            var eval = _eval!;
            return row => TruthOf(eval(row));
        }
    }

    public static Truth TruthOf(in JsonValue value) => value.Kind switch
    {
        JsonKind.True => Truth.True,
        JsonKind.False => Truth.False,
        _ => Truth.Undefined,
    };
}
