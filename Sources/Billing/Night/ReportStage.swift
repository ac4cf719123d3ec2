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

/// The digests of a night's inputs and outputs; the segments stand in the months' own manifests.
struct NightManifest: Codable {
    var schema = 1
    var asOf: Instant
    var config: Digest
    var prices: [PeriodManifest.File]
    var statements: [PeriodManifest.File]
    var outputs: [PeriodManifest.File]
}

extension BillingNight {
    /// Finance's lists as CSV, and the manifest of every month's folder.
    public func report() throws(BillingError) -> StageSummary {
        var summary = StageSummary("report")
        try write("\(paths.billing)/receivables.csv", try receivables())
        try writeRevenue()
        try writeFinance()
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
        try writeNightManifest(config, months)
        return summary
    }

    /// What went into the night and what came out of it: months by their own manifests, the rest file by file.
    private func writeNightManifest(_ config: Digest, _ months: [BillingPeriod]) throws(BillingError) {
        func digests(_ folder: String, _ prefix: String) throws(BillingError) -> [PeriodManifest.File] {
            try files(try tree("\(paths.billing)/\(folder)", ""), in: "\(paths.billing)/\(folder)").map {
                .init(path: prefix + $0.path, sha256: $0.sha256, bytes: $0.bytes)
            }
        }
        var outputs = try digests("finance", "finance/")
        for name in try BillingError.storing({ () throws(MeteringError) in try disk.list(paths.billing) })
        where name != "manifest.json" && disk.isFile("\(paths.billing)/\(name)")
            && !name.hasSuffix(".partial")
        {
            let bytes = try read("\(paths.billing)/\(name)")
            outputs.append(.init(path: name, sha256: Digest.sha256(of: bytes), bytes: bytes.count))
        }
        for month in months {
            let bytes = try read(paths.file(month, "manifest.json"))
            outputs.append(
                .init(path: "\(month)/manifest.json", sha256: Digest.sha256(of: bytes), bytes: bytes.count))
        }
        let manifest = NightManifest(
            asOf: asOf, config: config, prices: try digests("prices", "prices/"),
            statements: try digests("bank", "bank/"), outputs: outputs.sorted { $0.path < $1.path })
        try write("\(paths.billing)/manifest.json", try BillingJSON.encode(manifest, subject: "manifest"))
    }

    func manifest(_ period: BillingPeriod) throws(BillingError) -> PeriodManifest? {
        guard let bytes = try readIfPresent(paths.file(period, "manifest.json")) else { return nil }
        return try BillingJSON.decode(PeriodManifest.self, from: bytes, subject: "manifest of \(period)")
    }

    private func writeManifest(_ period: BillingPeriod, closed: Bool, config: Digest) throws(BillingError) {
        let folder = paths.folder(period)
        let files = try files(try tree(folder, "").filter { $0 != "manifest.json" }, in: folder)
        var segments: [PeriodInputs.Segment] = []
        if let bytes = try readIfPresent("\(folder)/inputs.json") {
            segments = try BillingJSON.decode(PeriodInputs.self, from: bytes, subject: "inputs").segments
        }
        let manifest = PeriodManifest(
            period: period, closed: closed, config: config, segments: segments, outputs: files)
        try write("\(folder)/manifest.json", try BillingJSON.encode(manifest, subject: "manifest"))
    }

    /// Files with their digests, but for those that are being written.
    private func files(_ names: [String], in folder: String) throws(BillingError) -> [PeriodManifest.File] {
        try inParallel(names.filter { !$0.hasSuffix(".partial") }) { (name) throws(BillingError) in
            let bytes = try read("\(folder)/\(name)")
            return PeriodManifest.File(path: name, sha256: Digest.sha256(of: bytes), bytes: bytes.count)
        }
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
        let balances = try ledger.read { try $0.openInvoices() }
        for head in heads {
            guard let open = balances[head.number], open != 0 else { continue }
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
}
