public import Billing
import FoundationEssentials
public import Marketplace
public import Metering

/// The files of a data directory from which account pages take money and usage. Only reads.
public struct AccountBooks: Sendable {
    let usage: String
    let billing: String
    let disk: Disk

    /// `data` is the data directory.
    public init(data: String, disk: Disk = Disk()) {
        usage = "\(data)/usage"
        billing = "\(data)/billing"
        self.disk = disk
    }

    /// An invoice or statement and the file that prints it.
    public struct Document<Value: Sendable>: Sendable {
        public let value: Value
        /// On this machine; without its ending, `.json` and `.html`.
        public let path: String
    }

    /// What was used in a period up to a day, from the segments themselves.
    public func used(in period: BillingPeriod, to day: Day) throws(AccountsError) -> [RollUpRow] {
        let folder = SegmentFolder(usage, disk: disk)
        let rows = try AccountsError.usage { () throws(MeteringError) -> [RollUpRow] in
            let names = try folder.segments().filter {
                $0.day >= period.firstDay && $0.day <= period.endDay.adding(days: 3)
            }
            guard !names.isEmpty else { return [] }
            return try RollUp(disk: disk).run(names.map { RollUp.Source(folder.path(of: $0)) }).rows()
        }
        return rows.filter { period.contains($0.day) && $0.day <= day }
    }

    /// The drafts that the last night rated for an open period; empty before the first night.
    public func drafts(of period: BillingPeriod) throws(AccountsError) -> [Invoice] {
        let path = "\(billing)/\(period)/drafts.jsonl"
        guard let bytes = try bytes(path) else { return [] }
        var drafts: [Invoice] = []
        for line in bytes.split(separator: 0x0A) {
            drafts.append(try decode(Invoice.self, Array(line), path))
        }
        return drafts
    }

    /// Issued invoices, newest first; of one tenant where one is named.
    public func invoices(
        of tenant: TenantID? = nil, in period: BillingPeriod? = nil
    ) throws(AccountsError) -> [Document<Invoice>] {
        var found: [Document<Invoice>] = []
        for path in try files("invoices", period) where !path.hasSuffix("-credit") {
            guard let bytes = try bytes("\(path).json") else { continue }
            let invoice = try decode(Invoice.self, bytes, "\(path).json")
            if let tenant, invoice.tenant != tenant { continue }
            found.append(Document(value: invoice, path: path))
        }
        return found.sorted { ($0.value.period, $0.value.number) > ($1.value.period, $1.value.number) }
    }

    /// A publisher's payout statements, newest first.
    public func statements(of publisher: PublisherID) throws(AccountsError) -> [Document<PayoutStatement>] {
        var found: [Document<PayoutStatement>] = []
        for path in try files("payouts", nil) {
            guard let bytes = try bytes("\(path).json") else { continue }
            // The folder also holds the bank's transfer files.
            guard let statement = try? JSONDecoder().decode(PayoutStatement.self, from: Data(bytes)),
                statement.publisher == publisher
            else { continue }
            found.append(Document(value: statement, path: path))
        }
        return found.sorted { ($0.value.day, $0.value.number) > ($1.value.day, $1.value.number) }
    }

    /// Files `billing/<period>/<folder>/<name>.json`, without the ending, sorted.
    private func files(_ folder: String, _ period: BillingPeriod?) throws(AccountsError) -> [String] {
        var paths: [String] = []
        let periods = try AccountsError.usage { () throws(MeteringError) in try disk.list(billing) }
        for name in periods where BillingPeriod(name) != nil {
            if let period, name != period.description { continue }
            let place = "\(billing)/\(name)/\(folder)"
            let names = try AccountsError.usage { () throws(MeteringError) in try disk.list(place) }
            paths += names.filter { $0.hasSuffix(".json") }.map { "\(place)/\($0.dropLast(5))" }
        }
        return paths.sorted()
    }

    private func bytes(_ path: String) throws(AccountsError) -> [UInt8]? {
        try AccountsError.usage { () throws(MeteringError) in try disk.readIfPresent(path) }
    }

    private func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], _ path: String)
        throws(AccountsError) -> T
    {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw AccountsError(.books, path, "is not what the nights write: \(error)")
        }
    }
}
