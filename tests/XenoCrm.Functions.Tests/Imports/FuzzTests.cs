using System.Text;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>Files that no one would write on purpose: every row is taken or rejected with a code, and nothing throws.</summary>
public class FuzzTests
{
    private static readonly string[] Seeds =
    [
        "externalId,firstName,lastName,email,phone,birthday,tags,consent.email\nC1,Maria,Anders,m@example.com,+49300074321,1984-03-17,\"a;b\",yes\nC2,Ana,\"O'Neil, Jr\",ana@example.com,,,,no\n",
        "CustomerID;Name;E-Mail;Tel\r\nX1;\"Line\r\nbreak\";x@example.com;030 123\r\n",
        "orderNumber\tcustomerId\tamount\torderDate\tstatus\n1\tC1\t12.50\t2026-01-31\tpaid\n2\tC2\t0.99\t2026-02-01T10:00:00Z\t\n",
        "OrderID,CustomerID,Total,OrderDate\n10248,VINET,440.00,1996-07-04\n10249,TOMSP,1863.40,1996-07-05\n",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Mutated_files_never_throw_and_every_rejected_row_has_a_code(int seed)
    {
        var random = new Random(seed);
        var usable = 0;
        for (var round = 0; round < 2500; round++)
        {
            var file = Mutate(random, Encoding.UTF8.GetBytes(Seeds[random.Next(Seeds.Length)]));
            var kind = (ImportKind)random.Next(2);
            var settings = new ImportSettings { Attributes = random.Next(2) == 0, DateFormat = random.Next(3) == 0 ? "dd/MM/yyyy" : null };
            List<ImportRun> runs;
            try
            {
                runs = await ReadRuns.OfAsync(kind, file, settings, runRows: random.Next(1, 5));
            }
            catch (ProblemException expected)
            {
                expected.Problem.Code.ShouldStartWith("import.");
                expected.Problem.Status.ShouldBeOneOf(400, 415, 422);
                continue;
            }

            usable++;
            foreach (var run in runs)
            {
                var taken = run.Customers.Select(c => c.Row).Concat(run.Orders.Select(o => o.Row)).ToHashSet();
                var rejected = run.FailedRows.ToHashSet();
                taken.Overlaps(rejected).ShouldBeFalse();
                (taken.Count + rejected.Count).ShouldBe(run.Rows);
                rejected.ShouldAllBe(row => run.Issues.Any(i => i.Row == row && !i.Warning && i.Code.Length > 0));
            }
        }

        usable.ShouldBeGreaterThan(200);
    }

    private static byte[] Mutate(Random random, byte[] seed)
    {
        var file = seed.ToList();
        string[] pieces = ["\"", ",", ";", "\n", "\r", "\0", "1e400", "NaN", "'=cmd", "\uFEFF", "29/02/2023", "1.234,56", "😀", "\u202E", "-", "+", "\"\"", new string('z', 5000)];
        for (var mutation = random.Next(1, 8); mutation > 0; mutation--)
        {
            var at = random.Next(file.Count + 1);
            switch (random.Next(5))
            {
                case 0:
                    file.InsertRange(at, Encoding.UTF8.GetBytes(pieces[random.Next(pieces.Length)]));
                    break;
                case 1 when at < file.Count:
                    file.RemoveRange(at, Math.Min(random.Next(1, 10), file.Count - at));
                    break;
                case 2 when at < file.Count:
                    file[at] = (byte)random.Next(256);
                    break;
                case 3:
                    var from = random.Next(file.Count + 1);
                    file.InsertRange(at, file.GetRange(from, random.Next(file.Count - from + 1)));
                    break;
                default:
                    file.Add((byte)random.Next(256));
                    break;
            }
        }

        return [.. file];
    }
}
