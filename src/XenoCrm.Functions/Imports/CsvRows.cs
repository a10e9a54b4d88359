using System.Buffers;
using System.Text;
using System.Text.Unicode;
using CsvHelper;

namespace XenoCrm.Imports;

/// <summary>Where reading goes on: the start of a row.</summary>
/// <param name="Offset">Bytes (of UTF-8) from the start of the file.</param>
/// <param name="Row">The number of the row that starts there; the header is row 1.</param>
/// <param name="LinesUntil">Up to this offset every line break ends a row, quoted or not; see <see cref="CsvRows"/>.</param>
public sealed record CsvPosition(long Offset, long Row, long LinesUntil);

public enum RowFault
{
    None,
    TooLong,
    QuoteUnclosed,
    QuoteMalformed,
    InvalidUtf8,
    Nul,
}

/// <summary>Opens the file at an offset. Called again wherever reading has to start over from a row.</summary>
public delegate ValueTask<Stream> OpenCsv(long offset, CancellationToken cancellation);

/// <summary>
/// The rows of a CSV file of any size, in bounded memory, one after the other; a bad row is one row with a fault.
/// </summary>
/// <remarks>
/// A quote that is never closed would make the rest of the file one field. When a row is longer than
/// <see cref="MaxRowBytes"/>, or the file ends inside quotes, that stretch is read once more with every line break
/// ending a row: the line with the quote is the bad row and the ones after it are rows again. Each byte is read at
/// most three times, however the file is made.
/// </remarks>
public sealed class CsvRows(CsvFormat format, OpenCsv open, CsvPosition from) : IAsyncDisposable
{
    public const int MaxRowBytes = 1024 * 1024;

    private readonly SearchValues<byte> blank = SearchValues.Create((byte)format.Separator, (byte)' ', (byte)'\t', (byte)'"');
    private CsvReader? reader;
    private long readerStart;
    private long nextOffset = from.Offset;
    private long linesUntil = from.LinesUntil;
    private bool lineMode;
    private bool skipped;
    private CsvMalformedReason? malformed;

    /// <summary>The current row's number; the header is row 1, and blank lines count, as in a spreadsheet.</summary>
    public long Row { get; private set; } = from.Row - 1;

    /// <summary>Where the current row starts.</summary>
    public long Offset { get; private set; } = from.Offset;

    /// <summary>Reading from here yields the current row and all after it, exactly as now.</summary>
    public CsvPosition Position => new(Offset, Row, lineMode ? linesUntil : 0);

    public RowFault Fault { get; private set; }

    /// <summary>0 when the row is too long to be held.</summary>
    public int FieldCount => skipped ? 0 : reader!.FieldCount;

    public ReadOnlySpan<byte> Raw => skipped ? [] : reader!.RawRecord;

    /// <summary>Nothing but separators, spaces and quotes.</summary>
    public bool IsBlank => !skipped && reader!.RawRecord.IndexOfAnyExcept(blank) < 0;

    /// <summary>A field past the end of the row is empty.</summary>
    public ReadOnlySpan<byte> Span(int field) => reader!.GetSpan(field);

    public string Text(int field) => reader!.GetString(field);

    /// <summary>The current row is not the one after the last: it was put there from elsewhere in a file.</summary>
    public void Renumber(long row) => Row = row;

    public async ValueTask<bool> ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            reader ??= await OpenAsync(cancellation);
            malformed = null;
            long start;
            var held = true;
            try
            {
                if (!await reader.ReadAsync(cancellation))
                {
                    return false;
                }

                start = readerStart + reader.ByteOffset;
            }
            catch (CsvFormatException tooLong)
            {
                start = readerStart + tooLong.ByteOffset;
                held = false;
            }

            if (lineMode && start >= linesUntil)
            {
                await RestartAsync(start);
                continue;
            }

            var oversize = !held || reader.RawRecord.Length > MaxRowBytes;
            if (!lineMode && (oversize || (malformed is not null && EndsInQuotes(reader.RawRecord))))
            {
                linesUntil = start + MaxRowBytes;
                await RestartAsync(start);
                continue;
            }

