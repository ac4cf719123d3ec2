import Marketplace
import Testing

@Suite struct VersionTests {
    @Test func precedenceFollowsTheSpecificationsOwnChain() {
        let chain = [
            "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
            "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "2.0.0",
        ].map { Version($0)! }
        #expect(chain.shuffled().sorted() == chain)
    }

    @Test(arguments: [
        "1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "v1.2.3", "1.2.3.4", "", "1.2.3-a..b",
    ])
    func whatIsNotSemVerIsRefused(_ text: String) { #expect(Version(text) == nil) }

    @Test func buildMetadataDoesNotOrder() {
        #expect(Version("1.0.0+a")!.compare(Version("1.0.0+b")!) == 0)
        #expect(Version("1.0.0+a") != Version("1.0.0+b"))
    }

    @Test(arguments: [
        ("^1.2.3", "1.9.9", true), ("^1.2.3", "2.0.0", false), ("^0.2.3", "0.2.9", true),
        ("^0.2.3", "0.3.0", false),
        ("^0.0.3", "0.0.3", true), ("^0.0.3", "0.0.4", false), ("~1.2.3", "1.2.9", true),
        ("~1.2", "1.3.0", false),
        ("1.x", "1.7.0", true), ("1.x", "2.0.0", false), ("*", "3.1.4", true), ("", "0.0.1", true),
        ("1.2 - 2.3", "2.3.9", true), ("1.2 - 2.3", "2.4.0", false), (">=1 <3 || 5.0.0", "5.0.0", true),
        (">=1 <3 || 5.0.0", "4.0.0", false), ("> 1.2", "1.2.9", false), ("> 1.2", "1.3.0", true),
        ("^1.2.3-beta.2", "1.2.3-beta.4", true), ("^1.2.3-beta.2", "1.2.4-beta.2", false),
        ("^1.2.3", "2.0.0-alpha", false), ("<2.0.0", "2.0.0-rc.1", false), ("^1", "1.0.0-rc.1", false),
    ])
    func rangesMeanWhatNpmMeans(_ range: String, _ version: String, _ inside: Bool) {
        #expect(VersionRange(range)!.contains(Version(version)!) == inside)
    }

    @Test(arguments: ["blah", ">>1", "1.2.3.4", "^", "1 -", "a || b"])
    func whatIsNoRangeIsRefused(_ text: String) {
        if text == "^" { return #expect(VersionRange(text) != nil, "npm reads a bare caret as any") }
        #expect(VersionRange(text) == nil)
    }
}
