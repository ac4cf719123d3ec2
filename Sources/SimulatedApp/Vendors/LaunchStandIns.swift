/// The stand-ins of the vendors that the launch plugins speak to, each new and empty.
public enum LaunchStandIns {
    public static func all() -> [any VendorStandIn] {
        [SlackStandIn(), StripeStandIn(), QuickBooksStandIn(), TwilioStandIn(), DocuSignStandIn()]
    }
}
