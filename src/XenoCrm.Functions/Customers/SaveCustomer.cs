using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Customers;

/// <summary>Creates, replaces and patches one customer for the API.</summary>
public sealed class SaveCustomer(CustomerStore store, CustomerWriter writer, AttributeSchema schema, TimeProvider clock)
{
    private const string Source = "api";

    private static readonly string[] Members = [.. Json.Strict.GetTypeInfo(typeof(CustomerInput)).Properties.Select(p => p.Name)];

    public async Task<Versioned<Customer>> CreateAsync(CustomerInput input, CancellationToken cancellation, string? requestId = null) =>
        await writer.CreateAsync(await CheckAsync(input, cancellation), Source, cancellation, requestId);

    public async Task<Versioned<Customer>> ReplaceAsync(string id, CustomerInput input, string? ifMatch, CancellationToken cancellation) =>
        await writer.ReplaceAsync(id, ifMatch, await CheckAsync(input, cancellation), Source, cancellation);

    /// <summary>RFC 7396: members given overwrite, null removes, the rest stays.</summary>
    public async Task<Versioned<Customer>> PatchAsync(string id, JsonObject patch, string? ifMatch, CancellationToken cancellation)
    {
        var faults = new BodyFaults();
        var given = Canonical(patch, faults);
        while (true)
        {
            var current = await store.ReadAsync(id, cancellation) ?? throw new CustomerNotFound(id).ToException();
            if (ifMatch is not null && ifMatch != current.ETag)
            {
                throw new ETagStale().ToException();
            }

            var draft = Check(Merge(current.Value, given, faults), current.Value, faults);
            try
            {
                return await writer.ReplaceAsync(id, current.ETag, await TypedAsync(draft, current.Value, cancellation), Source, cancellation);
            }
            catch (ProblemException exception) when (exception.Problem is ETagStale && ifMatch is null)
            {
                // Somebody else changed other members meanwhile: the patch applies to what they left.
            }
        }
    }

    private async Task<CustomerDraft> CheckAsync(CustomerInput input, CancellationToken cancellation) =>
        await TypedAsync(Check(input, null, new()), null, cancellation);

    /// <summary>Normalises; anything wrong is a 400 that names each member.</summary>
    private CustomerDraft Check(CustomerInput? input, Customer? current, BodyFaults faults)
    {
        var issues = new List<FieldIssue>();
        var draft = CustomerNormalizer.Normalize(input ?? new(), issues, current?.Country, clock.GetUtcNow(), current);
        foreach (var issue in issues.Where(i => !i.IsWarning))
        {
            faults.Add("/" + issue.Field, issue.Message);
        }

        faults.ThrowIfAny();
        return draft;
    }

    /// <summary>Attributes in the form of their types. What the customer has already is not judged again.</summary>
    private async Task<CustomerDraft> TypedAsync(CustomerDraft draft, Customer? current, CancellationToken cancellation)
    {
        var changed = draft.Attributes?.Where(a => current is null || !current.Attributes.TryGetValue(a.Key, out var old) || !JsonElement.DeepEquals(old, a.Value)).ToDictionary();
        var (typed, issues) = (await schema.ApplyAsync([draft with { Attributes = changed }], fromText: false, imagined: null, cancellation))[0];
        if (issues.Count > 0)
        {
            throw (issues.Any(i => i.Code == AttributeKeysFull.CodeName) ? (Problem)new AttributeKeysFull()
                : issues.Any(i => i.Code == AttributeChanging.CodeName) ? new AttributeChanging { RetryAfterSeconds = 60 }
                : new AttributeTypeConflict(ByPointer(issues))).ToException();
        }

        if (draft.Attributes is null)
        {
            return draft;
        }

        var attributes = new Dictionary<string, JsonElement>(draft.Attributes);
        foreach (var (key, value) in typed.Attributes!)
        {
            attributes[key] = value;
        }

        return draft with { Attributes = attributes };
    }

    private static Dictionary<string, string[]> ByPointer(IEnumerable<FieldIssue> issues) =>
        issues.GroupBy(i => "/" + i.Field, i => i.Message).ToDictionary(g => g.Key, g => g.ToArray());

    /// <summary>The patch with its members in this service's case: they are merged by name.</summary>
    private static JsonObject Canonical(JsonObject patch, BodyFaults faults)
    {
        var canonical = new JsonObject();
        foreach (var (name, value) in patch)
        {
            if (Array.Find(Members, m => m.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } member)
            {
                faults.Add("/" + name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal), JsonFaults.Unknown(name, Members));
            }
            else if (!canonical.TryAdd(member, value?.DeepClone()))
            {
                faults.Add("/" + member, "The member is there twice.");
            }
        }

        // What a person has said cannot become unsaid.
        var consent = canonical["consent"] as JsonObject;
        if ((canonical.ContainsKey("consent") && canonical["consent"] is null) || consent?.Any(c => c.Value is null) == true)
        {
            faults.Add("/consent", "A consent is not removed; it is withdrawn: { \"state\": \"withdrawn\" }.");
            canonical.Remove("consent");
        }

        return canonical;
    }

    /// <returns>Null when nothing of it can be read.</returns>
    private static CustomerInput? Merge(Customer customer, JsonObject patch, BodyFaults faults)
    {
        // Consent without its time and source: a new answer is given now, by this caller.
        var input = CustomerInput.From(customer) with { Consent = customer.Consent.ToDictionary(c => c.Key, c => new ConsentInput(c.Value.State)) };
        var document = JsonSerializer.SerializeToNode(input, Json.Options)!.AsObject();
        Merge(document, patch);
        try
        {
            return faults.Read<CustomerInput>(document, Json.Strict);
        }
        catch (JsonException exception)
        {
            throw JsonFaults.Describe(exception).ToException();
        }
        catch (InvalidOperationException)
        {
            throw JsonFaults.NoText.ToException();
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
            else if (value is JsonObject inner)
            {
                if (target[name] is not JsonObject existing)
                {
                    target[name] = existing = [];
                }

                Merge(existing, inner);
            }
            else
            {
                target[name] = value.DeepClone();
            }
        }
    }
}
