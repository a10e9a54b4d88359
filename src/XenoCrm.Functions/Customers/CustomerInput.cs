using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace XenoCrm.Customers;

/// <summary>
/// What a caller or a file says of a customer, as given. Absent and null are the same: in an upsert they leave what is
/// stored, in a PUT they clear it.
/// </summary>
public sealed record CustomerInput
{
    /// <summary>The customer's key in the caller's own system.</summary>
    [MaxLength(CustomerNormalizer.MaxExternalId)]
    public string? ExternalId { get; init; }
    [MaxLength(CustomerNormalizer.MaxText)]
    public string? FirstName { get; init; }
    [MaxLength(CustomerNormalizer.MaxText)]
    public string? LastName { get; init; }
    [MaxLength(254), EmailAddress]
    public string? Email { get; init; }

    /// <summary>International, or national with <see cref="Country"/>.</summary>
    [MaxLength(CustomerNormalizer.MaxPhone)]
    public string? Phone { get; init; }
    [MaxLength(CustomerNormalizer.MaxText)]
    public string? City { get; init; }
    [MaxLength(CustomerNormalizer.MaxText)]
    public string? Region { get; init; }
    [MaxLength(CustomerNormalizer.MaxText)]
    public string? Country { get; init; }
    [MaxLength(CustomerNormalizer.MaxPostalCode)]
    public string? PostalCode { get; init; }
    [MaxLength(CustomerNormalizer.MaxText)]
    public string? Company { get; init; }

    /// <summary>BCP 47, such as <c>de-CH</c>.</summary>
    public string? Language { get; init; }

    /// <summary>IANA name, such as <c>Europe/Zurich</c>.</summary>
    public string? TimeZone { get; init; }
    public DateOnly? Birthday { get; init; }
    [MaxLength(CustomerNormalizer.MaxTags)]
    public IReadOnlyList<string>? Tags { get; init; }
    [MaxLength(CustomerNormalizer.MaxText)]
    public string? Source { get; init; }

    /// <summary>Strings, numbers and booleans by name. In an upsert a null removes the attribute.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Attributes { get; init; }

    /// <summary>By channel: <c>email</c>, <c>sms</c>, <c>whatsapp</c>, <c>push</c>.</summary>
    public IReadOnlyDictionary<string, ConsentInput>? Consent { get; init; }

    /// <summary>What a PUT of the same would need: the base of a PATCH.</summary>
    public static CustomerInput From(Customer customer) => new()
    {
        ExternalId = customer.ExternalId,
        FirstName = customer.FirstName,
        LastName = customer.LastName,
        Email = customer.Email,
        Phone = customer.Phone,
        City = customer.City,
        Region = customer.Region,
        Country = customer.Country,
        PostalCode = customer.PostalCode,
        Company = customer.Company,
        Language = customer.Language,
        TimeZone = customer.TimeZone,
        Birthday = customer.Birthday,
        Tags = customer.Tags,
        Source = customer.Source,
        Attributes = customer.Attributes,
        Consent = customer.Consent.ToDictionary(c => c.Key, c => new ConsentInput(c.Value.State, c.Value.At, c.Value.Source)),
    };
}

/// <param name="At">When it was said; now when absent.</param>
/// <param name="Source">Who said so; the way it came in (<c>api</c>, <c>import</c>) when absent.</param>
public sealed record ConsentInput(ConsentState State, DateTimeOffset? At = null, string? Source = null);

/// <summary>Something about one value of an input.</summary>
/// <param name="Field">camelCase, as in <see cref="CustomerInput"/>: <c>email</c>, <c>attributes/shoeSize</c>.</param>
/// <param name="Code">Stable: <c>customer.email_invalid</c>.</param>
/// <param name="IsWarning">The value is kept, but not usable for everything.</param>
public sealed record FieldIssue(string Field, string Code, string Message, bool IsWarning = false);

/// <summary>A <see cref="CustomerInput"/> after <see cref="CustomerNormalizer"/>: trimmed, checked, ready to be written.</summary>
public sealed record CustomerDraft
{
    public string? ExternalId { get; init; }
    public string? FirstName { get; init; }
    public string? LastName { get; init; }
    public string? Email { get; init; }
    public string? Phone { get; init; }
    public bool PhoneUsable { get; init; }
    public string? City { get; init; }
    public string? Region { get; init; }
    public string? Country { get; init; }
    public string? PostalCode { get; init; }
    public string? Company { get; init; }
    public string? Language { get; init; }
    public string? TimeZone { get; init; }
    public DateOnly? Birthday { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }
    public string? Source { get; init; }
    public IReadOnlyDictionary<string, JsonElement>? Attributes { get; init; }
    public IReadOnlyDictionary<string, ConsentInput>? Consent { get; init; }
}
