namespace XenoCrm.Customers;

/// <param name="Row">1-based number in the file or list; ascending within a run and from run to run.</param>
public sealed record UpsertRow(CustomerDraft Draft, long Row);

/// <param name="Source">Where new customers come from: <c>api</c>, <c>import</c>, <c>order</c>.</param>
/// <param name="Journal">Of a run of an import: repeating it changes nothing, and it can be undone.</param>
/// <param name="Scope">What the rows of the journal are about, when it is not what the file is about.</param>
/// <param name="SaidAt">When consents without a time of their own were given: an import's begin, not the moment its row is reached. Now when absent.</param>
/// <param name="RequestId">Noted on customers that are created: see <see cref="Customer.RequestId"/>.</param>
public sealed record UpsertOptions(string Source, WriteJournal? Journal = null, string? Scope = null, DateTimeOffset? SaidAt = null, string? RequestId = null);
