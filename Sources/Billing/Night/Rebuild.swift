public import Marketplace
internal import Metering

extension BillingNight {
    /// Makes a closed period anew, from the segments and the frozen prices alone, and compares: the roll-up's and the
    /// rater's files byte for byte, and every issued invoice with its draft. Throws with the first difference.
    public func rebuild(_ period: BillingPeriod) throws(BillingError) -> StageSummary {
        guard try ledger.read({ try $0.closings() }).contains(where: { $0.period == period }) else {
            throw BillingError(.notFound, "\(period)", "is not a closed period")
        }
        let sources = try closedSources(period)
        let options = RollUp.Options(until: period.endDay.start, lateBefore: period.firstDay.start)
        let result = try BillingError.storing { () throws(MeteringError) in
            try RollUp(options: options, disk: disk).run(sources)
        }
        try compare(paths.file(period, "usage.csv"), result.csv())
        try compare(paths.file(period, "usage-by-plan.csv"), result.csvByPlan())
        let amounts = MeterLines.write(result.amounts) { .amount($0) }
        try compare(paths.file(period, "amounts.jsonl"), amounts)
        let again = try ratedPeriod(period)
        for (name, bytes) in try ratedFiles(again) { try compare(paths.file(period, name), bytes) }
        var summary = StageSummary("rebuild", counts: ["files": 5])
        for issued in try ledger.read({ try $0.invoices(period: period) }) where issued.kind == "invoice" {
            let invoice = try Invoice(json: issued.document, subject: issued.number)
            let draft = again.drafts.first { $0.tenant == invoice.tenant && $0.currency == invoice.currency }
            guard let draft, draft.lines == invoice.lines, draft.total == invoice.total,
                draft.shares == invoice.shares
            else {
                throw BillingError(.conservation, issued.number, "comes out otherwise when it is made anew")
            }
            try compare("\(paths.folder(period))/invoices/\(issued.number).json", issued.document)
            summary.counts["invoices", default: 0] += 1
        }
        return summary
    }

    private func compare(_ path: String, _ bytes: [UInt8]) throws(BillingError) {
        guard try read(path) == bytes else {
            throw BillingError(.conservation, path, "comes out otherwise when it is made anew")
        }
    }
}
