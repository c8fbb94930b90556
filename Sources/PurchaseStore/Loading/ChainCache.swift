import PurchaseCore
import Synchronization

/// Chains as they were read, each good for as long as its stamp is the stored one; bounded by the size of what was read.
///
/// It saves reading and decoding, never asking: whoever takes a chain out has just read the stamp. Two generations stand
/// in for an order of use: what is looked at moves to the young one, and when that is half of the bound, the old one goes.
final class ChainCache: Sendable {
    /// Bytes of JSON that the chains were read from (default 4 MiB, some 3,000 chains of a purchase); decoded they take
    /// about five times as much.
    static let bytesMax = 4 << 20
    /// A chain larger than this is not kept: an eighth of the bound.
    private let chainBytesMax: Int
    private let generationBytesMax: Int

    private struct Entry {
        let stamp: ChainStamp
        let chain: Chain
        let bytes: Int
    }

    private struct State {
        var young: [ChainID: Entry] = [:]
        var youngBytes = 0
        var old: [ChainID: Entry] = [:]
    }

    private let state = Mutex(State())

    init(bytesMax: Int = ChainCache.bytesMax) {
        generationBytesMax = bytesMax / 2
        chainBytesMax = bytesMax / 8
    }

    /// The chain with exactly this stamp, if it is here; one with another stamp is dropped.
    func chain(_ stamp: ChainStamp) -> Chain? {
        state.withLock { state in
            if let entry = state.young[stamp.chain] {
                if entry.stamp == stamp { return entry.chain }
                state.young[stamp.chain] = nil
                state.youngBytes -= entry.bytes
                return nil
            }
            guard let entry = state.old.removeValue(forKey: stamp.chain), entry.stamp == stamp else { return nil }
            insert(entry, &state)
            return entry.chain
        }
    }

    /// Keeps a chain that was read in the same snapshot as its stamp.
    func keep(_ chain: Chain, _ stamp: ChainStamp, bytes: Int) {
        guard bytes <= chainBytesMax else { return }
        state.withLock { state in
            state.old[stamp.chain] = nil
            if let known = state.young.removeValue(forKey: stamp.chain) { state.youngBytes -= known.bytes }
            insert(Entry(stamp: stamp, chain: chain, bytes: bytes), &state)
        }
    }

    private func insert(_ entry: Entry, _ state: inout State) {
        if state.youngBytes + entry.bytes > generationBytesMax {
            state.old = state.young
            state.young = [:]
            state.youngBytes = 0
        }
        state.young[entry.stamp.chain] = entry
        state.youngBytes += entry.bytes
    }

    /// Bytes of both generations, for tests.
    var bytes: Int {
        state.withLock { state in state.youngBytes + state.old.values.reduce(0) { $0 + $1.bytes } }
    }
}
