public import Marketplace
public import Sandbox
import Yams

/// `veroforge.yaml`: who issues invoices, where the marketplace stands, shares, taxes, currencies.
/// An unknown key is an error: a mistyped rate must not become a default.
public struct Configuration: Sendable, Codable, Equatable {
    public struct Issuer: Sendable, Codable, Equatable {
        public let name: String
        public let address: [String]
        public let country: String
        public let vatId: String
        public let email: String
        /// Where customers pay to, and what payouts are made from.
        public let iban: String
        public let bic: String
    }

    /// A rate of tax from a day on. `category` is EN 16931's code: S standard, Z zero, E exempt, AE reverse charge.
    public struct TaxRate: Sendable, Codable, Equatable {
        public let country: String
        public let category: String
        /// For customers with a VAT number (true), without one (false); where it is missing, for both.
        public let withVatId: Bool?
        /// Percent, as a decimal string.
        public let rate: String
        public let from: Day
    }

    /// Where a publisher's shares are paid to. A publisher without one keeps its balance, and the night says so.
    public struct PayoutAccount: Sendable, Codable, Equatable {
        public let publisher: PublisherID
        public let iban: String
        public let bic: String
    }

    public let format: Int
    /// Only a data directory so marked lets its clock be set.
    public let demo: Bool
    public let issuer: Issuer
    public let baseURL: String
    public let runtimeURL: String
    public let currencies: [Currency]
    /// The developers' part of the net, as a decimal string: the seed's 70/30 is `"0.70"`.
    public let share: String
    public let invoicePrefix: String
    /// Days between a payment's arrival and the payout of its share.
    public let holdDays: Int
    public let processor: String
    public let tax: [TaxRate]
    public let payoutAccounts: [PayoutAccount]
    public let billing: BillingSettings?
    /// Days an expiring piece of signed metadata is good for.
    public let metadataDays: Int
    /// Which back end keeps a plugin apart: by `verified`, `unverified` or a plugin's id.
    public let isolation: [String: String]?

    /// `isolation` as a policy; the file was checked when it was read.
    public var isolationPolicy: IsolationPolicy {
        var policy = IsolationPolicy()
        for (key, value) in isolation ?? [:] { _ = policy.set(key, value) }
        return policy
    }

    static let keys: Set<String> = [
        "format", "demo", "issuer", "baseURL", "runtimeURL", "currencies", "share", "invoicePrefix",
        "holdDays",
        "processor", "tax", "metadataDays", "payoutAccounts", "isolation",
        "billing",
        // The runtime's own, which it reads and checks itself.
        "catalogue", "runtime",
    ]

    static func read(_ text: String, named name: String) throws(PipelineError) -> Configuration {
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch { throw wrong(name, "\(error)") }
        guard let mapping = node?.mapping else { throw wrong(name, "it is no mapping") }
        // A newer file may hold what is unknown here; its version is the better message.
        let format = mapping["format"]?.int ?? 0
        if format <= DataDirectory.format {
            for (key, _) in mapping where !keys.contains(key.string ?? "") {
                throw unknown(key.string ?? "a key", line: key.mark?.line ?? 0, of: keys, name)
            }
            if let found = mapping["billing"].flatMap(BillingSettings.unknownKey) {
                throw unknown(found.key, line: found.line, of: found.known, name)
            }
        } else {
            throw PipelineError(
                .usage,
                "\(name) is of a newer version (format \(format), this program reads \(DataDirectory.format))",
                remedy: "Use the programs that wrote it, or a newer release.")
        }
        let configuration: Configuration
        do {
            configuration = try YAMLDecoder().decode(Configuration.self, from: text)
        } catch let error as DecodingError {
            throw wrong(name, words(error))
        } catch { throw wrong(name, "\(error)") }
        try configuration.check(name)
        return configuration
    }

