using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Storage;

namespace XenoCrm.Local.FunctionsRuntime.Queues;

/// <summary>
/// Keeps a message invisible while its function runs, by renewing it each third of the lease. Each renewal changes the
/// pop receipt; only the newest can delete or release the message.
/// </summary>
internal sealed class MessageLease : IDisposable
{
    private readonly QueueClient _queue;
    private readonly string _messageId;
    private readonly TimeSpan _length;
    private readonly CancellationTokenSource _whenLost;
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger;
    private readonly Task _renewing;
    private string _popReceipt;

    /// <param name="queue">The message's queue.</param>
    /// <param name="message">A message just received with this lease.</param>
    /// <param name="length">The lease.</param>
    /// <param name="whenLost">Cancelled when the message is no longer ours: it was deleted, or has come up again elsewhere.</param>
    /// <param name="logger">Where a lost message is told.</param>
    public MessageLease(QueueClient queue, QueueMessage message, TimeSpan length, CancellationTokenSource whenLost, ILogger logger)
    {
        _queue = queue;
        _messageId = message.MessageId;
        _popReceipt = message.PopReceipt;
        _length = length;
        _whenLost = whenLost;
        _logger = logger;
        _renewing = Renew();
    }

    public bool Lost { get; private set; }

    /// <summary>No renewal after this; one that is under way is awaited, since it changes the pop receipt.</summary>
    public async Task Stop()
    {
        await _stop.CancelAsync();
        await _renewing;
    }

    public void Dispose() => _stop.Dispose();

    /// <summary>Deletes the message: its work is done. Tried again for a lease's length while storage is away.</summary>
    public Task<bool> Delete() => Finish("delete", persist: true, async () => await _queue.DeleteMessageAsync(_messageId, _popReceipt));

    /// <summary>Gives the message back; it is visible again after the delay, or when the lease runs out if this fails.</summary>
    public Task<bool> Release(TimeSpan delay, bool persist = true)
        => Finish("release", persist, async () => await _queue.UpdateMessageAsync(_messageId, _popReceipt, (string?)null, delay));

    private async Task Renew()
    {
        var wait = _length / 3;
        while (true)
        {
            // Ends early for nearly every message: an exception for each would cost more than the rest of the lease.
            await Task.Delay(wait, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stop.IsCancellationRequested)
                return;
            try
            {
                var receipt = await _queue.UpdateMessageAsync(_messageId, _popReceipt, (string?)null, _length);
                _popReceipt = receipt.Value.PopReceipt;
                wait = _length / 3;
            }
            catch (RequestFailedException e) when (IsGone(e))
            {
                LoseIt("renew");
                return;
            }
            catch (Exception e) when (StorageHealth.IsOutage(e))
            {
                // The message may still be ours: nobody can take it while storage is away. The pop receipt will tell.
                wait = _length / 10;
            }
            catch (Exception e)
            {
                _logger.LogWarning(e, "Message {MessageId} of {Queue} could not be renewed", _messageId, _queue.Name);
                wait = _length / 10;
            }
        }
    }

    private async Task<bool> Finish(string what, bool persist, Func<Task> work)
    {
        var started = Environment.TickCount64;
        for (var wait = TimeSpan.FromMilliseconds(100); ; wait *= 2)
        {
            try
            {
                await work();
                return true;
            }
            catch (RequestFailedException e) when (IsGone(e))
            {
                LoseIt(what);
                return false;
            }
            catch (Exception e)
            {
                if (!persist || Environment.TickCount64 - started > _length.TotalMilliseconds)
                {
                    _logger.LogWarning(e, "Could not {What} message {MessageId} of {Queue}; it will be delivered again", what, _messageId, _queue.Name);
                    return false;
                }
                await Task.Delay(wait);
            }
        }
    }

    private void LoseIt(string what)
    {
        Lost = true;
        _logger.LogWarning(
            "Could not {What} message {MessageId} of {Queue}: it was deleted, or its lease ran out and it was delivered again", what, _messageId, _queue.Name);
        _whenLost.Cancel();
    }

    private static bool IsGone(RequestFailedException e)
        => e.Status == 404 || (e.Status == 400 && e.ErrorCode is "PopReceiptMismatch" or "InvalidQueryParameterValue");
}
