import Glibc

/// A value behind a plain pthread mutex.
///
/// Not `Synchronization.Mutex`: on Linux that is a priority-inheriting futex, which hands the lock over to a sleeping
/// waiter. With more connection threads than cores every hand-over waits for a context switch, and 8 connections
/// fell from 33,000 to 4,000 reads per second (docs/decisions/0001-libpq-waiting.md).
// SAFETY: `value` is touched only between lock and unlock of the mutex, which lives as long as the object.
final class Locked<Value: ~Copyable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    init(_ value: consuming Value) {
        mutex = UnsafeMutablePointer.allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        self.value = value
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }
}
