internal import Marketplace
internal import Metering
internal import Provenance

/// What a period's roll-up was made of; stays beside it.
struct PeriodInputs: Codable {
    struct Segment: Codable, Hashable {
        /// Relative to the data directory.
        var path: String
        var node: String
        var sequence: Int64
        var day: Day
        /// The seal's digest.
        var sha256: Digest
    }

    var schema = 1
    var period: BillingPeriod
    var segments: [Segment]
    var account: RollUpResult.Account
    /// Segments that are missing, by node.
    var gaps: [String: [Int64]]
    /// Tenants whose invoices wait, each with why.
    var held: [String: String]
    /// Nodes that were still writing.
    var live: [String]
}

extension BillingNight {
    /// Seals what crashed nodes left open.
    public func seal() throws(BillingError) -> StageSummary {
        let sealing = try BillingError.storing { () throws(MeteringError) in
            try SegmentFolder(paths.usage, disk: disk).seal()
        }
        let torn = sealing.recovered.filter { $0.tornBytes > 0 }
        return StageSummary(
            "seal",
            counts: [
                "sealed": Int64(sealing.sealed), "recovered": Int64(sealing.recovered.count),
                "live": Int64(sealing.live.count),
            ], alarms: torn.map { "\(Disk.name(of: $0.path)): \($0.tornBytes) bytes of a torn line were cut" }
        )
    }

    /// Every open period's usage to sums, its subscriptions to a list, its prices to frozen files.
    public func rollUp() throws(BillingError) -> StageSummary {
        var summary = StageSummary("roll-up")
        let catalogue = try segmentCatalogue(&summary)
        let closed = try ledger.read { try $0.closings().map(\.period) }
        var billed: [String: BillingPeriod] = [:]
        for period in closed {
            let inputs = try BillingJSON.decode(
                PeriodInputs.self, from: try read(paths.file(period, "inputs.json")),
                subject: "inputs of \(period)")
            for segment in inputs.segments { billed["\(segment.node)-\(segment.sequence)"] = period }
        }
        var isFirst = true
        let periods = try openPeriods()
        for (index, period) in periods.enumerated() {
            progress("roll-up", index, periods.count)
            let (result, inputs) = try rolledUp(period, catalogue, billed, hasOpenBefore: !isFirst)
            try writeRollUp(period, result, inputs)
            summary.count(result, period)
            if asOf >= dueTime(period), inputs.live.isEmpty {
                // It is closed by this night: what follows is rolled up as it will be on any later run.
                for segment in inputs.segments { billed["\(segment.node)-\(segment.sequence)"] = period }
            } else {
                isFirst = false
            }
        }
        progress("roll-up", periods.count, periods.count)
        return summary
    }

    /// The last open period's usage as the log has it at this moment, with nothing written: what a preview rates.
    func partialRollUp() throws(BillingError) -> (
        period: BillingPeriod, result: RollUpResult, inputs: PeriodInputs
    )? {
        guard let period = try openPeriods().last else { return nil }
        var ignored = StageSummary("preview")
        let catalogue = try segmentCatalogue(&ignored)
        var billed: [String: BillingPeriod] = [:]
        for closing in try ledger.read({ try $0.closings() }) {
            for segment in try inputs(closing.period).segments {
                billed["\(segment.node)-\(segment.sequence)"] = closing.period
            }
        }
        let isAlone = try openPeriods().count == 1
        let (result, inputs) = try rolledUp(period, catalogue, billed, hasOpenBefore: !isAlone)
        return (period, result, inputs)
    }

    /// A sealed segment, or one that is being written.
    struct CatalogueEntry {
        var name: SegmentName
        var seal: SegmentSeal?
        var span: SegmentSpan
        var key: String { "\(name.node)-\(name.sequence)" }
    }

    struct Catalogue {
        var entries: [CatalogueEntry]
        var gaps: [String: [Int64]]
    }

