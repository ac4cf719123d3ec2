internal import Marketplace
internal import Metering
internal import Provenance

/// The digests of everything that went into a month's folder and came out of it.
struct PeriodManifest: Codable {
    struct File: Codable, Hashable {
        var path: String
        var sha256: Digest
        var bytes: Int
    }

    var schema = 1
    var period: BillingPeriod
    var closed: Bool
    /// The configuration's digest, the segments by their seals, the prices by their names.
    var config: Digest
    var segments: [PeriodInputs.Segment]
    var outputs: [File]
}

extension BillingNight {
    /// Finance's lists as CSV, and the manifest of every month's folder.
    public func report() throws(BillingError) -> StageSummary {
        var summary = StageSummary("report")
        try write("\(paths.billing)/receivables.csv", try receivables())
        try writeRevenue()
        let closed = Set(try ledger.read { try $0.closings().map(\.period) })
        let months = try BillingError.storing { () throws(MeteringError) in try disk.list(paths.billing) }
            .compactMap { BillingPeriod($0) }.sorted()
        let config = Digest.sha256(of: try BillingJSON.encode(config, subject: "configuration"))
        for month in months {
            // A closed period's manifest keeps the configuration under which it was closed.
            var used = config
            if closed.contains(month), let before = try manifest(month), before.closed {
                used = before.config
            }
            try writeManifest(month, closed: closed.contains(month), config: used)
            summary.counts["manifests", default: 0] += 1
        }
        return summary
    }

    func manifest(_ period: BillingPeriod) throws(BillingError) -> PeriodManifest? {
        guard let bytes = try readIfPresent(paths.file(period, "manifest.json")) else { return nil }
        return try BillingJSON.decode(PeriodManifest.self, from: bytes, subject: "manifest of \(period)")
    }

    private func writeManifest(_ period: BillingPeriod, closed: Bool, config: Digest) throws(BillingError) {
        let folder = paths.folder(period)
        var files: [PeriodManifest.File] = []
        for path in try tree(folder, "") where path != "manifest.json" && !path.hasSuffix(".partial") {
            let bytes = try read("\(folder)/\(path)")
            files.append(.init(path: path, sha256: Digest.sha256(of: bytes), bytes: bytes.count))
        }
        var segments: [PeriodInputs.Segment] = []
        if let bytes = try readIfPresent("\(folder)/inputs.json") {
            segments = try BillingJSON.decode(PeriodInputs.self, from: bytes, subject: "inputs").segments
        }
        let manifest = PeriodManifest(
            period: period, closed: closed, config: config, segments: segments, outputs: files)
        try write("\(folder)/manifest.json", try BillingJSON.encode(manifest, subject: "manifest"))
    }

    /// Regular files under a folder, relative, sorted.
    private func tree(_ folder: String, _ prefix: String) throws(BillingError) -> [String] {
        var paths: [String] = []
        for name in try BillingError.storing({ () throws(MeteringError) in try disk.list(folder) }) {
            let inner = try BillingError.storing { () throws(MeteringError) in
                try disk.list("\(folder)/\(name)")
            }
            if inner.isEmpty, disk.isFile("\(folder)/\(name)") {
                paths.append(prefix + name)
            } else {
                paths += try tree("\(folder)/\(name)", prefix + name + "/")
            }
        }
        return paths
    }

    /// Open invoices by age.
    private func receivables() throws(BillingError) -> [UInt8] {
        var out: [UInt8] = []
        CSV.append(&out, ["invoice", "tenant", "issued", "due", "daysOverdue", "open", "currency"])
        let heads = try ledger.read { try $0.heads() }
        for head in heads {
            let open = try ledger.read {
                try $0.balance(Account.receivable(head.tenant), head.currency, invoice: head.number)
            }
            if open == 0 { continue }
            let overdue = max(0, asOf.day.number - head.due.number)
            CSV.append(
                &out,
                [
                    head.number, head.tenant.text, head.issued.description, head.due.description,
                    String(overdue),
                    Money(minor: open, head.currency).amount, head.currency.code,
                ])
        }
        return out
    }

    /// A closed period's revenue by plugin: net, developer's part by publisher, platform's part.
    private func writeRevenue() throws(BillingError) {
        for closing in try ledger.read({ try $0.closings() }) {
            let path = paths.file(closing.period, "revenue.csv")
            if closing.held.isEmpty, disk.exists(path) { continue }
            struct Key: Hashable {
                var plugin: PluginID
                var currency: Currency
            }
            var nets: [Key: Money] = [:]
            for issued in try ledger.read({ try $0.invoices(period: closing.period) })
            where issued.kind == "invoice" {
                let invoice = try BillingJSON.decode(
                    Invoice.self, from: issued.document, subject: issued.number)
                for line in invoice.lines {
                    let key = Key(plugin: line.plugin, currency: invoice.currency)
                    nets[key, default: .zero(invoice.currency)] += line.net
                }
            }
            var out: [UInt8] = []
            CSV.append(&out, ["plugin", "publisher", "currency", "net"])
            for key in nets.keys.sorted(by: { ($0.plugin, $0.currency) < ($1.plugin, $1.currency) }) {
                CSV.append(
                    &out, [key.plugin.text, key.plugin.publisher.text, key.currency.code, nets[key]!.amount])
            }
            try write(path, out)
        }
    }
}
