import Publishing

// The page's own types under the names that this module uses for them.
typealias PageOffer = UpdateOffer
typealias PageVersion = ListedVersion
typealias PageRating = RatingSummary
typealias PageRow = PermissionRow
typealias PageVerdict = Verdict