    private func segmentCatalogue(_ summary: inout StageSummary) throws(BillingError) -> Catalogue {
        let folder = SegmentFolder(paths.usage, disk: disk)
        var entries: [CatalogueEntry] = []
        var contents: [(name: SegmentName, contents: SegmentContents)] = []
        var gaps: [String: [Int64]] = [:]
        let names = try BillingError.storing { () throws(MeteringError) in try folder.segments() }
        let facts = try inParallel(names) { (name) throws(BillingError) in
            try BillingError.storing { () throws(MeteringError) in
                try SegmentReader.facts(folder.path(of: name), disk: disk)
            }
        }
        for (name, read) in zip(names, facts) {
            // A segment counts once by its node and sequence, however often it was copied.
            if let same = entries.last(where: {
                $0.name.node == name.node && $0.name.sequence == name.sequence
            }) {
                guard same.seal == read.seal else {
                    throw BillingError(
                        .incomplete, name.path,
                        "another segment of this node and sequence has another content")
                }
                continue
            }
            entries.append(CatalogueEntry(name: name, seal: read.seal, span: read.span))
            if let last = contents.last, last.name.node != name.node { contents.removeAll() }
            contents.append((name, read))
            let found = try BillingError.storing { () throws(MeteringError) in
                try SegmentReader.gaps(Array(contents.suffix(2)))
            }
            for (node, missing) in found { gaps[node, default: []] += missing }
            contents = Array(contents.suffix(1))
        }
        for (node, missing) in gaps.sorted(by: { $0.key < $1.key }) {
            summary.alarms.append("node \(node): segments \(missing.prefix(5)) are missing")
        }
        summary.counts["segments"] = Int64(entries.count)
        return Catalogue(entries: entries, gaps: gaps)
    }

    private func rolledUp(
        _ period: BillingPeriod, _ catalogue: Catalogue, _ billed: [String: BillingPeriod],
        hasOpenBefore: Bool
    ) throws(BillingError) -> (RollUpResult, PeriodInputs) {
        let isDue = asOf >= dueTime(period)
        let start = period.firstDay.start
        var sources: [RollUp.Source] = []
        var exhausted: [RollUp.Source] = []
        var used: [CatalogueEntry] = []
        var live: [String] = []
        for entry in catalogue.entries {
            let path = "\(paths.usage)/\(entry.name.path)"
            if entry.seal == nil {
                if entry.name.day < period.endDay { live.append(entry.key) }
                if isDue { continue }
            }
            if let before = billed[entry.key] {
                if entry.name.day < before.endDay {
                    exhausted.append(
                        .init(path, role: .known, billedBefore: before.endDay.start, verified: entry.span))
                    continue
                }
                sources.append(.init(path, billedBefore: before.endDay.start, verified: entry.span))
            } else if hasOpenBefore {
                // The open period before this one bills what comes before its end.
                sources.append(.init(path, billedBefore: start, verified: entry.span))
            } else {
                sources.append(.init(path, verified: entry.span))
            }
            used.append(entry)
        }
        let options = RollUp.Options(until: period.endDay.start, lateBefore: start)
        var result = try BillingError.storing { () throws(MeteringError) in
            try RollUp(options: options, disk: disk).run(sources)
        }
        if result.account.late > 0, !exhausted.isEmpty {
            // Something late came: it may be a copy of what a closed period has billed.
            result = try BillingError.storing { () throws(MeteringError) in
                try RollUp(options: options, disk: disk).run(sources + exhausted)
            }
        }
        var held: [String: String] = [:]
        for tenant in result.disputedTenants { held[tenant] = "usage lines with one id say different things" }
        for (node, missing) in catalogue.gaps {
            let own = used.filter { $0.name.node == node }.map {
                RollUp.Source("\(paths.usage)/\($0.name.path)", verified: $0.span)
            }
            let served = try BillingError.storing { () throws(MeteringError) in
                try RollUp(options: options, disk: disk).run(own).tenantNames
            }
            for tenant in served {
                held[tenant] = "segments \(missing.prefix(5)) of node \(node) are missing"
            }
        }
        let inputs = PeriodInputs(
            period: period,
            segments: used.compactMap { entry in
                entry.seal.map {
                    PeriodInputs.Segment(
                        path: "usage/\(entry.name.path)", node: entry.name.node,
                        sequence: entry.name.sequence,
                        day: entry.name.day, sha256: $0.sha256)
                }
            }, account: result.account, gaps: catalogue.gaps, held: held, live: live)
        return (result, inputs)
    }

