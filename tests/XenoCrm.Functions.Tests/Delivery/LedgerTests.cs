using FsCheck;
using FsCheck.Fluent;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class LedgerTests
{
    private static readonly Recipient Fresh = new() { CustomerId = "c", Status = MessageStatus.Sending, At = 5 };

    private static Gen<Report> Reports =>
        from status in Gen.Elements(Enum.GetValues<ReceiptStatus>())
        from at in Gen.Choose(-3, 6)
        from reason in Gen.Elements<string?>(null, "a", "b", "c")
        select new Receipt { MessageId = "m", Status = status, At = Samples.Noon, Reason = reason }.ToReport(at);

    // The sender's own reports take part in the race.
    private static Gen<Report> All => Gen.OneOf(
        Reports,
        Gen.Elements(
            new Report(MessageStatus.Sent, 3, Accepted: true), new Report(MessageStatus.Failed, 3, "rejected"),
            new Report(MessageStatus.Unknown, 4, Reasons.Interrupted), new Report(MessageStatus.Failed, 2, Reasons.Poison)));

    [Theory]
    [InlineData("550 5.1.1 no such user Maria.Anders+crm@mail.example.org (maria@x)", "550 5.1.1 no such user (address) ((address))")]
    [InlineData("<mailto:a@b.c>: blocked", "<mailto:(address)>: blocked")]
    [InlineData("Number +41 44 668 18 00 is not on WhatsApp", "Number (number) is not on WhatsApp")]
    [InlineData("to=0041446681800, tried 2 times", "to=(number), tried 2 times")]
    [InlineData("+1 (415) 555-2671 or 415.555.2671", "(number) or (number)")]
    [InlineData("421 4.7.0 try again 12 times in 300 s", "421 4.7.0 try again 12 times in 300 s")]
    [InlineData("30003", "30003")]
    [InlineData(null, null)]
    public void What_a_vendor_says_of_a_message_does_not_say_whose_it_was(string? said, string? kept)
    {
        var folded = Ledger.Fold(Fresh, new(MessageStatus.Failed, 6, said, Accepted: true));
        folded.Reason.ShouldBe(kept);
        Ledger.Fold(folded, new(MessageStatus.Failed, 6, said, Accepted: true)).ShouldBe(folded);
    }

    [Fact]
    public void Order_and_repetition_of_reports_change_nothing() => Check(
        from reports in All.ListOf()
        from repeated in Gen.SubListOf(reports.Concat(reports))
        from shuffled in Gen.Shuffle(reports.Concat(repeated))
        select (reports, shuffled: (IReadOnlyList<Report>)[.. shuffled]),
        x =>
        {
            // Lists are equal by their members here.
            var (a, b) = (Fold(x.shuffled), Fold([.. x.reports]));
            return a with { Events = null } == b with { Events = null } && (a.Events ?? []).SequenceEqual(b.Events ?? []);
        });

    [Fact]
    public void A_status_never_goes_back() => Check(
        from reports in All.ListOf() from last in All select (reports, last),
        x =>
        {
            var before = Fold([.. x.reports]);
            return Ledger.Fold(before, x.last).Status >= before.Status;
        });

    [Theory]
    [InlineData(MessageStatus.Skipped)]
    [InlineData(MessageStatus.Suppressed)]
    public void What_was_never_sent_has_no_reports(MessageStatus status) => Check(
        All.ListOf(),
        reports => reports.Aggregate(Fresh with { Status = status }, Ledger.Fold) == Fresh with { Status = status });

    [Fact]
    public void A_late_sent_does_not_undo_delivered_and_a_bounce_does()
    {
        var delivered = Fold([new(MessageStatus.Delivered, 10, Accepted: true), new(MessageStatus.Sent, 20, Accepted: true)]);
        delivered.Status.ShouldBe(MessageStatus.Delivered);
        delivered.SentAt.ShouldBe(10);
        Ledger.Fold(delivered, new(MessageStatus.Bounced, 30, "hard", Accepted: true)).Status.ShouldBe(MessageStatus.Bounced);
    }

    [Fact]
    public void A_vendor_that_puts_a_message_off_does_not_undo_a_receipt()
    {
        Ledger.Return(Fresh).Status.ShouldBe(MessageStatus.Pending);
        var delivered = Fold([new(MessageStatus.Delivered, 1, Accepted: true)]);
        Ledger.Return(delivered).ShouldBe(delivered);
    }

    [Fact]
    public void The_ledger_balances_whatever_the_recipients_are() => Check(
        from statuses in Gen.Elements(Enum.GetValues<MessageStatus>()).ListOf()
        from state in Gen.Elements(Enum.GetValues<BatchState>())
        select (statuses, state),
        x =>
        {
            var batch = Ledger.Count(Batch.Create("c", 1, [], Samples.Noon) with
            {
                State = x.state,
                Recipients = [.. x.statuses.Select((s, i) => Fresh with { CustomerId = $"{i}", Status = s, Reason = s >= MessageStatus.Failed ? "why" : null })],
            });
            var c = batch.Counts;
            var open = x.statuses.Any(s => s is MessageStatus.Pending or MessageStatus.Sending);
            return c.Audience == x.statuses.Count
                && c.Audience == c.Delivered + c.Failed + c.Suppressed + c.Skipped + c.Pending
                && c.Unknown <= c.Pending
                && (batch.State == BatchState.Sent) == !open
                && batch.Reasons.Sum(r => r.Count) == x.statuses.Count(s => s >= MessageStatus.Failed);
        });

    [Theory]
    [InlineData("c.1.2", "c.1", 2)]
    [InlineData("0190abc.12.99", "0190abc.12", 99)]
    public void Message_ids_say_where_they_belong(string id, string batch, int index)
    {
        var parsed = MessageId.TryParse(id)!.Value;
        (parsed.BatchId, parsed.Index).ShouldBe((batch, index));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("c.1")]
    [InlineData("c.1.100")]
    [InlineData("c.-1.1")]
    [InlineData("c.1.2.3")]
    [InlineData("a/b.1.2")]
    [InlineData(".1.2")]
    [InlineData("c.99999999999.2")]
    [InlineData("c. 1.2")]
    public void Other_ids_belong_nowhere(string? id) => MessageId.TryParse(id).ShouldBeNull();

    [Fact]
    public void Runs_cover_every_batch_once_and_hold_ten_at_most() => Check(
        Gen.SubListOf(Enumerable.Range(0, 60)),
        chosen =>
        {
            var numbers = chosen.Order().ToList();
            var runs = SendRun.Over("c", numbers).ToList();
            return runs.SelectMany(r => Enumerable.Range(r.First, r.Count)).SequenceEqual(numbers) && runs.All(r => r.Count is >= 1 and <= SendRun.MaxBatches);
        });

    private static Recipient Fold(IReadOnlyList<Report> reports) => reports.Aggregate(Fresh, Ledger.Fold);

    private static void Check<T>(Gen<T> cases, Func<T, bool> holds) =>
        Prop.ForAll(cases.ToArbitrary(), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
}
