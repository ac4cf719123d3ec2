internal import Marketplace
internal import Metering
internal import Provenance

/// The files of issued documents: JSON as it was issued, HTML, CSV, and EN 16931 XML where it can carry them.
extension BillingNight {
    /// Writes what is not there yet, and says of how many invoices. A file that says something else than the books
    /// is an error, never overwritten.
    func writeDocuments(
        _ issued: [LedgerTransaction.Issued], _ filled: FilledIn = FilledIn()
    ) throws(BillingError) -> Int {
        let isWhole = try inParallel(issued) { (one) throws(BillingError) -> Bool in
            let path = "\(paths.folder(one.period))/invoices/\(one.number)"
            return try stands(one, path + ".json") && disk.exists(path + ".html")
                && disk.exists(path + ".csv")
        }
        let missing = zip(issued, isWhole).filter { !$0.1 }.map(\.0)
        if missing.isEmpty { return 0 }
        let template = try PageTemplate(templates.invoice, subject: "invoice")
        // Some at a time: a month's documents are too large to be held together.
        for range in stretches(of: missing.count, size: 128) {
            let batches = try inParallel(Array(missing[range])) {
                (one) throws(BillingError) -> [(path: String, bytes: [UInt8])] in
                let path = "\(paths.folder(one.period))/invoices/\(one.number)"
                var files = filled.files[one.digest] ?? []
                if files.isEmpty {
                    files = self.files(of: try Invoice(json: one.document, subject: one.number), template)
                }
                // What was issued once stays as it was, also where the template has changed since.
                return files.map { (path: path + $0.name, bytes: $0.bytes) }.filter { !disk.exists($0.path) }
                    + [(path: path + ".json", bytes: one.document)]
            }
            let batch = batches.flatMap { $0 }
            try BillingError.storing { () throws(MeteringError) in try disk.replaceAll(batch) }
        }
        return missing.count
    }

    /// What stands beside an invoice's own document.
    func files(of invoice: Invoice, _ template: PageTemplate) -> [FilledIn.File] {
        var files: [FilledIn.File] = [
            (".html", template.page(BillingPages.model(of: invoice))), (".csv", FocusCSV.bytes(invoice)),
        ]
        let refusal = UBLDocument.refusal(
            currency: invoice.currency, customer: invoice.customer, seller: invoice.seller)
        if refusal == nil { files.append((".xml", UBLDocument.bytes(invoice))) }
        return files
    }

    /// True where the file is there and says what the books say.
    private func stands(_ issued: LedgerTransaction.Issued, _ path: String) throws(BillingError) -> Bool {
        guard Digest.sha256(of: issued.document) == issued.digest else {
            throw BillingError(.immutable, issued.number, "its document is not the one that was issued")
        }
        guard let held = try readIfPresent(path) else { return false }
        guard held == issued.document else {
            throw BillingError(.immutable, path, "was changed after it was issued")
        }
        return true
    }

    // MARK: Credit notes

    func writeCreditNote(_ number: String) throws(BillingError) {
        if let issued = try ledger.read({ try $0.invoices(number: number).first }) {
            _ = try writeCreditNote(issued)
        }
    }

    /// In the folder of the month in which it was issued: the invoice's own month is closed.
    func writeCreditNote(_ issued: LedgerTransaction.Issued) throws(BillingError) -> Bool {
        let path = "\(paths.folder(issued.period))/invoices/\(issued.number)-credit"
        if try stands(issued, path + ".json"), disk.exists(path + ".html"), disk.exists(path + ".csv") {
            return false
        }
        let note = try BillingJSON.decode(CreditNote.self, from: issued.document, subject: issued.number)
        let invoice = try self.issued(note.invoice)
        var files: [(name: String, bytes: [UInt8])] = [
            (
                ".html",
                try PageTemplate(templates.credit, subject: note.number).page(BillingPages.model(of: note))
            ),
            (".csv", FocusCSV.bytes(note, invoice)),
        ]
        let refusal = UBLDocument.refusal(
            currency: note.currency, customer: note.customer, seller: note.seller)
        if refusal == nil { files.append((".xml", UBLDocument.bytes(note))) }
        for file in files where !disk.exists(path + file.name) { try write(path + file.name, file.bytes) }
        try write(path + ".json", issued.document)
        return true
    }
}

/// Files of invoices that were filled in already, by the digest of the document that they show.
struct FilledIn: Sendable {
    typealias File = (name: String, bytes: [UInt8])

    /// What is held together of a month: some hundred MiB. The others are filled in when they are written.
    static let most = 1_024

    private(set) var files: [Digest: [File]] = [:]

    init() {}

    init(_ invoices: [(digest: Digest, files: [File])]) {
        files = Dictionary(invoices.map { ($0.digest, $0.files) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func add(_ other: FilledIn) {
        for (digest, own) in other.files where files.count < Self.most { files[digest] = own }
    }
}
