internal import GRDB

/// The tables: STRICT, and by triggers never updated, never deleted from.
enum LedgerSchema {
    static let tables = firstTables + correctionTables + chartTables

    private static let firstTables = [
        "closing", "invoice", "booking", "posting", "intent", "intent_state", "receipt", "payout",
    ]
    private static let correctionTables = [
        "invoice_share", "credit_order", "refund", "refund_state", "dispute", "dispute_state", "dunning",
    ]

    private static let chartTables = ["account"]

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 books") { db in
            try db.execute(sql: books)
            for table in firstTables { try forbidChange(of: table, db) }
        }
        migrator.registerMigration("2 corrections") { db in
            try db.execute(sql: corrections)
            for table in correctionTables { try forbidChange(of: table, db) }
        }
        migrator.registerMigration("3 covering indexes") { db in try db.execute(sql: coveringIndexes) }
        migrator.registerMigration("4 chart of accounts") { db in
            try db.execute(sql: chartOfAccounts)
            for table in chartTables + ["posting", "invoice_share"] { try forbidChange(of: table, db) }
        }
        return migrator
    }

    private static func forbidChange(of table: String, _ db: Database) throws {
        for verb in ["UPDATE", "DELETE"] {
            try db.execute(
                sql: """
                    CREATE TRIGGER \(table)_no_\(verb.lowercased()) BEFORE \(verb) ON \(table)
                    BEGIN SELECT RAISE(ABORT, '\(table) is append-only'); END;
                    """)
        }
    }

    /// What corrects an invoice after it was issued, and what reminds of it.
    private static let corrections = """
        CREATE TABLE invoice_share (
            invoice TEXT NOT NULL REFERENCES invoice (number), publisher TEXT NOT NULL,
            nets INTEGER NOT NULL, developer INTEGER NOT NULL, UNIQUE (invoice, publisher)
        ) STRICT;
        CREATE INDEX invoice_share_publisher ON invoice_share (publisher);
        CREATE INDEX invoice_corrects ON invoice (corrects) WHERE corrects IS NOT NULL;
        CREATE TABLE credit_order (
            key TEXT PRIMARY KEY NOT NULL, number TEXT NOT NULL UNIQUE REFERENCES invoice (number)
        ) STRICT;
        CREATE TABLE refund (
            id TEXT PRIMARY KEY NOT NULL, invoice TEXT NOT NULL REFERENCES invoice (number),
            tenant TEXT NOT NULL, processor TEXT NOT NULL, currency TEXT NOT NULL,
            minor INTEGER NOT NULL CHECK (minor > 0), day TEXT NOT NULL, iban TEXT NOT NULL, reason TEXT NOT NULL
        ) STRICT;
        CREATE TABLE refund_state (
            refund TEXT NOT NULL REFERENCES refund (id), step INTEGER NOT NULL, state TEXT NOT NULL,
            day TEXT NOT NULL, detail TEXT NOT NULL, UNIQUE (refund, step)
        ) STRICT;
        CREATE TABLE dispute (
            id TEXT PRIMARY KEY NOT NULL, invoice TEXT NOT NULL REFERENCES invoice (number),
            currency TEXT NOT NULL, minor INTEGER NOT NULL CHECK (minor > 0), day TEXT NOT NULL,
            reason TEXT NOT NULL
        ) STRICT;
        CREATE TABLE dispute_state (
            dispute TEXT NOT NULL REFERENCES dispute (id), step INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('open', 'won', 'lost')),
            day TEXT NOT NULL, UNIQUE (dispute, step), UNIQUE (dispute, state)
        ) STRICT;
        CREATE TABLE dunning (
            invoice TEXT NOT NULL REFERENCES invoice (number), state TEXT NOT NULL, day TEXT NOT NULL,
            UNIQUE (invoice, state)
        ) STRICT;
        """

    /// Heads without the long documents beside them, balances without the postings' own table.
    private static let coveringIndexes = """
        CREATE INDEX invoice_head ON invoice (kind, ordinal, head);
        DROP INDEX posting_account;
        CREATE INDEX posting_account ON posting (account, currency, minor);
        """

    /// Accounts by number in the postings; `entry` is a posting with its account's name. Shares in one tree, and what a
    /// publisher earned with them in an index of its own.
    private static let chartOfAccounts = """
        CREATE TABLE account (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE) STRICT;
        INSERT INTO account (name) SELECT DISTINCT account FROM posting ORDER BY 1;
        CREATE TABLE numbered (
            booking INTEGER NOT NULL REFERENCES booking (id), line INTEGER NOT NULL,
            account INTEGER NOT NULL REFERENCES account (id), currency TEXT NOT NULL,
            minor INTEGER NOT NULL CHECK (minor <> 0), PRIMARY KEY (booking, line)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO numbered
            SELECT p.booking, p.line, a.id, p.currency, p.minor FROM posting p JOIN account a ON a.name = p.account
            ORDER BY p.booking, p.line;
        DROP TABLE posting;
        ALTER TABLE numbered RENAME TO posting;
        CREATE INDEX posting_account ON posting (account, currency, minor);
        CREATE VIEW entry AS
            SELECT p.booking, p.line, a.name AS account, p.currency, p.minor
            FROM posting p JOIN account a ON a.id = p.account;
        CREATE TABLE share_once (
            invoice TEXT NOT NULL REFERENCES invoice (number), publisher TEXT NOT NULL,
            nets INTEGER NOT NULL, developer INTEGER NOT NULL, PRIMARY KEY (invoice, publisher)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO share_once SELECT invoice, publisher, nets, developer FROM invoice_share ORDER BY 1, 2;
        DROP TABLE invoice_share;
        ALTER TABLE share_once RENAME TO invoice_share;
        CREATE INDEX invoice_share_publisher ON invoice_share (publisher, nets);
        """

    private static let books = """
        CREATE TABLE closing (
            period TEXT PRIMARY KEY NOT NULL, day TEXT NOT NULL, held TEXT NOT NULL
        ) STRICT;
        CREATE TABLE invoice (
            ordinal INTEGER PRIMARY KEY NOT NULL CHECK (ordinal > 0),
            number TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL CHECK (kind IN ('invoice', 'credit')),
            corrects TEXT REFERENCES invoice (number),
            tenant TEXT NOT NULL, currency TEXT NOT NULL, period TEXT NOT NULL,
            document TEXT NOT NULL, head TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, previous TEXT
        ) STRICT;
        CREATE UNIQUE INDEX invoice_once ON invoice (period, tenant, currency) WHERE kind = 'invoice';
        CREATE TABLE booking (
            id INTEGER PRIMARY KEY NOT NULL, key TEXT NOT NULL UNIQUE, day TEXT NOT NULL,
            kind TEXT NOT NULL, invoice TEXT REFERENCES invoice (number), description TEXT NOT NULL
        ) STRICT;
        CREATE INDEX booking_day ON booking (day);
        CREATE INDEX booking_invoice ON booking (invoice, kind);
        CREATE TABLE posting (
            booking INTEGER NOT NULL REFERENCES booking (id), line INTEGER NOT NULL,
            account TEXT NOT NULL, currency TEXT NOT NULL, minor INTEGER NOT NULL CHECK (minor <> 0),
            PRIMARY KEY (booking, line)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX posting_account ON posting (account, currency);
        CREATE TABLE intent (
            id TEXT PRIMARY KEY NOT NULL, invoice TEXT NOT NULL REFERENCES invoice (number),
            processor TEXT NOT NULL, currency TEXT NOT NULL, minor INTEGER NOT NULL, day TEXT NOT NULL
        ) STRICT;
        CREATE TABLE intent_state (
            intent TEXT NOT NULL REFERENCES intent (id), step INTEGER NOT NULL, state TEXT NOT NULL,
            day TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (intent, step)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE receipt (
            id TEXT PRIMARY KEY NOT NULL, processor TEXT NOT NULL, day TEXT NOT NULL,
            currency TEXT NOT NULL, minor INTEGER NOT NULL, reference TEXT NOT NULL
        ) STRICT;
        CREATE TABLE payout (
            ordinal INTEGER PRIMARY KEY NOT NULL CHECK (ordinal > 0), number TEXT NOT NULL UNIQUE,
            publisher TEXT NOT NULL, currency TEXT NOT NULL, day TEXT NOT NULL,
            minor INTEGER NOT NULL CHECK (minor > 0), document TEXT NOT NULL,
            UNIQUE (publisher, currency, day)
        ) STRICT;
        """
}
