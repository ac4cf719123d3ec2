import Marketplace
import Synchronization
import Testing

@Suite struct InParallelTests {
    private struct Failed: Error, Equatable { var item: Int }

    @Test func resultsComeInTheOrderOfTheItems() {
        #expect(inParallel(Array(0..<1_000)) { $0 * 2 } == (0..<1_000).map { $0 * 2 })
        #expect(inParallel([Int]()) { $0 }.isEmpty)
    }

    @Test func theFirstItemsErrorIsThrownAndLittleIsBegunAfterIt() {
        let begun = Atomic<Int>(0)
        #expect(throws: Failed(item: 10)) {
            try inParallel(Array(0..<100_000)) { (item) throws(Failed) in
                begun.add(1, ordering: .relaxed)
                if item >= 10 { throw Failed(item: item) }
            }
        }
        #expect(begun.load(ordering: .relaxed) < 1_000)
    }

    @Test func whatIsCutIntoStretchesIsWhole() {
        #expect(stretches(of: 10, size: 4) == [0..<4, 4..<8, 8..<10])
        #expect(stretches(of: 0, size: 4).isEmpty)
    }

    @Test func bothAreDoneAndTheFirstsErrorComesBeforeTheSeconds() throws {
        let (number, text) = both {
            1
        } _: {
            "two"
        }
        #expect(number == 1 && text == "two")
        let isDone = Atomic<Bool>(false)
        #expect(throws: Failed(item: 1)) {
            try both { () throws(Failed) in
                throw Failed(item: 1)
            } _: { () throws(Failed) in
                isDone.store(true, ordering: .relaxed)
                throw Failed(item: 2)
            }
        }
        let wasDone = isDone.load(ordering: .relaxed)
        #expect(wasDone, "nothing goes on behind the caller's back")
    }

    @Test func partsComeTogetherInTheirOrder() {
        #expect([[1, 2], [], [3]].together() == [1, 2, 3])
    }
}
