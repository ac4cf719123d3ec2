import Glibc

/// How often a seeded loop runs: all of its rounds in `make test-full` (`VEROFORGE_TEST_FULL=1`), a tenth otherwise.
public enum Rounds {
    public static let isFull = getenv("VEROFORGE_TEST_FULL") != nil

    public static func count(full: Int) -> Int { isFull ? full : max(1, full / 10) }
}