    private func writeRollUp(
        _ period: BillingPeriod, _ result: RollUpResult, _ inputs: PeriodInputs
    ) throws(BillingError) {
        try both { () throws(BillingError) in
            try write(paths.file(period, "usage.csv"), result.csv())
        } _: { () throws(BillingError) in
            try write(paths.file(period, "usage-by-plan.csv"), result.csvByPlan())
        }
        let prefix = paths.data + "/"
        let quarantine = result.quarantined.map { line in
            QuarantinedLine(
                file: line.file.hasPrefix(prefix) ? String(line.file.dropFirst(prefix.count)) : line.file,
                offset: line.offset, why: line.why)
        }
        try write(
            paths.file(period, "quarantine.json"), try BillingJSON.encode(quarantine, subject: "quarantine"))
        try write(
            paths.file(period, "amounts.jsonl"), MeterLines.write(result.amounts) { .amount($0) })
        let sorted = try subscriptions(period, result)
        var book = prices
        for event in sorted {
            if let pricing = event.pricing { try book.add(pricing) }
        }
        try book.freeze(into: paths.prices, disk)
        try write(
            paths.file(period, "subscriptions.jsonl"), MeterLines.write(sorted) { .subscription($0) })
        try write(paths.file(period, "inputs.json"), try BillingJSON.encode(inputs, subject: "inputs"))
    }

    /// Subscriptions go on for ever: the period before hands its list on.
    func subscriptions(_ period: BillingPeriod, _ result: RollUpResult) throws(BillingError)
        -> [SubscriptionEvent]
    {
        var events: [SubscriptionEvent] = []
        var known: Set<String> = []
        if let before = try readIfPresent(paths.file(period.previous, "subscriptions.jsonl")) {
            events = try MeterLines.subscriptions(before, subject: "subscriptions of \(period.previous)")
            known = Set(events.map(\.id))
        }
        for event in result.subscriptions where known.insert(event.id).inserted { events.append(event) }
        return events.placesInTime.map { events[$0] }
    }

    /// Every open period's sums and subscriptions to drafts of invoices.
    public func rate() throws(BillingError) -> StageSummary {
        var summary = StageSummary("rate")
        for period in try openPeriods() {
            let rated = try ratedPeriod(period)
            for (name, bytes) in try ratedFiles(rated) { try write(paths.file(period, name), bytes) }
            summary.counts["drafts", default: 0] += Int64(rated.drafts.count)
            summary.counts["held", default: 0] += Int64(rated.held.count)
            let (told, alarms) = rated.alarms.parted { $0.code.hasPrefix("spend-") }
            summary.alarms += alarms.map { "\(period): \($0.subject): \($0.text)" }
            // What a tenant is told of its own limit is nothing that the operator has to look at.
            summary.counts["spendAlerts", default: 0] += Int64(told.count)
            try write(paths.file(period, "alerts.json"), try BillingJSON.encode(told, subject: "alerts"))
            summary.add("net \(period)", rated.drafts.map(\.net))
        }
        return summary
    }

    /// What the rating of a period writes.
    func ratedFiles(_ rated: RatedPeriod) throws(BillingError) -> [(name: String, bytes: [UInt8])] {
        var rated = rated
        rated.draftCount = rated.drafts.count
        let lines = try inParallel(rated.drafts) { (draft) throws(BillingError) -> [UInt8] in draft.line() }
        var drafts: [UInt8] = []
        drafts.reserveCapacity(lines.reduce(0) { $0 + $1.count + 1 })
        for line in lines {
            drafts += line
            drafts.append(0x0A)
        }
        return [
            ("drafts.jsonl", drafts),
            ("rated.json", try BillingJSON.encode(rated, subject: "rated \(rated.period)")),
        ]
    }

