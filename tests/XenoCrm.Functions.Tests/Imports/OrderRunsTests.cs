using System.Text;

namespace XenoCrm.Imports;

/// <summary>How a file of orders is cut into runs in which the orders of a customer are together.</summary>
public class OrderRunsTests
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 7)]
    [InlineData(200, 7)]
    [InlineData(3_000, 20)]
    [InlineData(20_000, 1)]
    [InlineData(1_000_000, 50)]
    public async Task Every_row_comes_once_as_in_a_file_read_from_its_beginning_to_its_end(int heldBytes, int runRows)
    {
        for (var seed = 1; seed <= 12; seed++)
        {
            var csv = RandomFile(new Random(seed));
            var whole = (await ReadRuns.OfAsync(ImportKind.Orders, csv, runRows: 10_000)).ShouldHaveSingleItem();
            var runs = await ReadRuns.OfAsync(ImportKind.Orders, csv, Cut(csv, heldBytes, runRows));

            runs.Select(r => r.Rows).ShouldAllBe(rows => rows > 0 && rows <= runRows);
            runs.Sum(r => r.Rows).ShouldBe(whole.Rows);
            runs.SelectMany(Said).Order().ShouldBe(Said(whole).Order(), $"seed {seed}");
            foreach (var run in runs)
            {
                run.Orders.Select(o => o.Row).ShouldBe(run.Orders.Select(o => o.Row).Order());
                run.FailedRows.ToList().ForEach(row => Encoding.UTF8.GetString(run.Raw(row).Span).ShouldBe(Encoding.UTF8.GetString(whole.Raw(row).Span)));
            }
        }
    }

    [Fact]
    public async Task Runs_can_be_read_again_from_any_checkpoint()
    {
        // Where reading starts, a byte order mark is one; within a file it is not.
        var csv = RandomFile(new Random(77), withMarks: false);
        var open = ImportFile.InMemory(csv);
        var file = await ImportFile.InspectAsync(ImportKind.Orders, new(), open, null, Cancellation);
        foreach (var heldBytes in new[] { 1, 2_000, 1_000_000 })
        {
            var cut = Cut(csv, heldBytes, 9);
            var whole = await ReadRuns.OfAsync(ImportKind.Orders, csv, cut);
            whole.Count.ShouldBeGreaterThan(20);
            for (var i = 0; i < whole.Count - 1; i++)
            {
                var rest = await ReadRuns.OfAsync(new ImportWork("i", ImportKind.Orders, new(), file, open, whole[i].Next!, i + 2) { Cut = cut });
                rest.Select(Said).ShouldBe(whole.Skip(i + 1).Select(Said), $"from run {i + 2} of {whole.Count}, {heldBytes} bytes held");
                rest.Select(r => r.Next).ShouldBe(whole.Skip(i + 1).Select(r => r.Next));
            }
        }
    }

    [Theory]
    [InlineData(1_000_000, 1)]
    [InlineData(100_000, 5)]
    public async Task The_orders_of_a_customer_are_together_wherever_they_are_in_the_file(int heldBytes, int atLeastPasses)
    {
        var random = new Random(5);
        var customers = Enumerable.Range(0, 4_000).Select(i => i % 1_000).OrderBy(_ => random.Next()).ToList();
        var csv = Encoding.UTF8.GetBytes("orderNumber,customerId,amount,product\n" + string.Concat(customers.Select((c, i) => $"O{i},C{c},5,{new string('x', 60)}\n")));
        var cut = Cut(csv, heldBytes, 200);
        cut.Passes.ShouldBeGreaterThanOrEqualTo(atLeastPasses);

        var runs = await ReadRuns.OfAsync(ImportKind.Orders, csv, cut);

        // One more where a run ends among the orders of a customer.
        runs.Sum(r => r.Orders.Select(o => o.Draft.Customer!.ExternalId).Distinct().Count()).ShouldBeInRange(1_000, 1_000 + runs.Count);
        (await ReadRuns.OfAsync(ImportKind.Orders, csv, new ImportCut(1, 1, 200, int.MaxValue))).Sum(r => r.Orders.Select(o => o.Draft.Customer!.ExternalId).Distinct().Count())
            .ShouldBeGreaterThan(3_000, "in the order of the file they are not");
    }

    [Fact]
    public async Task Rows_of_one_order_keep_their_order_by_whatever_key_they_name_its_customer()
    {
        // C1 comes first, and would bring row 4 before row 3.
        const string Csv = "orderNumber,customerId,email,amount\n1,C1,,1\n2,,a@x.org,2\n2,C1,,3\n3,C3,,4\n";

        var runs = await ReadRuns.OfAsync(ImportKind.Orders, Encoding.UTF8.GetBytes(Csv), new ImportCut(1, 10_000, 1, 10_000));

        runs.Select(r => r.Orders.Single().Row).Where(row => row is 3 or 4).ShouldBe([3, 4]);
        runs.Codes().ShouldBe(["4 orderNumber import.order_number_repeated"]);
    }

    [Fact]
    public async Task A_customer_with_more_orders_than_are_held_does_not_fill_the_memory()
    {
        var csv = Encoding.UTF8.GetBytes("orderNumber,customerId,amount\n" + string.Concat(Enumerable.Range(1, 3_000).Select(i => $"O{i},C{(i % 100 == 0 ? i : 0)},5\n")));

        var runs = await ReadRuns.OfAsync(ImportKind.Orders, csv, Cut(csv, 10_000, 100_000));

        runs.SelectMany(r => r.Orders).Select(o => o.Row).Order().ShouldBe(Enumerable.Range(2, 3_000).Select(i => (long)i));
        runs.Select(r => r.Rows).Max().ShouldBeLessThan(10_000 / 40);
        runs.SelectMany(r => r.Orders).Where(o => o.Draft.Customer!.ExternalId == "C0").Select(o => o.Row).ShouldBeInOrder();
    }

    private static ImportCut Cut(byte[] csv, int heldBytes, int runRows) => ImportCut.Of(csv.Length, new() { HeldBytes = heldBytes, RunRows = runRows });

    private static List<string> Said(ImportRun run) =>
        [.. run.Orders.Select(o => $"{o.Row} {o.Draft.OrderNumber} {o.Draft.Customer!.ExternalId} {o.Draft.Customer.Email} {o.Draft.Amount}"),
            .. run.Issues.Select(i => $"{i.Row} {i.Column} {i.Code} {i.Message} {i.Value} {i.Warning}")];

    /// <summary>With everything that makes a row a bad one, or several lines, and with what is found only because of other rows.</summary>
    private static byte[] RandomFile(Random random, bool withMarks = true)
    {
        var end = random.Next(3) switch { 0 => "\r\n", 1 => "\r", _ => "\n" };
        var file = new List<byte>(Encoding.UTF8.GetBytes("orderNumber,customerId,email,amount,product" + end));
        for (var i = 0; i < 300; i++)
        {
            var number = $"O{random.Next(150)}";
            var row = random.Next(20) switch
            {
                0 => $"{number},C{random.Next(30)},,oops,",
                1 => $"{number},,U{random.Next(20)}@Example.com,5,",
                2 => $"{number},C{random.Next(30)},,{random.Next(3)},\"two{end}lines, \"\"{i}\"\"\"",
                3 => random.Next(4) == 0 ? $"{number},C1,,5,\"open" : $"{number},C1,,5,5\" disk",
                4 => $"{number},C1,,5,\"quoted\"x",
                5 => "",
                6 => ",,,,",
                7 => $"{number},C{random.Next(30)}",
                8 => $"{number},C2,,5,a,b",
                9 when withMarks => $"\uFEFF\"{number}\",C{random.Next(30)},,4,",
                10 => $"{number},C2,,5,\u0000",
                _ => $"{number},C{random.Next(30)},,{random.Next(4)},Product {random.Next(5)}",
            };
            file.AddRange(Encoding.UTF8.GetBytes(row));
            if (random.Next(60) == 0)
            {
                file.Add(0xFF);
            }

            if (i < 299 || random.Next(2) == 0)
            {
                file.AddRange(Encoding.UTF8.GetBytes(end));
            }
        }

        return [.. file];
    }
}
