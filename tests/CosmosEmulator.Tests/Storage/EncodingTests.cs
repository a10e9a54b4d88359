using System.Buffers;
using System.Text;
using XenoCrm.Local.CosmosEmulator.Batch;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Tests.Storage;

public sealed class EncodingTests
{
    [Fact]
    public void Checksums_are_the_published_ones()
    {
        Crc32.Of("123456789"u8).ShouldBe(0xCBF43926);
        // CRC-32C of "123456789" is E3069283; the log's covers a length before its payload.
        LogRecords.Checksum("1234"u8, "56789"u8).ShouldBe(0xE3069283);
        LogRecords.Checksum("1234"u8, "567890123456789012345"u8).ShouldNotBe(LogRecords.Checksum("1234"u8, "567890123456789012346"u8));
    }

    [Theory]
    [InlineData("[7]", "[7.0]", true)]
    [InlineData("[1E+3]", "[1000]", true)]
    [InlineData("[0]", "[-0.0]", true)]
    [InlineData("[\"a\"]", "[\"\\u0061\"]", true)]
    [InlineData("[{}]", "[{}]", true)]
    [InlineData("[{}]", "[null]", false)]
    [InlineData("[1]", "[\"1\"]", false)]
    [InlineData("[1]", "[true]", false)]
    [InlineData("[\"a\",\"b\"]", "[\"ab\"]", false)]
    [InlineData("[\"a\",\"\"]", "[\"a\"]", false)]
    public void Partition_keys_are_compared_by_value(string a, string b, bool equal)
    {
        PartitionKey.Parse(a).Equals(PartitionKey.Parse(b)).ShouldBe(equal);
        (PartitionKey.Parse(a).CompareTo(PartitionKey.Parse(b)) == 0).ShouldBe(equal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("[")]
    [InlineData("[[1]]")]
    [InlineData("[1")]
    public void What_is_no_key_is_refused(string text) => Should.Throw<EmulatorException>(() => PartitionKey.Parse(text)).Status.ShouldBe(400);

    [Fact]
    public void The_sample_operation_of_the_protocol_is_read()
    {
        var body = """{"id":"a"}"""u8;
        byte[] row = [0x81, 0x70, 0x54, 0xE1, 0x7F, 0x43, 0, 0, 0, 0, 2, 0, 0, 0, (byte)body.Length, .. body, 20, 9, 3, .. "\"e\""u8, 3, 12];
        byte[] stream =
        [
            0x81, 0xF0, 0xD8, 0xFF, 0x7F, 1, 10, 0, 0, 0,
            0x81, 0xF1, 0xD8, 0xFF, 0x7F, .. BitConverter.GetBytes(row.Length), .. BitConverter.GetBytes(Crc32.Of(row)), .. row,
        ];
        var operation = HybridRow.ReadOperations(stream).ShouldHaveSingleItem();
        operation.Kind.ShouldBe((int)OperationKind.Create);
        Encoding.UTF8.GetString(operation.Body.Span).ShouldBe("""{"id":"a"}""");
        operation.IfMatch.ShouldBe("\"e\"");
        operation.Minimal.ShouldBeTrue();
        stream[^1] ^= 1;
        Should.Throw<EmulatorException>(() => HybridRow.ReadOperations(stream)).Message.ShouldContain("checksum");
    }

    [Fact]
    public void Resource_ids_nest()
    {
        var item = new byte[ResourceIds.ItemLength];
        for (uint number = 1; number < 5000; number += 7)
        {
            ResourceIds.WriteItem(item, number, number * 3, number * 100_003L);
            var bytes = Bytes(Encoding.ASCII.GetString(item));
            bytes.Length.ShouldBe(16);
            (bytes[15] & 0xF0).ShouldBe(0);
            bytes[..8].ShouldBe(Bytes(ResourceIds.Container(number, number * 3)));
            bytes[..4].ShouldBe(Bytes(ResourceIds.Database(number)));
            (bytes[4] & 0x80).ShouldBe(0x80);
            bytes[0].ShouldNotBe((byte)0);
        }

        static byte[] Bytes(string rid) => Convert.FromBase64String(rid.Replace('-', '/'));
    }

    [Fact]
    public void Frames_survive_their_own_magic_inside()
    {
        var buffer = new LogBuffer();
        var path = Path.GetTempFileName();
        try
        {
            for (var i = 0; i < 100; i++)
            {
                var frame = buffer.BeginFrame();
                Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("XCLG", i))).CopyTo(buffer.Take(i * 4));
                buffer.EndFrame(frame);
            }

            File.WriteAllBytes(path, buffer.Written);
            using var reader = new LogReader(path);
            var count = 0;
            while (reader.TryRead(out var payload))
            {
                payload.Length.ShouldBe(count++ * 4);
            }

            count.ShouldBe(100);
            reader.Position.ShouldBe(buffer.Length);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