    func rated(_ period: BillingPeriod) throws(BillingError) -> RatedPeriod {
        var rated = try BillingJSON.decode(
            RatedPeriod.self, from: try read(paths.file(period, "rated.json")), subject: "rated \(period)")
        let lines = try read(paths.file(period, "drafts.jsonl")).wholeLines(size: 1)
        guard lines.count == rated.draftCount else {
            throw BillingError(
                .storage, "\(period)/drafts.jsonl", "has not the \(rated.draftCount) drafts of rated.json")
        }
        rated.drafts = try inParallel(lines) { (line) throws(BillingError) -> Invoice in
            try Invoice(json: Array(line), subject: "drafts of \(period)")
        }
        return rated
    }

    func ratedPeriod(_ period: BillingPeriod) throws(BillingError) -> RatedPeriod {
        let inputs = try BillingJSON.decode(
            PeriodInputs.self, from: try read(paths.file(period, "inputs.json")),
            subject: "inputs of \(period)")
        var book = prices
        try book.thaw(from: paths.prices, disk)
        let amounts = try MeterLines.amounts(
            try read(paths.file(period, "amounts.jsonl")), subject: "amounts")
        let (usage, subscriptions) = try both { () throws(BillingError) in
            try UsageTable(
                csv: try read(paths.file(period, "usage-by-plan.csv")), subject: "usage of \(period)")
        } _: { () throws(BillingError) in
            Subscription.all(
                try MeterLines.subscriptions(
                    try read(paths.file(period, "subscriptions.jsonl")), subject: "subscriptions of \(period)"
                ),
                end: period.endDay.start)
        }
        var drafter = Drafter(
            period: period, config: config, prices: book.prices, usage: usage, amounts: amounts,
            held: inputs.held)
        for (tenant, why) in inputs.held.sorted(by: { $0.key < $1.key }) {
            drafter.alarms.append(Alarm(code: "held", subject: tenant, text: why))
        }
        let drafts = try drafter.draft(subscriptions)
        return RatedPeriod(
            period: period, isDue: asOf >= dueTime(period) && inputs.live.isEmpty, drafts: drafts,
            alarms: drafter.alarms
                + inputs.live.map {
                    Alarm(
                        code: "live", subject: $0,
                        text: "the segment is still being written; the period stays open")
                }, held: drafter.held)
    }
}

extension Array {
    /// Those that hold, and the others.
    fileprivate func parted(_ holds: (Element) -> Bool) -> ([Element], [Element]) {
        (filter(holds), filter { !holds($0) })
    }
}

extension StageSummary {
    mutating func count(_ result: RollUpResult, _ period: BillingPeriod) {
        counts["lines", default: 0] += result.account.lines
        counts["counted", default: 0] += result.account.counted
        counts["duplicates", default: 0] += result.account.duplicates
        counts["quarantined", default: 0] += result.account.quarantined
        if !result.quarantined.isEmpty {
            alarms.append("\(period): \(result.quarantined.count) lines are quarantined (quarantine.json)")
        }
    }

    /// Adds many to the totals of that name and their currencies.
    mutating func add(_ name: String, _ amounts: [Money]) {
        var sums: [Currency: Money] = [:]
        for money in amounts { sums[money.currency, default: .zero(money.currency)] += money }
        for sum in sums.values { add(name, sum) }
    }

    /// Adds to a total of that name and currency.
    mutating func add(_ name: String, _ money: Money) {
        let key = "\(name) \(money.currency.code)"
        let before = totals[key].flatMap { Money($0, money.currency) } ?? .zero(money.currency)
        totals[key] = (before + money).amount
    }
}
