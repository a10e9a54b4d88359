namespace XenoCrm.Platform.OpenApi;

/// <summary>What an HTTP function does, for the API document.</summary>
/// <param name="summary">One line, imperative: "Create a customer".</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DescribeAttribute(string summary, string? details = null) : Attribute
{
    public string Summary { get; } = summary;

    public string? Details { get; } = details;
}

/// <summary>The type of the JSON body.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BodyAttribute(Type type) : Attribute
{
    public Type Type { get; } = type;

    /// <summary>Other than JSON: <c>text/csv</c>, <c>multipart/form-data</c>.</summary>
    public string[] ContentTypes { get; init; } = ["application/json"];

    /// <summary>Members that are not known are passed over: others say what is sent.</summary>
    public bool IsLenient { get; init; }
}

/// <summary>An answer that is no problem document. The first is the usual one.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class AnswersAttribute(int status, Type? type = null) : Attribute
{
    public int Status { get; } = status;

    public Type? Type { get; } = type;

    public string ContentType { get; init; } = "application/json";
}

/// <summary>Statuses answered with a problem document, beside those that every route has (400, 401, 403, 429, 500, 503).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ProblemsAttribute(params int[] statuses) : Attribute
{
    public int[] Statuses { get; } = statuses;
}

/// <summary>A query parameter.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class QueryAttribute(string name, Type type, string description) : Attribute
{
    public string Name { get; } = name;

    public Type Type { get; } = type;

    public string Description { get; } = description;
}

/// <summary>Query parameters that several routes share.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public abstract class QueriesAttribute(IReadOnlyList<QueryAttribute> queries) : Attribute
{
    public IReadOnlyList<QueryAttribute> Queries { get; } = queries;
}

/// <summary>The route is a list: <c>limit</c> and <c>cursor</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PagedAttribute : Attribute;
