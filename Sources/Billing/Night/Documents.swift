internal import Marketplace
internal import Metering
internal import Provenance

/// The files of issued documents: JSON as it was issued, HTML, CSV, and EN 16931 XML where it can carry them.
extension BillingNight {
    /// Writes what is not there yet, and says of how many invoices. A file that says something else than the books
    /// is an error, never overwritten.
    func writeDocuments(_ issued: [LedgerTransaction.Issued]) throws(BillingError) -> Int {
        var missing: [LedgerTransaction.Issued] = []
        for one in issued {
            let path = "\(paths.folder(one.period))/invoices/\(one.number)"
            if try !stands(one, path + ".json") || !disk.exists(path + ".html") || !disk.exists(path + ".csv")
            {
                missing.append(one)
            }
        }
        let template = templates.invoice
        let documents = try inParallel(missing) { (one) throws(BillingError) in
            let invoice = try Invoice(json: one.document, subject: one.number)
            var files: [(name: String, bytes: [UInt8])] = [
                (".html", try BillingPages.invoice(invoice, template: template)),
                (".csv", FocusCSV.bytes(invoice)),
            ]
            let refusal = UBLDocument.refusal(
                currency: invoice.currency, customer: invoice.customer, seller: invoice.seller)
            if refusal == nil { files.append((".xml", UBLDocument.bytes(invoice))) }
            files.append((".json", one.document))
            return files
        }
        var batch: [(path: String, bytes: [UInt8])] = []
        for (one, files) in zip(missing, documents) {
            let path = "\(paths.folder(one.period))/invoices/\(one.number)"
            // What was issued once stays as it was, also where the template has changed since.
            for file in files where file.name == ".json" || !disk.exists(path + file.name) {
                batch.append((path + file.name, file.bytes))
            }
        }
        try BillingError.storing { () throws(MeteringError) in try disk.replaceAll(batch) }
        return missing.count
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
            (".html", try BillingPages.creditNote(note, template: templates.credit)),
            (".csv", FocusCSV.bytes(note, invoice)),
        ]
        let refusal = UBLDocument.refusal(
            currency: note.currency, customer: note.customer, seller: note.seller)
        if refusal == nil { files.append((".xml", UBLDocument.bytes(note))) }
        for file in files where !disk.exists(path + file.name) { try write(path + file.name, file.bytes) }
        try write(path + ".json", issued.document)
        return true
    }

    // MARK: Reading back

    struct InvoiceFile: Sendable {
        var name: String
        var bytes: [UInt8]
        var invoice: Invoice
    }

    /// Invoices from their files, in the order of the names.
    func readInvoices(_ names: [String], in folder: String) throws(BillingError) -> [InvoiceFile] {
        try inParallel(names) { (name) throws(BillingError) -> InvoiceFile in
            let bytes = try read("\(folder)/\(name)")
            let invoice = try Invoice(json: bytes, subject: name)
            return InvoiceFile(name: name, bytes: bytes, invoice: invoice)
        }
    }
}
