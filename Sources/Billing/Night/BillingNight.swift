public import Marketplace
public import Metering

/// The texts of the templates; Billing opens no template folder itself.
public struct BillingTemplates: Sendable {
    public var invoice: String
    public var statement: String
    public var credit: String
    public var finance: String

    public init(invoice: String, statement: String, credit: String = "", finance: String = "") {
        self.invoice = invoice
        self.statement = statement
        self.credit = credit
        self.finance = finance
    }
}

/// What a stage of the night did, for its line of JSON.
public struct StageSummary: Sendable, Hashable, Codable {
    public var stage: String
    /// Counts by name, sorted when written.
    public var counts: [String: Int64]
    /// Money by name, one text for each currency.
    public var totals: [String: String]
    /// What somebody has to look at.
    public var alarms: [String]

    init(
        _ stage: String, counts: [String: Int64] = [:], totals: [String: String] = [:], alarms: [String] = []
    ) {
        self.stage = stage
        self.counts = counts
        self.totals = totals
        self.alarms = alarms
    }
}

/// The nightly stages over a data directory. Each may be run again at any time: what is done is not done twice, what
/// a crash left undone is continued, and the same night writes the same bytes.
public struct BillingNight: Sendable {
    public let config: BillingConfig
    public let asOf: Instant
    let paths: BillingPaths
    let templates: BillingTemplates
    let publishers: [PublisherID: PublisherAccount]
    let prices: PriceBook
    let processor: any PaymentProcessor
    let disk: Disk
    let ledger: LedgerStore
    /// Told of a long stage's steps: the stage, how many are done, of how many.
    let progress: @Sendable (String, Int, Int) -> Void

    /// `data` is the data directory; `processor` is the bank transfer over `billing/bank/` where none is given.
    public init(
        data: String, config: BillingConfig, asOf: Instant, templates: BillingTemplates,
        publishers: [PublisherAccount], prices: PriceBook = PriceBook(),
        processor: (any PaymentProcessor)? = nil, disk: Disk = Disk(),
        progress: @escaping @Sendable (String, Int, Int) -> Void = { _, _, _ in }
    ) throws(BillingError) {
        try config.check()
        self.progress = progress
        self.config = config
        self.asOf = asOf
        self.paths = BillingPaths(data: data)
        self.templates = templates
        self.publishers = Dictionary(publishers.map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
        self.prices = prices
        self.processor = processor ?? BankTransferProcessor(statements: paths.bank, disk: disk)
        self.disk = disk
        let folder = paths.billing
        try BillingError.storing { () throws(MeteringError) in try disk.makeDirectories(folder) }
        self.ledger = try LedgerStore(path: paths.ledger, disk: disk)
    }

    /// Gives the database free; the value is of no use afterwards.
    public func close() throws(BillingError) {
        try ledger.close()
    }

    /// All stages in order.
    public func runAll() throws(BillingError) -> [StageSummary] {
        [
            try seal(), try rollUp(), try rate(), try invoice(), try collect(), try settle(), try payOut(),
            try reconcile(), try report(),
        ]
    }

    // MARK: Periods

    /// When a period's invoices are issued: what comes later goes to the next invoice.
    func dueTime(_ period: BillingPeriod) -> Instant {
        period.endDay.start.adding(seconds: Int64(config.latenessHours) * 3_600)
    }

    /// The periods that are not closed, from the first one with usage to that of the night.
    func openPeriods() throws(BillingError) -> [BillingPeriod] {
        let closed = try ledger.read { try $0.closings().map(\.period) }
        let first: BillingPeriod
        if let last = closed.last {
            first = last.next
        } else {
            let folders = try BillingError.storing { () throws(MeteringError) in try disk.list(paths.usage) }
            guard let day = folders.compactMap({ Day($0) }).min() else { return [] }
            first = day.period
        }
        var periods: [BillingPeriod] = []
        var period = first
        while period <= asOf.day.period {
            periods.append(period)
            period = period.next
        }
        return periods
    }

    // MARK: Files

    func read(_ path: String) throws(BillingError) -> [UInt8] {
        try BillingError.storing { () throws(MeteringError) in try disk.read(path) }
    }

    func readIfPresent(_ path: String) throws(BillingError) -> [UInt8]? {
        try BillingError.storing { () throws(MeteringError) in try disk.readIfPresent(path) }
    }

    func write(_ path: String, _ bytes: [UInt8]) throws(BillingError) {
        _ = try BillingError.storing { () throws(MeteringError) in try disk.replace(path, with: bytes) }
    }
}

/// Where things lie in the data directory.
struct BillingPaths: Sendable {
    let data: String

    var usage: String { "\(data)/usage" }
    var billing: String { "\(data)/billing" }
    var bank: String { "\(data)/billing/bank" }
    var prices: String { "\(data)/billing/prices" }
    var ledger: String { "\(data)/ledger.sqlite" }

    func folder(_ period: BillingPeriod) -> String { "\(billing)/\(period)" }
    func file(_ period: BillingPeriod, _ name: String) -> String { "\(folder(period))/\(name)" }
}