    private func check(_ name: String) throws(PipelineError) {
        guard format >= 1 else { throw Self.wrong(name, "format must be \(DataDirectory.format)") }
        guard let share = DecimalText(share)?.scaled(by: 6), (0...1_000_000).contains(share) else {
            throw Self.wrong(name, "share must be a decimal between 0 and 1, like \"0.70\"")
        }
        guard !currencies.isEmpty else { throw Self.wrong(name, "currencies is empty") }
        guard (0...365).contains(holdDays) else { throw Self.wrong(name, "holdDays must be 0 to 365") }
        guard (1...365).contains(metadataDays) else {
            throw Self.wrong(name, "metadataDays must be 1 to 365")
        }
        var policy = IsolationPolicy()
        for (key, value) in (isolation ?? [:]).sorted(by: { $0.key < $1.key }) {
            if let problem = policy.set(key, value) { throw Self.wrong(name, "isolation: \(problem)") }
        }
        for rate in tax {
            guard let percent = DecimalText(rate.rate)?.scaled(by: 4), (0...1_000_000).contains(percent)
            else {
                throw Self.wrong(name, "tax rate \(rate.rate) is no percentage between 0 and 100")
            }
        }
        do throws(PipelineError) { try BillingRoom.check(self) } catch {
            throw Self.wrong(name, error.message)
        }
    }

    private static func unknown(
        _ key: String, line: Int, of known: Set<String>, _ name: String
    ) -> PipelineError {
        let near = known.sorted().first { EditDistance.between($0, key) <= 2 }
        return wrong(
            name, "line \(line): \(key) is unknown" + (near.map { " (did you mean \($0)?)" } ?? ""))
    }

    private static func wrong(_ name: String, _ what: String) -> PipelineError {
        PipelineError(
            .usage, "\(name): \(what)", remedy: "Correct it and check with `veroforge config check`.")
    }

    private static func words(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            return
                "\((context.codingPath.map(\.stringValue) + [key.stringValue]).joined(separator: ".")) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return
                "\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }

    /// The demo's two publishers; the numbers are those that banks print in examples.
    private static let demoAccounts = """
        [{publisher: veroforge, iban: DE89370400440532013000, bic: COBADEFFXXX}, \
        {publisher: northwind-samples, iban: DE75512108001245126199, bic: SOLADEST600}]
        """

    /// What `veroforge init` writes: complete, with each line's meaning, sample data where a name must stand.
    public static func template(demo: Bool) -> String {
        """
        # The marketplace's configuration. `veroforge config check` says what is wrong with it.
        format: 1
        # In a data directory of a demo, and only there, the clock may be set with --clock and --as-of.
        demo: \(demo)

        # The seller of record: what stands on invoices.
        issuer:
          name: Sample Marketplace Operator
          address: ["1 Example Street", "12345 Sample City"]
          country: DE
          vatId: DE000000000
          email: billing@marketplace.example
          iban: DE02120300000000202051
          bic: BYLADEM1001

        # Where the public site and the runtime's API are reached.
        baseURL: https://marketplace.example
        runtimeURL: http://127.0.0.1:8460

        currencies: [USD, EUR, JPY, KWD]
        # The developers' part of each net amount; the rest is the platform's.
        share: "0.70"
        invoicePrefix: VF
        # Days that a collected share is held before it is paid out.
        holdDays: 14
        processor: bank-transfer
        # Where publishers are paid: {publisher: ID, iban: …, bic: …}, one a line.
        payoutAccounts: \(demo ? demoAccounts : "[]")
        # Days until the signed timestamp of the catalogue expires: how long a mirror could hold back news unnoticed.
        metadataDays: \(demo ? 365 : 7)

        # What else finance may set, all of it optional (docs/billing.md, Settings):
        # billing:
        #   shares: [{plugin: veroforge.slack, version: 1.0.0, share: "0.80", from: 2026-07-01}]
        #   coupons: [{id: WELCOME, tenant: acme-field, percent: "10", from: 2026-01-01, until: 2026-04-01}]
        #   releases: [{period: 2026-01, tenant: acme-field}]
        #   payoutMinimums: {EUR: "25.00"}

        # Tax by the customer's country, from a day on: the last line that fits counts. A country without a line: 0 %.
        tax:
          - {country: DE, category: S, rate: "19", from: 2007-01-01}
          - {country: US, category: Z, rate: "0", from: 2000-01-01}

        # Which sandbox keeps a plugin apart, by the trust in its publisher (or by a plugin's id): native, gvisor, microvm.
        # `veroforge sandbox doctor` says which of them work here. A customer may choose a stronger one, never a weaker.
        isolation: {verified: native, unverified: native}

        # The public directory that the runtime installs from.
        catalogue: site/public
        # Settings of the runtime; `veroforge-runtime serve --print-config` shows all of them.
        runtime:
          port: 8460
        """ + "\n"
    }
}
