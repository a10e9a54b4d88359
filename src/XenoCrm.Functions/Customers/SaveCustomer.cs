using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <summary>Creates, replaces and patches one customer for the API.</summary>
public sealed class SaveCustomer(CustomerStore store, CustomerWriter writer)
{
    private const string Source = "api";

    public Task<Versioned<Customer>> CreateAsync(CustomerInput input, CancellationToken cancellation) =>
        writer.CreateAsync(Check(input, null), Source, cancellation);

    public async Task<Versioned<Customer>> ReplaceAsync(string id, CustomerInput input, string? ifMatch, CancellationToken cancellation) =>
        await writer.ReplaceAsync(id, ifMatch, Check(input, null), Source, cancellation);

    /// <summary>RFC 7396: members given overwrite, null removes, the rest stays.</summary>
    public async Task<Versioned<Customer>> PatchAsync(string id, JsonObject patch, string? ifMatch, CancellationToken cancellation)
    {
        while (true)
        {
            var current = await store.ReadAsync(id, cancellation) ?? throw new CustomerNotFound(id).ToException();
            if (ifMatch is not null && ifMatch != current.ETag)
            {
                throw new ETagStale().ToException();
            }

            var merged = Merge(current.Value, patch);
            try
            {
                return await writer.ReplaceAsync(id, current.ETag, Check(merged, current.Value.Country), Source, cancellation);
            }
            catch (ProblemException exception) when (exception.Problem is ETagStale && ifMatch is null)
            {
                // Somebody else changed other members meanwhile: the patch applies to what they left.
            }
        }
    }

    /// <summary>Normalises; anything wrong is a 400 that names each member.</summary>
    public static CustomerDraft Check(CustomerInput input, string? knownCountry)
    {
        var issues = new List<FieldIssue>();
        var draft = CustomerNormalizer.Normalize(input, issues, knownCountry);
        issues.RemoveAll(i => i.IsWarning);
        return issues.Count == 0
            ? draft
            : throw new RequestInvalid(issues.GroupBy(i => "/" + i.Field, i => i.Message).ToDictionary(g => g.Key, g => g.ToArray())).ToException();
    }

    private static CustomerInput Merge(Customer customer, JsonObject patch)
    {
        // Consent without its time and source: a new answer is given now, by this caller.
        var input = CustomerInput.From(customer) with { Consent = customer.Consent.ToDictionary(c => c.Key, c => new ConsentInput(c.Value.State)) };
        var document = JsonSerializer.SerializeToNode(input, Json.Options)!.AsObject();
        Merge(document, patch);
        try
        {
            return document.Deserialize<CustomerInput>(Json.Strict)!;
        }
        catch (JsonException exception)
        {
            var pointer = "/" + (exception.Path is { Length: > 2 } path ? path[2..].Replace('.', '/') : "");
            throw RequestInvalid.At(pointer, exception.Message.Split(" Path:")[0].Split(" LineNumber:")[0]).ToException();
        }
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
            {
                target.Remove(name);
            }
            else if (value is JsonObject inner && target[name] is JsonObject existing)
            {
                Merge(existing, inner);
            }
            else
            {
                target[name] = value.DeepClone();
            }
        }
    }
}
