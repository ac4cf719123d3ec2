import Foundation
import GRDB
import Marketplace
import Metering
import TestSupport
import Testing

@testable import Billing

struct LedgerSchemaTests {
    /// Books of before the accounts had numbers, with one booking and one share in them.
    private static let oldBooks = """
        INSERT INTO invoice VALUES (1, 'VF-000001', 'invoice', NULL, 'north', 'EUR', '2026-01', '{}', '{}', 'd', NULL);
        INSERT INTO booking VALUES (1, 'invoice:VF-000001', '2026-01-31', 'invoice', 'VF-000001', 'invoice');
        INSERT INTO posting VALUES
            (1, 0, 'assets:receivable:north', 'EUR', 1190),
            (1, 1, 'liabilities:publishers:house:accrued', 'EUR', -700),
            (1, 2, 'revenue:platform', 'EUR', -300), (1, 3, 'liabilities:tax:S-19', 'EUR', -190);
        INSERT INTO invoice_share VALUES ('VF-000001', 'house', 1000, 700);
        """

    @Test func booksOfAnOlderVersionSayTheSameAfterTheyAreOpened() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID().uuidString).sqlite"
        ).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let old = try DatabaseQueue(path: path)
        try LedgerSchema.migrator.migrate(old, upTo: "3 covering indexes")
        try old.write { try $0.execute(sql: Self.oldBooks) }
        try old.close()
        let store = try LedgerStore(path: path, disk: Disk())
        defer { try? store.close() }
        let euro = Currency("EUR")!
        try store.read { books in
            let bookings = try books.bookings(from: Day("2026-01-01")!, to: Day("2026-02-01")!)
            #expect(
                bookings.map(\.postings) == [
                    [
                        Posting(account: "assets:receivable:north", money: Money(minor: 1_190, euro)),
                        Posting(
                            account: "liabilities:publishers:house:accrued", money: Money(minor: -700, euro)),
                        Posting(account: "revenue:platform", money: Money(minor: -300, euro)),
                        Posting(account: "liabilities:tax:S-19", money: Money(minor: -190, euro)),
                    ]
                ])
            #expect(try books.balance("revenue:platform", euro) == -300)
            #expect(
                try books.accounts(prefix: "liabilities:publishers:") == [
                    "liabilities:publishers:house:accrued"
                ])
            let earned = try Earnings(books).of(PublisherID("house")!, euro)
            #expect(earned.map(\.invoice) == ["VF-000001"] && earned.map(\.share) == [700])
        }
        #expect(throws: BillingError.self) {
            try store.write { try $0.db.execute(sql: "UPDATE posting SET minor = 1") }
        }
        // A new booking finds the accounts that there are.
        try store.write { books in
            try books.book(
                Booking(
                    key: "payment:1", day: Day("2026-02-01")!, kind: .payment, invoice: "VF-000001",
                    description: "paid",
                    postings: [
                        Posting(account: "assets:bank", money: Money(minor: 1_190, euro)),
                        Posting(account: "assets:receivable:north", money: Money(minor: -1_190, euro)),
                    ]))
            #expect(try books.balance("assets:receivable:north", euro) == 0)
        }
    }
}
