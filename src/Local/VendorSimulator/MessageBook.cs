using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>A receipt on its way. A value type: a million of them wait while the webhook's owner is down.</summary>
internal readonly record struct Receipt(UInt128 Key, byte[] Id, string Url, bool Email, ReceiptKind Kind, bool LostBefore);

internal enum ReceiptKind : byte
{
    Final,
    /// <summary>The message has left; sent once, not repeated after a restart.</summary>
    Sent,
    /// <summary>The final one again, although it was acknowledged.</summary>
    Duplicate,
}

/// <summary>Every message the vendor was ever asked to carry, backed by the log.</summary>
internal sealed class MessageBook : IDisposable
{
    // A dictionary of 16-byte keys and 4-byte values: some 60 MB for a million messages.
    private readonly Dictionary<UInt128, State> _messages = [];
    private readonly Lock _lock = new();
    private readonly VendorOptions _options;
    private readonly TimeProvider _time;
    private readonly MessageLog _log;
    private readonly ArrayBufferWriter<byte> _frame = new();
    private readonly Dictionary<UInt128, (Receipt Receipt, long AtMs)> _unacknowledged = [];
    private int? _seedOfRecord;
    private Counts _counts;

    [StructLayout(LayoutKind.Auto)]
    private struct State
    {
        public ushort Asked;
        public byte Carried;
        public Mark Mark;
    }

    [Flags]
    private enum Mark : byte
    {
        None = 0, Rejected = 1, Email = 2, Settled = 4, Acknowledged = 8,
    }

    [StructLayout(LayoutKind.Auto)]
    public struct Counts
    {
        public long Distinct, Carried, Asked, Repeated, Delivered, Failed, Rejected, Owed, Posted, Acknowledged;
    }

    public MessageBook(VendorOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _log = new MessageLog(options.DataFolder, Replay);
        if (_seedOfRecord is null)
            _log.Append(Frames.WriteSeed(options.Seed));
        else if (_seedOfRecord != options.Seed)
        {
            _log.Dispose();
            throw new VendorConfigurationException($"The record in {options.DataFolder} was made with --seed {_seedOfRecord}: use that seed or another folder.");
        }
    }

    /// <summary>When the first message ever was accepted, in Unix milliseconds.</summary>
    public long? FirstAcceptedMs { get; private set; }

    public Counts Snapshot()
    {
        lock (_lock)
            return _counts;
    }

    /// <summary>Receipts that an earlier process still owed, with the time their message was accepted.</summary>
    public List<(Receipt Receipt, long AtMs)> TakeUnacknowledged()
    {
        lock (_lock)
        {
            List<(Receipt, long)> owed = [.. _unacknowledged.Values];
            _unacknowledged.Clear();
            _unacknowledged.TrimExcess();
            return owed;
        }
    }

    /// <summary>Decides about the messages of one request and records it, before anything of it is answered.</summary>
    /// <returns>One result per message, and the receipts that are to follow.</returns>
    public (MessageResult[] Results, List<Receipt> Receipts) Accept(IReadOnlyList<MessageRequest> messages, string? receiptUrl)
    {
        var results = new MessageResult[messages.Count];
        var entries = new List<AskEntry>(messages.Count);
        var receipts = new List<Receipt>(messages.Count);
        var keys = new UInt128[messages.Count];
        for (var i = 0; i < keys.Length; i++)
            keys[i] = Outcome.KeyOf(messages[i].Id);

        lock (_lock)
        {
            var inThisRequest = new HashSet<UInt128>();
            for (var i = 0; i < keys.Length; i++)
            {
                var message = messages[i];
                var id = Encoding.UTF8.GetBytes(message.Id);
                var known = _messages.TryGetValue(keys[i], out var state) || inThisRequest.Contains(keys[i]);
                var problem = message.Problem();
                var rejected = known ? state.Mark.HasFlag(Mark.Rejected) || problem is not null : problem is not null;
                var ask = known ? Ask.Repeat : Ask.First;
                if (message.IsEmail)
                    ask |= Ask.Email;
                if (rejected)
                    ask |= Ask.Rejected;
                else if (!known || _options.CarryRepeats)
                    ask |= Ask.Carried;
                inThisRequest.Add(keys[i]);
                entries.Add(new AskEntry(ask, id));
                results[i] = new MessageResult(message.Id, rejected ? "rejected" : "accepted",
                    Outcome.VendorMessageId(keys[i]), rejected ? problem ?? "invalid_recipient" : null, rejected ? false : null, known);
                if (ask.HasFlag(Ask.Carried) && receiptUrl is not null)
                {
                    if (_options.SentReceipts)
                        receipts.Add(new Receipt(keys[i], id, receiptUrl, message.IsEmail, ReceiptKind.Sent, false));
                    receipts.Add(new Receipt(keys[i], id, receiptUrl, message.IsEmail, ReceiptKind.Final, false));
                }
            }
            var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
            _frame.ResetWrittenCount();
            Frames.WriteAsks(_frame, now, receiptUrl, entries);
            _log.Append(_frame.WrittenSpan);
            FirstAcceptedMs ??= now;
            for (var i = 0; i < keys.Length; i++)
                Apply(keys[i], entries[i].Ask, receiptUrl is not null);
        }
        return (results, receipts);
    }

