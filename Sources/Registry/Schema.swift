// The tables, as named migrations. A migration that has been released is never edited: a change is a new one.
import GRDB

enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("2026-01 parties") { try $0.execute(sql: parties) }
        migrator.registerMigration("2026-01 submissions") { try $0.execute(sql: submissions) }
        migrator.registerMigration("2026-01 versions") { try $0.execute(sql: versions) }
        migrator.registerMigration("2026-01 installations") { try $0.execute(sql: installations) }
        migrator.registerMigration("2026-01 operation") { try $0.execute(sql: operation) }
        migrator.registerMigration("2026-02 verification and notices") { try $0.execute(sql: verification) }
        migrator.registerMigration("2026-03 version events") { try $0.execute(sql: versionEvents) }
        return migrator
    }

    private static let parties = """
        CREATE TABLE publishers (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, country TEXT NOT NULL,
            currency TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('active', 'quarantined')),
            stateReason TEXT, verifiedDomain TEXT, verifiedAt INTEGER, challenge TEXT, registeredAt INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE publisherKeys (
            publisher TEXT NOT NULL REFERENCES publishers(id), keyID TEXT NOT NULL UNIQUE, publicKey TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('owner', 'submit')), addedAt INTEGER NOT NULL,
            revokedAt INTEGER, revokedReason TEXT, PRIMARY KEY (publisher, keyID)
        ) STRICT;
        CREATE TABLE tenants (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, appURL TEXT NOT NULL, credential BLOB NOT NULL,
            country TEXT NOT NULL, currency TEXT NOT NULL, taxID TEXT, email TEXT,
            updatePolicy TEXT NOT NULL DEFAULT 'manual'
                CHECK (updatePolicy IN ('automatic', 'security-only', 'manual')),
            minimumReleaseAgeMs INTEGER NOT NULL DEFAULT 0, channel TEXT NOT NULL DEFAULT 'stable',
            webhookURL TEXT, webhookSecret BLOB, createdAt INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE tokens (
            digest TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL CHECK (kind IN ('tenant', 'publisher', 'reviewer')), subject TEXT NOT NULL,
            issuedAt INTEGER NOT NULL, expiresAt INTEGER, revokedAt INTEGER
        ) STRICT;
        """

    private static let submissions = """
        CREATE TABLE plugins (
            id TEXT PRIMARY KEY, publisher TEXT NOT NULL REFERENCES publishers(id), reservedAt INTEGER NOT NULL,
            skeleton TEXT NOT NULL
        ) STRICT;
        CREATE INDEX pluginsBySkeleton ON plugins(skeleton);
        CREATE TABLE submissions (
            id TEXT PRIMARY KEY, publisher TEXT NOT NULL REFERENCES publishers(id), state TEXT NOT NULL,
            resumeState TEXT, plugin TEXT REFERENCES plugins(id), version TEXT, manifest TEXT,
            byteCount INTEGER NOT NULL, receivedAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL,
            reasonCode TEXT NOT NULL, reason TEXT NOT NULL, nextStep TEXT NOT NULL,
            risk INTEGER, dueAt INTEGER, approvalsNeeded INTEGER NOT NULL DEFAULT 1,
            attempts INTEGER NOT NULL DEFAULT 0, notBefore INTEGER NOT NULL DEFAULT 0, lastError TEXT,
            leaseOwner TEXT, leaseToken INTEGER NOT NULL DEFAULT 0, leaseUntil INTEGER
        ) STRICT;
        CREATE INDEX submissionsByState ON submissions(state, attempts, receivedAt, id);
        CREATE INDEX submissionsByPublisher ON submissions(publisher, receivedAt);
        CREATE UNIQUE INDEX submissionsByVersion ON submissions(plugin, version) WHERE plugin IS NOT NULL;
        CREATE TABLE transitions (
            id INTEGER PRIMARY KEY AUTOINCREMENT, submission TEXT NOT NULL REFERENCES submissions(id),
            fromState TEXT, toState TEXT NOT NULL, at INTEGER NOT NULL, reasonCode TEXT NOT NULL,
            reason TEXT NOT NULL, nextStep TEXT NOT NULL, actor TEXT NOT NULL
        ) STRICT;
        CREATE INDEX transitionsBySubmission ON transitions(submission, id);
        CREATE TABLE decisions (
            id INTEGER PRIMARY KEY AUTOINCREMENT, submission TEXT NOT NULL REFERENCES submissions(id),
            verdict TEXT NOT NULL CHECK (verdict IN ('approve', 'hold', 'reject')), decidedBy TEXT NOT NULL,
            reason TEXT NOT NULL, rules TEXT NOT NULL, policyDigest TEXT, envelopeDigest TEXT, at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX decisionsBySubmission ON decisions(submission, id);
        CREATE TABLE acceptances (
            fingerprint TEXT NOT NULL, fileDigest TEXT NOT NULL, plugin TEXT NOT NULL, rule TEXT NOT NULL,
            reason TEXT NOT NULL, acceptedBy TEXT NOT NULL, acceptedAt INTEGER NOT NULL, expiresAt INTEGER NOT NULL,
            matchedAt INTEGER, PRIMARY KEY (fingerprint, fileDigest)
        ) STRICT;
        """

    private static let versions = """
        CREATE TABLE versions (
            plugin TEXT NOT NULL REFERENCES plugins(id), version TEXT NOT NULL,
            submission TEXT NOT NULL UNIQUE REFERENCES submissions(id), manifest TEXT NOT NULL,
            listedAt INTEGER NOT NULL, channel TEXT NOT NULL CHECK (channel IN ('stable', 'beta')),
            rolloutPercent INTEGER NOT NULL DEFAULT 100 CHECK (rolloutPercent BETWEEN 0 AND 100),
            securityFix INTEGER NOT NULL DEFAULT 0, deprecated TEXT, yankedAt INTEGER, yankReason TEXT,
            revokedAt INTEGER, revokeReason TEXT, revokeEvidence TEXT, revokeStage TEXT
                CHECK (revokeStage IN ('no-new-installs', 'suspended', 'removed')),
            PRIMARY KEY (plugin, version)
        ) STRICT;
        CREATE TABLE dependencies (
            plugin TEXT NOT NULL, version TEXT NOT NULL, dependency TEXT NOT NULL, range TEXT NOT NULL,
            PRIMARY KEY (plugin, version, dependency), FOREIGN KEY (plugin, version) REFERENCES versions
        ) STRICT;
        CREATE INDEX dependents ON dependencies(dependency);
        CREATE TABLE listings (
            plugin TEXT PRIMARY KEY REFERENCES plugins(id), publisher TEXT NOT NULL, name TEXT NOT NULL,
            description TEXT NOT NULL, category TEXT NOT NULL, pricingModel TEXT NOT NULL, license TEXT NOT NULL,
            latest TEXT NOT NULL, firstListedAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX listingsByCategory ON listings(category, plugin);
        CREATE TABLE listingWords (
            word TEXT NOT NULL, plugin TEXT NOT NULL REFERENCES listings(plugin), weight INTEGER NOT NULL,
            PRIMARY KEY (word, plugin)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX listingWordsByPlugin ON listingWords(plugin);
        CREATE TABLE listingPermissions (
            permission TEXT NOT NULL, plugin TEXT NOT NULL REFERENCES listings(plugin),
            PRIMARY KEY (permission, plugin)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX listingPermissionsByPlugin ON listingPermissions(plugin);
        """

    private static let installations = """
        CREATE TABLE installations (
            id TEXT PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants(id),
            plugin TEXT NOT NULL REFERENCES plugins(id), version TEXT NOT NULL, plan TEXT NOT NULL,
            accepted TEXT NOT NULL, config TEXT NOT NULL, lock TEXT NOT NULL, backEnd TEXT,
            spendCapMinor INTEGER, state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'removed')),
            stateReason TEXT, installedAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX installationsByTenant ON installations(tenant, plugin) WHERE state <> 'removed';
        CREATE INDEX installationsByVersion ON installations(plugin, version, state);
        CREATE TABLE installationEvents (
            id INTEGER PRIMARY KEY AUTOINCREMENT, installation TEXT NOT NULL REFERENCES installations(id),
            tenant TEXT NOT NULL, plugin TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL
        ) STRICT;
        CREATE INDEX installationEventsByTenant ON installationEvents(tenant, id);
        CREATE TABLE installationSecrets (
            installation TEXT NOT NULL REFERENCES installations(id), name TEXT NOT NULL, sealed BLOB NOT NULL,
            updatedAt INTEGER NOT NULL, PRIMARY KEY (installation, name)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE installationStorage (
            installation TEXT NOT NULL REFERENCES installations(id), key TEXT NOT NULL, value BLOB NOT NULL,
            updatedAt INTEGER NOT NULL, PRIMARY KEY (installation, key)
        ) STRICT;
        CREATE TABLE ratings (
            tenant TEXT NOT NULL REFERENCES tenants(id), plugin TEXT NOT NULL REFERENCES plugins(id),
            stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5), text TEXT NOT NULL, version TEXT NOT NULL,
            createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL, reply TEXT, repliedAt INTEGER,
            hiddenReason TEXT, PRIMARY KEY (tenant, plugin)
        ) STRICT;
        CREATE INDEX ratingsByPlugin ON ratings(plugin, updatedAt);
        CREATE TABLE ratingHistory (
            id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, plugin TEXT NOT NULL, at INTEGER NOT NULL,
            stars INTEGER NOT NULL, text TEXT NOT NULL, version TEXT NOT NULL
        ) STRICT;
        CREATE INDEX ratingHistoryByRating ON ratingHistory(plugin, tenant, id);
        """

    private static let operation = """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, startedAt INTEGER NOT NULL,
            finishedAt INTEGER, outcome TEXT CHECK (outcome IN ('done', 'failed', 'interrupted')),
            exitCode INTEGER, items INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
            detail TEXT NOT NULL DEFAULT '{}'
        ) STRICT;
        CREATE INDEX runsByPipeline ON runs(pipeline, id);
        CREATE TABLE idempotency (
            scope TEXT NOT NULL, key TEXT NOT NULL, requestDigest TEXT NOT NULL, status INTEGER NOT NULL,
            response BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (scope, key)
        ) STRICT;
        CREATE INDEX idempotencyByTime ON idempotency(at);
        """

    private static let verification = """
        ALTER TABLE publishers ADD COLUMN challengeDomain TEXT;
        ALTER TABLE publishers ADD COLUMN challengeUntil INTEGER;
        ALTER TABLE publishers ADD COLUMN keyProvenAt INTEGER;
        CREATE TABLE notices (
            id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL REFERENCES tenants(id),
            subject TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, createdAt INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0, notBefore INTEGER NOT NULL DEFAULT 0, sentAt INTEGER,
            lastError TEXT, UNIQUE (tenant, subject)
        ) STRICT;
        CREATE INDEX noticesDue ON notices(notBefore, id) WHERE sentAt IS NULL;
        CREATE INDEX submissionsIncomplete ON submissions(notBefore) WHERE state = 'incomplete';
        """

    /// Steps that were taken before this table was there are drawn from the record of states.
    private static let versionEvents = """
        CREATE TABLE versionEvents (
            id INTEGER PRIMARY KEY AUTOINCREMENT, plugin TEXT NOT NULL, version TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('yanked', 'restored', 'revoked')), stage TEXT,
            reason TEXT NOT NULL, evidence TEXT, actor TEXT NOT NULL, at INTEGER NOT NULL,
            FOREIGN KEY (plugin, version) REFERENCES versions
        ) STRICT;
        CREATE INDEX versionEventsByVersion ON versionEvents(plugin, version, id);
        INSERT INTO versionEvents (plugin, version, kind, stage, reason, evidence, actor, at)
        SELECT v.plugin, v.version,
            CASE t.toState WHEN 'listed' THEN 'restored' ELSE t.toState END,
            CASE t.toState WHEN 'revoked' THEN v.revokeStage END, t.reason,
            CASE t.toState WHEN 'revoked' THEN v.revokeEvidence END, t.actor, t.at
        FROM transitions t JOIN versions v ON v.submission = t.submission
        WHERE t.toState IN ('yanked', 'revoked') OR t.toState = 'listed' AND t.fromState = 'yanked'
        ORDER BY t.id;
        """
}