            Row++;
            Offset = start;
            skipped = oversize;
            Fault = oversize ? RowFault.TooLong : FaultOf(reader.RawRecord);
            if (!held)
            {
                await RestartAsync(await EndOfLineAsync(start, cancellation));
            }

            return true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (reader is not null)
        {
            await reader.DisposeAsync();
            reader = null;
        }
    }

    private RowFault FaultOf(ReadOnlySpan<byte> raw)
    {
        if (malformed is not null && EndsInQuotes(raw))
        {
            return RowFault.QuoteUnclosed;
        }

        // A quote inside an unquoted field (5" disk) is text.
        return malformed is CsvMalformedReason.TextAfterClosingQuote ? RowFault.QuoteMalformed
            : raw.Contains((byte)0) ? RowFault.Nul
            : Utf8.IsValid(raw) ? RowFault.None
            : RowFault.InvalidUtf8;
    }

    /// <summary>The reader names only a row's first quoting problem; whether the last quote is closed has to be looked at.</summary>
    private bool EndsInQuotes(ReadOnlySpan<byte> raw)
    {
        while (true)
        {
            if (raw.StartsWith((byte)'"'))
            {
                raw = raw[1..];
                while (true)
                {
                    var quote = raw.IndexOf((byte)'"');
                    if (quote < 0)
                    {
                        return true;
                    }

                    raw = raw[(quote + 1)..];
                    if (!raw.StartsWith((byte)'"'))
                    {
                        break;
                    }

                    raw = raw[1..];
                }
            }

            var separator = raw.IndexOf((byte)format.Separator);
            if (separator < 0)
            {
                return false;
            }

            raw = raw[(separator + 1)..];
        }
    }

    private async ValueTask<CsvReader> OpenAsync(CancellationToken cancellation)
    {
        var stream = await OpenStreamAsync(nextOffset, cancellation);
        readerStart = nextOffset;
        lineMode = nextOffset < linesUntil;
        return CsvReader.Create(stream, new CsvReaderOptions
        {
            HasHeader = false,
            Separator = format.Separator,
            SkipEmptyLines = false,
            AllowLineBreaksInQuotes = !lineMode,
            MaxRecordSize = MaxRowBytes,
            BufferSize = 128 * 1024,
            OnMalformedRecord = record => malformed = record.Reason,
        });
    }

    private async ValueTask RestartAsync(long offset)
    {
        await DisposeAsync();
        nextOffset = offset;
    }

    private async ValueTask<Stream> OpenStreamAsync(long offset, CancellationToken cancellation)
    {
        if (format.Encoding == CsvFormat.Utf8)
        {
            return await open(offset, cancellation);
        }

        // Offsets count the UTF-8 form, so a place in another file is found by converting what is before it.
        var stream = Encoding.CreateTranscodingStream(await open(0, cancellation), CsvFormat.Decoder(format.Encoding), Encoding.UTF8);
        var buffer = new byte[64 * 1024];
        while (offset > 0)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(offset, buffer.Length)), cancellation);
            if (read == 0)
            {
                break;
            }

            offset -= read;
        }

        return stream;
    }

    private async ValueTask<long> EndOfLineAsync(long offset, CancellationToken cancellation)
    {
        await using var stream = await OpenStreamAsync(offset, cancellation);
        var buffer = new byte[64 * 1024];
        var carriageReturn = false;
        while (true)
        {
            var read = await stream.ReadAsync(buffer, cancellation);
            if (read == 0)
            {
                return offset;
            }

            if (carriageReturn)
            {
                return buffer[0] == '\n' ? offset + 1 : offset;
            }

            var end = buffer.AsSpan(0, read).IndexOfAny((byte)'\n', (byte)'\r');
            if (end < 0)
            {
                offset += read;
            }
            else if (buffer[end] == '\n')
            {
                return offset + end + 1;
            }
            else if (end + 1 < read)
            {
                return offset + end + (buffer[end + 1] == '\n' ? 2 : 1);
            }
            else
            {
                carriageReturn = true;
                offset += read;
            }
        }
    }
}
