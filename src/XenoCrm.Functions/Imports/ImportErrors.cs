using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

// What is wrong with a file or a request. What is wrong with a row is in RowCodes.

public sealed record ImportNotFound(string Id)
    : Problem(404, "import.not_found", "There is no such import", $"No import has the id {Id}.");

public sealed record ImportFinished(string Id)
    : Problem(409, "import.finished", "The import is over", $"The import {Id} has ended; only one that is waiting or running can be cancelled.");

public sealed record ImportNotOver(string Id)
    : Problem(409, "import.not_over", "The import is not over", $"The import {Id} is waiting or running; cancel it, or wait for its end, then undo it.");

public sealed record NothingToUndo(string Id)
    : Problem(409, "import.nothing_to_undo", "There is nothing to undo", $"{Id} is a dry run: it has changed nothing.");

public sealed record UndoTooLate(string Id)
    : Problem(409, "import.undo_too_late", "It is too late to undo the import", $"What the import {Id} changed is not kept any more.");

public sealed record NotUndone(string Id)
    : Problem(404, "import.not_undone", "The import was not undone", $"Nobody has asked for an undo of the import {Id}.");

public sealed record FilePartMissing()
    : Problem(400, "import.file_missing", "The file is missing", "Send the CSV as the body (text/csv), or as the one file part of multipart/form-data.");

public sealed record MultipartMalformed(string Reason)
    : Problem(400, "import.multipart_malformed", "The multipart body cannot be read", Reason);

public sealed record FileEmpty()
    : Problem(422, "import.file_empty", "The file is empty", "A header and at least one row are expected.");

public sealed record FileNotCsv()
    : Problem(415, "import.not_csv", "The file is not a CSV", "The content is binary. Send comma, semicolon or tab separated text in UTF-8.");

public sealed record FileCompressed(string What)
    : Problem(415, "import.file_compressed", "The file is compressed", $"This is {What}. Unpack it and send the CSV that is in it.");

public sealed record FileWorkbook()
    : Problem(415, "import.file_workbook", "The file is a workbook", "Save the sheet as \"CSV UTF-8\" and send that.");

public sealed record EncodingUnsupported()
    : Problem(400, "import.encoding_unsupported", "The encoding is not supported", "It is one of utf-8, utf-16le, utf-16be, windows-1252, iso-8859-1.");

public sealed record HeaderUnreadable(string Reason)
    : Problem(422, "import.header_unreadable", "The header cannot be read", Reason);

public sealed record NoUsableColumn(string Kind, string Headers, string Known)
    : Problem(422, "import.no_usable_column", "No column can be used", $"None of the columns ({Headers}) is one of {Kind}. Known are {Known}; others can be mapped with 'mapping'.");

public sealed record RequiredColumnMissing(string Wanted, string Near)
    : Problem(422, "import.required_column_missing", "A required column is missing", $"Wanted: {Wanted}. Name it in the header or map it with 'mapping'{Near}.");

public sealed record NoRowUsable(long Rows)
    : Problem(422, "import.no_row_usable", "No row can be used", $"All {Rows} rows have errors; the first are in 'report'.");

public sealed record MappingInvalid(string Reason)
    : Problem(400, "import.mapping_invalid", "The mapping is not valid", Reason);

public sealed record MappingNotFound(string Id)
    : Problem(404, "import.mapping_not_found", "There is no such mapping", $"No remembered mapping has the id {Id}.");

public sealed record DateFormatUnsupported(string Format)
    : Problem(400, "import.date_format_unsupported", "The date format is not supported", $"'{Format}' must be made of dd, MM, yyyy and, for times, HH, mm, ss, such as dd/MM/yyyy or dd-MM-yyyy HH:mm.");

public sealed record KindUnknown(string Kind)
    : Problem(400, "import.kind_unknown", "There is no such kind of import", $"'{Kind}' is not customers or orders.");

public sealed record FileChanged()
    : Problem(409, "import.file_changed", "The file was replaced while it was imported", "What was read until then is kept. The new file is an import of its own.");

public sealed record FileGone()
    : Problem(404, "import.file_gone", "The file was deleted before it was imported", "What was read until then is kept. Upload the file again to import it.");

public sealed record NotDryRun(string Id)
    : Problem(409, "import.not_a_dry_run", "This is no dry run", $"The import {Id} is not a dry run that has ended.");

public sealed record FileNotKept(string Id)
    : Problem(409, "import.file_not_kept", "The file of this dry run was not kept", $"It came in a request: send it again with the token of {Id}.");

public sealed record DryRunExpired(string Id)
    : Problem(410, "import.dry_run_expired", "The dry run is too old", $"What {Id} found has been deleted with its file, as the data of people are not kept longer than needed. Make another.");

public sealed record ImportErrorsExpired(string Id)
    : Problem(410, "import.errors_expired", "The row errors are not kept any more", $"The rows of {Id} have been deleted with its file, as the data of people are not kept longer than needed.");

public sealed record TokenInvalid()
    : Problem(422, "import.token_invalid", "The token is not valid", "Take the token from the answer to a dry run, unchanged.");

public sealed record TokenMismatch(string What)
    : Problem(409, "import.token_mismatch", "This is not what the dry run was made of", $"The token is for another {What}. Make a dry run of this one.");

public sealed record ImportInterrupted()
    : Problem(500, "import.interrupted", "The import was interrupted", "It came in a request that ended before the file did. What was written until then is kept; send the file again: rows that are in already change nothing.");

public sealed record ImportStopped(string Id)
    : Problem(409, "import.stopped", "The import was stopped", $"The import {Id} was cancelled or ended before the end of its file. What it wrote until then is kept.");

public sealed record ImportPoisoned()
    : Problem(500, "import.gave_up", "The import failed again and again at the same place", "The failures are in the log under the import's id. What was read until then is kept; upload the file again to go on.");

/// <summary>
/// What can be wrong with a row as text. Stable: clients may switch on them. What its values mean for a customer or an
/// order is checked there, with codes such as <c>customer.email_invalid</c>.
/// </summary>
public static class RowCodes
{
    public const string TooLong = "import.row_too_long";
    public const string QuoteUnclosed = "import.quote_unclosed";
    public const string QuoteMalformed = "import.quote_malformed";
    public const string EncodingInvalid = "import.encoding_invalid";
    public const string NulCharacter = "import.nul_character";
    public const string TooManyFields = "import.too_many_fields";

    /// <summary>A warning.</summary>
    public const string TooFewFields = "import.too_few_fields";

    /// <summary>A warning: a former row is about the same customer or order and has other values; the later row wins.</summary>
    public const string DuplicateInFile = "import.duplicate_in_file";

    /// <summary>A warning: a former row has the same order number for another customer.</summary>
    public const string OrderNumberRepeated = "import.order_number_repeated";

    /// <summary>A warning.</summary>
    public const string ChangedSinceDryRun = "import.changed_since_dry_run";
    public const string Required = "import.required";
    public const string DateInvalid = "import.date_invalid";
    public const string DateAmbiguous = "import.date_ambiguous";
    public const string AmountAmbiguous = "import.amount_ambiguous";
    public const string AmountInvalid = "import.amount_invalid";
    public const string AmountOutOfRange = "import.amount_out_of_range";
    public const string ValueUnknown = "import.value_unknown";
}