    /// <summary>The message has reached its outcome: the vendor knows it from now on, whether its receipt arrives or not.</summary>
    public void Settle(UInt128 key)
    {
        lock (_lock)
        {
            ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(_messages, key, out _);
            Settle(key, ref state);
        }
    }

    public void Posted(int receipts)
    {
        lock (_lock)
            _counts.Posted += receipts;
    }

    /// <summary>The webhook answered 2xx for these.</summary>
    public void Acknowledge(IReadOnlyList<Receipt> receipts)
    {
        var final = receipts.Where(r => r.Kind == ReceiptKind.Final).ToArray();
        if (final.Length == 0)
            return;
        lock (_lock)
        {
            _log.Append(Frames.WriteAcknowledged(final));
            foreach (var receipt in final)
                Acknowledge(receipt.Key);
        }
    }

    public MessageStatus? Find(string id)
    {
        var key = Outcome.KeyOf(id);
        lock (_lock)
            return _messages.TryGetValue(key, out var state) ? Describe(id, key, state) : null;
    }

    /// <summary>Every message once, in the order of its first ask, as of the moment of the call.</summary>
    public IEnumerable<MessageStatus> All()
    {
        long length;
        lock (_lock)
            length = _log.Length;
        foreach (var frame in _log.Read(length))
        {
            if (frame[0] != Frames.Asks)
                continue;
            foreach (var (ask, idBytes) in Frames.ReadAsks(frame).Entries)
            {
                if (!ask.HasFlag(Ask.First))
                    continue;
                var key = Outcome.KeyOf(idBytes.Span);
                State state;
                lock (_lock)
                    state = _messages[key];
                yield return Describe(Encoding.UTF8.GetString(idBytes.Span), key, state);
            }
        }
    }

    public void Dispose() => _log.Dispose();

    private MessageStatus Describe(string id, UInt128 key, State state)
    {
        var outcome = new Outcome(key, _options);
        var settled = state.Mark.HasFlag(Mark.Settled);
        var status = state.Mark.HasFlag(Mark.Rejected) ? "rejected" : settled ? outcome.Status : "accepted";
        return new MessageStatus(id, Outcome.VendorMessageId(key), status, settled ? outcome.Reason(state.Mark.HasFlag(Mark.Email)) : null,
            state.Asked, state.Carried, state.Mark.HasFlag(Mark.Acknowledged));
    }

    private void Apply(UInt128 key, Ask ask, bool receiptWanted)
    {
        ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(_messages, key, out _);
        _counts.Asked++;
        if (state.Asked < ushort.MaxValue)
            state.Asked++;
        if (ask.HasFlag(Ask.First))
        {
            _counts.Distinct++;
            if (ask.HasFlag(Ask.Email))
                state.Mark |= Mark.Email;
            if (ask.HasFlag(Ask.Rejected))
            {
                state.Mark |= Mark.Rejected;
                _counts.Rejected++;
            }
        }
        if (ask.HasFlag(Ask.Carried))
        {
            _counts.Carried++;
            if (state.Carried == 0 && receiptWanted)
                _counts.Owed++;
            if (state.Carried == 1)
                _counts.Repeated++;
            if (state.Carried < byte.MaxValue)
                state.Carried++;
        }
    }

    private void Settle(UInt128 key, ref State state)
    {
        if (state.Mark.HasFlag(Mark.Settled))
            return;
        state.Mark |= Mark.Settled;
        if (new Outcome(key, _options).Failed)
            _counts.Failed++;
        else
            _counts.Delivered++;
    }

    private void Acknowledge(UInt128 key)
    {
        ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(_messages, key, out _);
        Settle(key, ref state);
        if (state.Mark.HasFlag(Mark.Acknowledged))
            return;
        state.Mark |= Mark.Acknowledged;
        _counts.Acknowledged++;
    }

    private void Replay(byte[] frame)
    {
        switch (frame[0])
        {
            case Frames.Seed:
                _seedOfRecord = Frames.ReadSeed(frame);
                break;
            case Frames.Asks:
                var (atMs, url, entries) = Frames.ReadAsks(frame);
                FirstAcceptedMs ??= atMs;
                foreach (var (ask, id) in entries)
                {
                    var key = Outcome.KeyOf(id.Span);
                    Apply(key, ask, url is not null);
                    if (ask.HasFlag(Ask.Carried) && url is not null)
                        _unacknowledged[key] = (new Receipt(key, id.ToArray(), string.Intern(url), ask.HasFlag(Ask.Email), ReceiptKind.Final, false), atMs);
                }
                break;
            case Frames.Acknowledged:
                foreach (var key in Frames.ReadAcknowledged(frame))
                {
                    Acknowledge(key);
                    _unacknowledged.Remove(key);
                }
                _counts.Posted = _counts.Acknowledged;
                break;
            default:
                throw new InvalidDataException($"The record in {_options.DataFolder} was written by another version (frame kind {frame[0]}).");
        }
    }
}
