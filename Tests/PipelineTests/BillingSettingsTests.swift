import Billing
import Foundation
import Marketplace
import Testing

@testable import Pipeline

/// The part `billing` of `veroforge.yaml`.
@Suite struct BillingSettingsTests {
    private func config(_ billing: String) throws(PipelineError) -> BillingConfig {
        let text = Configuration.template(demo: false) + billing
        return try BillingRoom.config(try Configuration.read(text, named: "veroforge.yaml"))
    }

    @Test func everySettingReachesTheNight() throws {
        let config = try config(
            """
            billing:
              shares:
                - {plugin: veroforge.slack, version: 1.0.0, share: "0.8025", from: 2026-07-01}
                - {share: "0.75", from: 2027-01-01}
              coupons:
                - {id: TEN, tenant: acme-field, percent: "10", from: 2026-01-01, until: 2026-04-01}
                - {id: FIVE, tenant: acme-field, plugin: veroforge.slack, amount: "5.00", currency: EUR, from: 2026-01-01}
              releases: [{period: 2026-01, tenant: acme-field}]
              latenessHours: 24
              paymentTermsDays: 30
              payoutMinimums: {EUR: "25.00", JPY: "3000"}
              writeOffDays: 0
              reminders: [{state: asked, daysOverdue: 5}]
              spendAlertPercents: [90]
            """)
        let slack = PluginID("veroforge.slack")!
        let days = [Day("2026-06-30")!, Day("2026-07-01")!, Day("2027-01-01")!]
        #expect(
            days.map { config.shareBasisPoints(plugin: slack, version: "1.0.0", on: $0) } == [
                7_000, 8_025, 8_025,
            ])
        #expect(
            days.map { config.shareBasisPoints(plugin: slack, version: "1.0.1", on: $0) } == [
                7_000, 7_000, 7_500,
            ])
        #expect(config.coupons.map(\.id) == ["TEN", "FIVE"])
        #expect(config.coupons[0].percent == "10")
        #expect(config.coupons[0].until == Day("2026-04-01")!)
        #expect(config.coupons[1].amount == Money("5.00", Currency("EUR")!)!)
        #expect(config.coupons[1].plugin == slack)
        #expect(
            config.releases == [.init(period: BillingPeriod("2026-01")!, tenant: TenantID("acme-field")!)])
        #expect(config.latenessHours == 24)
        #expect(config.paymentTermsDays == 30)
        #expect(config.payoutMinimums == ["EUR": "25.00", "JPY": "3000"])
        #expect(config.writeOffDays == nil)
        #expect(config.dunning == [DunningStep("asked", daysOverdue: 5)])
        #expect(config.capAlertPercents == [90])
    }

    @Test func withoutThePartTheDefaultsHold() throws {
        let config = try config("")
        #expect(config.coupons.isEmpty && config.releases.isEmpty)
        #expect(config.writeOffDays == 365)
        #expect(config.dunning == DunningStep.standard)
    }

    @Test(arguments: [
        ("billing: {coupon: []}", "did you mean coupons"),
        (
            "billing:\n  coupons:\n    - {id: A, tenant: acme-field, percentage: \"10\", from: 2026-01-01}",
            "percentage is unknown"
        ),
        ("billing: {shares: [{share: \"1.2\", from: 2026-01-01}]}", "`1.2`"),
        ("billing: {shares: [{share: \"0.70005\", from: 2026-01-01}]}", "`0.70005`"),
        ("billing: {shares: [{share: \"0.7\"}]}", "from is missing"),
        (
            "billing: {coupons: [{id: A, tenant: acme-field, percent: \"101\", from: 2026-01-01}]}",
            "no percentage: 101"
        ),
        ("billing: {coupons: [{id: A, tenant: acme-field, from: 2026-01-01}]}", "A has either"),
        (
            "billing: {coupons: [{id: A, tenant: acme-field, amount: \"1.005\", currency: EUR, from: 2026-01-01}]}",
            "`1.005`"
        ),
        (
            "billing: {coupons: [{id: A, tenant: acme-field, amount: \"1\", from: 2026-01-01}]}",
            "needs a currency"
        ),
        ("billing: {payoutMinimums: {EUR: \"1.999\"}}", "1.999"),
        ("billing: {reminders: [{state: a, daysOverdue: 5}, {state: b, daysOverdue: 5}]}", "ascending"),
        ("billing: {latenessHours: -1}", "latenessHours"),
    ])
    func whatIsWrongIsNamedBeforeAnyNight(_ billing: String, _ words: String) {
        let error = #expect(throws: PipelineError.self, "\(billing)") { try config(billing) }
        #expect(error?.code == .usage)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("veroforge.yaml") == true)
    }
}
