public import Billing
import Marketplace
import Registry

/// Billing over a data directory: the operator's configuration and the publishers' accounts, handed down as values.
public struct BillingRoom: Sendable {
    public let night: BillingNight

    public init(_ context: RunContext, progress: Progress = Progress(visible: false)) throws(PipelineError) {
        let config = try Self.config(context.data.configuration)
        let publishers = try PipelineError.translating { () throws(RegistryError) in
            try context.registry.publishers()
        }
        func template(_ name: String) throws(PipelineError) -> String {
            String(
                decoding: try Files.read("\(context.programs.templates)/billing/\(name).mustache"),
                as: UTF8.self)
        }
        let templates = BillingTemplates(
            invoice: try template("invoice"), statement: try template("statement"),
            credit: try template("credit"), finance: try template("finance"))
        let processor = try Self.processor(context.data)
        night = try Self.translating { () throws(BillingError) in
            try BillingNight(
                data: context.data.root, config: config, asOf: context.now, templates: templates,
                publishers: publishers.map { publisher in
                    let account = context.data.configuration.payoutAccounts.first {
                        $0.publisher == publisher.id
                    }
                    return PublisherAccount(
                        id: publisher.id, name: publisher.name, country: publisher.country,
                        iban: account?.iban ?? "",
                        bic: account?.bic ?? "")
                }, processor: processor, progress: { stage, done, total in progress.show(stage, done, total) }
            )
        }
    }

    /// The processor that `veroforge.yaml` names; nil is the bank transfer. Stripe's key lies in `keys/stripe.json`:
    /// `{"secretKey", "url"?, "webhookSecret"?}`, which nobody but the operator may read.
    static func processor(_ data: DataDirectory) throws(PipelineError) -> (any PaymentProcessor)? {
        switch data.configuration.processor {
        case "bank-transfer": return nil
        case "stripe":
            let keys = try StripeKeys(data)
            return StripeProcessor(secretKey: keys.secretKey, base: keys.url, sender: HTTPSender())
        case let other:
            throw PipelineError(
                .usage, "processor: \(other) is none", remedy: "Write bank-transfer or stripe.")
        }
    }

    /// Runs one stage and turns its summary into the run's words.
    func step(
        _ name: String, _ body: (BillingNight) throws(BillingError) -> StageSummary
    ) throws(PipelineError) -> StageReport {
        let summary = try Self.translating { () throws(BillingError) in try body(night) }
        try Self.translating { () throws(BillingError) in try night.close() }
        var report = StageReport(stage: name)
        report.done = Int(summary.counts.values.reduce(0, +))
        report.failed = summary.alarms.count
        report.notes = summary.alarms
        report.totals = summary.totals
        return report
    }

    public static func translating<T>(_ body: () throws(BillingError) -> T) throws(PipelineError) -> T {
        do { return try body() } catch {
            let code: ExitCode =
                switch error.code.rawValue {
                case "configuration", "input": .usage
                case "notFound", "not-found": .notFound
                default: .incomplete
                }
            throw PipelineError(code, "\(error)")
        }
    }

    /// `veroforge.yaml` as billing reads it.
    static func config(_ configuration: Configuration) throws(PipelineError) -> BillingConfig {
        let issuer = configuration.issuer
        // Checked when the file was read.
        let share = Int64(DecimalText(configuration.share)?.scaled(by: 4) ?? 7_000)
        var rates = configuration.tax.map {
            BillingConfig.TaxRate(
                category: $0.category, country: $0.country, withVATID: $0.withVatId, rate: $0.rate,
                from: $0.from)
        }
        // A country without a line is outside the scope of the operator's tax.
        rates.append(BillingConfig.TaxRate(category: "O", country: "*", rate: "0", from: Day(number: 0)))
        var config = BillingConfig(
            issuer: .init(
                name: issuer.name, address: issuer.address.joined(separator: "\n"), country: issuer.country,
                vatID: issuer.vatId, iban: issuer.iban, bic: issuer.bic),
            taxRates: rates, shares: [.init(basisPoints: share, from: Day(number: 0))],
            invoicePrefix: configuration.invoicePrefix, payoutHoldDays: configuration.holdDays)
        try configuration.billing?.apply(to: &config)
        return config
    }

    /// What would fail in the middle of a night, found when the file is read.
    static func check(_ configuration: Configuration) throws(PipelineError) {
        let config = try config(configuration)
        try translating { () throws(BillingError) in try config.check() }
    }
}
