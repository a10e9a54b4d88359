using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

/// <summary>
/// Turns what identifies people into keyed hashes: the ids of identities and of suppressions. With them both outlive the
/// person's erasure, and say nothing to whoever does not have the key <see cref="WorkspaceOptions.AddressKey"/>.
/// </summary>
public sealed class AddressHasher(IOptions<WorkspaceOptions> options)
{
    private const int HashBytes = 15;
    private const int HashChars = 20;
    private const int MaxStackBytes = 1024;

    private readonly byte[] key = Convert.FromBase64String(options.Value.AddressKey);

    /// <summary>120 bits of HMAC-SHA256 over <c>kind:value</c> in UTF-8, as 20 characters that any id may contain.</summary>
    /// <param name="normalised">Two spellings of one address must be the same here.</param>
    public string Hash(string kind, string normalised) => Hash("", kind, normalised);

    /// <summary>Exactly as given: other systems tell <c>a1</c> from <c>A1</c>.</summary>
    public string External(string externalId) => Hash("external:", "external", externalId);

    /// <summary>Two spellings that differ in case only are one mailbox everywhere that matters.</summary>
    public string Email(string email) => Hash("email:", "email", email.ToLowerInvariant());

    /// <param name="e164">Only numbers that are certain identify anyone.</param>
    public string Phone(string e164) => Hash("phone:", "phone", e164);

    public IdentityKeys KeysOf(CustomerDraft draft) => Keys(draft.ExternalId, draft.Email, draft.PhoneUsable ? draft.Phone : null, null, null);

    /// <param name="like">Keys of what the customer was, and of what was laid over it: what they have is not hashed again.</param>
    public IdentityKeys KeysOf(Customer c, IdentityKeys? like = null, IdentityKeys? orLike = null) =>
        Keys(c.ExternalId, c.Email, c.PhoneUsable ? c.Phone : null, like, orLike);

    private IdentityKeys Keys(string? externalId, string? email, string? phone, IdentityKeys? a, IdentityKeys? b) => new(
        externalId, email, phone,
        externalId is null ? null : externalId == a?.ExternalId ? a.External : externalId == b?.ExternalId ? b.External : External(externalId),
        email is null ? null : email == a?.EmailAddress ? a.Email : email == b?.EmailAddress ? b.Email : Email(email),
        phone is null ? null : phone == a?.PhoneNumber ? a.Phone : phone == b?.PhoneNumber ? b.Phone : Phone(phone));

    private string Hash(string prefix, string kind, string value)
    {
        var most = Encoding.UTF8.GetMaxByteCount(kind.Length + 1 + value.Length);
        var text = most <= MaxStackBytes ? stackalloc byte[most] : new byte[most];
        var length = Encoding.UTF8.GetBytes(kind, text);
        text[length++] = (byte)':';
        length += Encoding.UTF8.GetBytes(value, text[length..]);

        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, text[..length], mac);
        Span<char> id = stackalloc char[prefix.Length + HashChars];
        prefix.CopyTo(id);
        Base64Url.EncodeToChars(mac[..HashBytes], id[prefix.Length..]);
        return new(id);
    }
}

/// <summary>The keys of one customer or draft, by <see cref="AddressHasher"/>, beside what they were made from.</summary>
public sealed class IdentityKeys(string? externalId, string? emailAddress, string? phoneNumber, string? external, string? email, string? phone)
{
    internal string? ExternalId { get; } = externalId;
    internal string? EmailAddress { get; } = emailAddress;
    internal string? PhoneNumber { get; } = phoneNumber;

    public string? External { get; } = external;
    public string? Email { get; } = email;
    public string? Phone { get; } = phone;

    public bool Contains(string key) => key == External || key == Email || key == Phone;

    /// <summary>In the order in which they decide whom a row means.</summary>
    public IEnumerable<string> All
    {
        get
        {
            if (External is not null)
            {
                yield return External;
            }

            if (Email is not null)
            {
                yield return Email;
            }

            if (Phone is not null)
            {
                yield return Phone;
            }
        }
    }
}
