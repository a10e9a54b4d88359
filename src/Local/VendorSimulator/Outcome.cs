using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>
/// What becomes of a message, a function of seed and message id alone: neither the order nor the grouping nor the
/// repetition of requests, nor a restart, changes it.
/// </summary>
internal readonly struct Outcome
{
    private readonly UInt128 _key;
    private readonly VendorOptions _options;

    public Outcome(UInt128 key, VendorOptions options)
    {
        _key = key;
        _options = options;
    }

    private static readonly string[] EmailReasons = ["invalid_address", "mailbox_full", "blocked", "unreachable", "spam_rejected"];
    private static readonly string[] PhoneReasons = ["invalid_number", "unreachable", "blocked", "device_off", "opted_out"];

    /// <summary>
    /// The first half of SHA-256 of the id stands for the id from here on: 16 bytes instead of a string of 45
    /// characters keeps a million messages under 100 MB, and two ids with the same key are not to be expected.
    /// </summary>
    public static UInt128 KeyOf(ReadOnlySpan<byte> id)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(id, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    public static UInt128 KeyOf(string id) => KeyOf(Encoding.UTF8.GetBytes(id));

    public static string VendorMessageId(UInt128 key) => $"v{key:x32}";

    public bool Failed => Draw(1) < _options.FailedPercent / 100;
    public string Status => Failed ? "failed" : "delivered";
    public bool Duplicated => Draw(2) < _options.DuplicatePercent / 100;
    public bool Lost => Draw(3) < _options.LossPercent / 100;

    public TimeSpan Delay =>
        _options.DelayMin + (_options.DelayMax - _options.DelayMin) * Draw(4) + _options.Reorder * Draw(5);

    public string? Reason(bool email)
    {
        if (!Failed)
            return null;
        var reasons = email ? EmailReasons : PhoneReasons;
        return reasons[(int)(Draw(6) * reasons.Length)];
    }

    /// <summary>An even number in [0, 1), another one for each purpose (splitmix64 over key, seed and purpose).</summary>
    private double Draw(ulong purpose)
    {
        var z = (ulong)_key ^ (ulong)(_key >> 64) ^ ((ulong)(uint)_options.Seed << 32) ^ (purpose * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        return (z >> 11) * (1.0 / (1UL << 53));
    }
}
