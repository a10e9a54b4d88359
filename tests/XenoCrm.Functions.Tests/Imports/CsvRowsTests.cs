using System.Text;

namespace XenoCrm.Imports;

public class CsvRowsTests
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("a,b\n1,2\n3,4\n", ',')]
    [InlineData("a;b\r\n1;2\r\n3;4", ';')]
    [InlineData("a\tb\n1\t2\n3\t4\n", '\t')]
    [InlineData("sep=;\r\na;b\r\n1;2\r\n3;4", ';')]
    [InlineData("\"a,x\";b\n1;2\n3;4", ';')]
    public async Task The_separator_is_the_one_that_the_header_has_most_of(string text, char separator)
    {
        var rows = await ReadAsync(Encoding.UTF8.GetBytes(text));

        rows.Format.Separator.ShouldBe(separator);
        rows.Rows.Skip(1).Select(r => string.Join('|', r.Fields)).ShouldBe(["1|2", "3|4"]);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    public async Task A_byte_order_mark_says_the_encoding(string name)
    {
        var encoding = Encoding.GetEncoding(name);
        var rows = await ReadAsync([.. encoding.GetPreamble(), .. encoding.GetBytes("name,city\nÀlan 日本,Zürich\n")]);

        rows.Rows.Select(r => string.Join('|', r.Fields)).ShouldBe(["name|city", "Àlan 日本|Zürich"]);
    }

    [Fact]
    public async Task Quoted_fields_hold_separators_quotes_and_line_breaks()
    {
        var rows = await ReadAsync("a,b\n\"x,\"\"y\"\"\r\nz\",2\n\n5\" disk,3\n"u8.ToArray());

        rows.Rows[1].Fields.ShouldBe(["x,\"y\"\r\nz", "2"]);
        rows.Rows[2].Blank.ShouldBeTrue();
        rows.Rows[3].Fields.ShouldBe(["5\" disk", "3"]);
        rows.Rows.Select(r => r.Row).ShouldBe([1, 2, 3, 4]);
    }

    [Fact]
    public async Task Bytes_that_are_not_utf8_spoil_their_row_only()
    {
        var rows = await ReadAsync([.. "a,b\n1,"u8, 0xFF, 0xC3, .. "\n3,4\n"u8]);

        rows.Rows.Select(r => r.Fault).ShouldBe([RowFault.None, RowFault.InvalidUtf8, RowFault.None]);
    }

    [Fact]
    public async Task A_quote_that_is_never_closed_spoils_its_line_only()
    {
        var rows = await ReadAsync("a,b\n\"open,2\n3,4\n\"x\"y,2\n5,6\n"u8.ToArray());

        rows.Rows.Select(r => r.Fault).ShouldBe([RowFault.None, RowFault.QuoteMalformed, RowFault.None]);

        rows = await ReadAsync("a,b\n\"open,2\n3,4\n5,6\n"u8.ToArray());

        rows.Rows.Select(r => r.Fault).ShouldBe([RowFault.None, RowFault.QuoteUnclosed, RowFault.None, RowFault.None]);
        rows.Rows[^1].Fields.ShouldBe(["5", "6"]);
    }

    [Fact]
    public async Task A_field_of_100_MB_is_one_bad_row_in_bounded_memory()
    {
        var before = GC.GetTotalAllocatedBytes();
        var rows = await ReadAsync(new CsvFormat(CsvFormat.Utf8, ',', 0), new Repeated("a,b\n1,2\n"u8.ToArray(), (byte)'x', 100_000_000, "\n3,4\n"u8.ToArray()).OpenAsync);

        rows.Select(r => r.Fault).ShouldBe([RowFault.None, RowFault.None, RowFault.TooLong, RowFault.None]);
        rows[^1].Fields.ShouldBe(["3", "4"]);
        (GC.GetTotalAllocatedBytes() - before).ShouldBeLessThan(30_000_000);
    }

    [Fact]
    public async Task An_open_quote_before_100_MB_spoils_its_line_only()
    {
        var line = "1,2\n"u8.ToArray();
        var rows = await ReadAsync(new CsvFormat(CsvFormat.Utf8, ',', 0), new Repeated([.. "a,b\n\"open,2\n"u8, .. line, .. "\"quoted\nlater\",3\n"u8], (byte)'x', 100_000_000, [.. "\n"u8, .. line]).OpenAsync);

        rows.Select(r => r.Fault).ShouldBe([RowFault.None, RowFault.QuoteMalformed, RowFault.None, RowFault.TooLong, RowFault.None]);
    }

    [Fact]
    public async Task Quotes_that_open_anew_on_every_line_take_linear_time()
    {
        // From the start of any of these lines, all that follow are one quoted field.
        var text = Encoding.UTF8.GetBytes("a,b\n" + string.Concat(Enumerable.Repeat("a\",\"\n", 800_000)));
        // Squared it would take hours.
        var rows = await Task.Run(() => ReadAsync(text)).WaitAsync(TimeSpan.FromMinutes(5));

        rows.Rows.Count.ShouldBe(800_001);
        rows.Rows.Skip(1).ShouldAllBe(r => r.Fault == RowFault.QuoteUnclosed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Reading_from_any_row_yields_the_same_rows(int seed)
    {
        var random = new Random(seed);
        string[] pieces = ["a", "1", ",", ",", "\n", "\r\n", "\"", "\"\"", "\",\"", "ü", "\n\n", " ", new string('y', 3000)];
        for (var round = 0; round < 40; round++)
        {
            var text = Encoding.UTF8.GetBytes("h1,h2\n" + string.Concat(Enumerable.Range(0, 120).Select(_ => pieces[random.Next(pieces.Length)])));
            var format = CsvFormat.Detect(text)!;
            OpenCsv open = (offset, _) => new(new MemoryStream(text, (int)offset, text.Length - (int)offset));
            var whole = await ReadAsync(format, open);
            foreach (var row in whole)
            {
                var rest = await ReadAsync(format, open, row.Position);
                rest.Select(r => (r.Row, r.Fault, string.Join('|', r.Fields))).ShouldBe(whole.Where(r => r.Row >= row.Row).Select(r => (r.Row, r.Fault, string.Join('|', r.Fields))));
            }
        }
    }

    [Theory]
    [InlineData("utf-16le", "utf-16le", "name,city\nÀlan,Zürich\n")]
    [InlineData("utf-16be", "utf-16be", "name;city\nÀlan 日本;Zürich\n")]
    public async Task UTF_16_without_a_mark_is_known_by_its_zeros(string encoding, string expected, string text)
    {
        var rows = await ReadAsync(CsvFormat.Decoder(encoding).GetBytes(text));

        rows.Format.Encoding.ShouldBe(expected);
        rows.Rows[1].Fields[1].ShouldBe("Zürich");
    }

    [Fact]
    public async Task Latin_1_is_converted_when_the_caller_says_so_and_spoils_its_rows_else()
    {
        var file = CsvFormat.Decoder(CsvFormat.Windows1252).GetBytes("name,city\nJosé,Köln\nPlain,Bonn\n€uro,x\n");
        (await ReadAsync(file)).Rows.Select(r => r.Fault).ShouldBe([RowFault.None, RowFault.InvalidUtf8, RowFault.None, RowFault.InvalidUtf8]);

        var rows = await ReadAsync(file, CsvFormat.Windows1252);
        rows.Rows.Select(r => string.Join('|', r.Fields)).ShouldBe(["name|city", "José|Köln", "Plain|Bonn", "€uro|x"]);

        // What the caller says is about files that do not say it themselves.
        (await ReadAsync([0xEF, 0xBB, 0xBF, .. "a\nü\n"u8], CsvFormat.Windows1252)).Rows[1].Fields.ShouldBe(["ü"]);
    }

    [Fact]
    public async Task A_converted_file_is_read_again_from_any_row()
    {
        var text = "id;text\n" + string.Concat(Enumerable.Range(1, 500).Select(i => $"{i};Zürich \"{i}\" 日本\n"));
        var file = (byte[])[0xFF, 0xFE, .. CsvFormat.Decoder(CsvFormat.Utf16LittleEndian).GetBytes(text)];
        var format = CsvFormat.Detect(file).ShouldNotBeNull();
        OpenCsv open = (offset, _) => new(new MemoryStream(file, (int)offset, file.Length - (int)offset));
        var whole = await ReadAsync(format, open);
        whole.Count.ShouldBe(501);
        foreach (var row in whole.Where(r => r.Row % 97 == 0))
        {
            (await ReadAsync(format, open, row.Position)).Select(r => r.Fields[0]).ShouldBe(whole.Where(r => r.Row >= row.Row).Select(r => r.Fields[0]));
        }
    }

    [Fact]
    public async Task A_NUL_spoils_its_row_only()
    {
        var rows = await ReadAsync("a,b\n1,2\n3,\0\n5,6\n"u8.ToArray());

        rows.Rows.Select(r => r.Fault).ShouldBe([RowFault.None, RowFault.None, RowFault.Nul, RowFault.None]);
    }

    [Theory]
    [InlineData("import.not_csv", new byte[] { 0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 13 })]
    [InlineData("import.not_csv", new byte[] { (byte)'%', (byte)'P', (byte)'D', (byte)'F', (byte)'-', (byte)'1' })]
    [InlineData("import.not_csv", new byte[] { 0xFF, 0xD8, 0xFF, 0xE0, 0, 16, (byte)'J', (byte)'F' })]
    [InlineData("import.not_csv", new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, (byte)'a', (byte)'b' })]
    [InlineData("import.file_compressed", new byte[] { (byte)'P', (byte)'K', 3, 4, 20, 1, 1, 1 })]
    [InlineData("import.file_compressed", new byte[] { 0x1F, 0x8B, 8, 0, 0 })]
    [InlineData("import.file_workbook", new byte[] { 0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0 })]
    public async Task What_is_no_text_is_recognised(string code, byte[] file) =>
        (await Should.ThrowAsync<Platform.Errors.ProblemException>(() => ReadRuns.OfAsync(ImportKind.Customers, file)))
            .Problem.ShouldSatisfyAllConditions(p => p.Code.ShouldBe(code), p => p.Status.ShouldBe(415));

    [Fact]
    public async Task A_workbook_and_a_zip_are_told_apart()
    {
        foreach (var (entry, code) in new[] { ("xl/workbook.xml", "import.file_workbook"), ("customers.csv", "import.file_compressed") })
        {
            using var file = new MemoryStream();
            using (var zip = new System.IO.Compression.ZipArchive(file, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
            {
                zip.CreateEntry(entry);
            }

            (await Should.ThrowAsync<Platform.Errors.ProblemException>(() => ReadRuns.OfAsync(ImportKind.Customers, file.ToArray()))).Problem.Code.ShouldBe(code);
        }
    }

    internal sealed record Seen(long Row, RowFault Fault, bool Blank, string[] Fields, CsvPosition Position);

    private static async Task<(CsvFormat Format, List<Seen> Rows)> ReadAsync(byte[] file, string? encoding = null)
    {
        var format = CsvFormat.Detect(file, encoding).ShouldNotBeNull();
        return (format, await ReadAsync(format, (offset, _) => new(new MemoryStream(file, (int)offset, file.Length - (int)offset))));
    }

    private static async Task<List<Seen>> ReadAsync(CsvFormat format, OpenCsv open, CsvPosition? from = null)
    {
        await using var rows = new CsvRows(format, open, from ?? new(format.Start, 1, 0));
        var seen = new List<Seen>();
        while (await rows.ReadAsync(Cancellation))
        {
            seen.Add(new(rows.Row, rows.Fault, rows.IsBlank, [.. Enumerable.Range(0, rows.FieldCount).Select(rows.Text)], rows.Position));
        }

        return seen;
    }

    /// <summary>A file of a beginning, one byte many times, and an end, without its bytes in memory.</summary>
    private sealed class Repeated(byte[] head, byte filler, long times, byte[] tail)
    {
        public ValueTask<Stream> OpenAsync(long offset, CancellationToken cancellation) => new(new View(this, offset));

        private sealed class View(Repeated file, long start) : Stream
        {
            private long position = start;

            public override bool CanRead => true;
            public override bool CanSeek => false;
            public override bool CanWrite => false;
            public override long Length => throw new NotSupportedException();
            public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

            public override int Read(Span<byte> buffer)
            {
                var filled = file.Head.Length + file.Times;
                int count;
                if (position < file.Head.Length)
                {
                    count = Math.Min(buffer.Length, file.Head.Length - (int)position);
                    file.Head.AsSpan((int)position, count).CopyTo(buffer);
                }
                else if (position < filled)
                {
                    count = (int)Math.Min(buffer.Length, filled - position);
                    buffer[..count].Fill(file.Filler);
                }
                else
                {
                    count = (int)Math.Min(buffer.Length, filled + file.Tail.Length - position);
                    file.Tail.AsSpan((int)(position - filled), count).CopyTo(buffer);
                }

                position += count;
                return count;
            }

            public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));
            public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
            public override void Flush() => throw new NotSupportedException();
            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
            public override void SetLength(long value) => throw new NotSupportedException();
            public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        }

        private byte[] Head => head;
        private byte Filler => filler;
        private long Times => times;
        private byte[] Tail => tail;
    }
}
