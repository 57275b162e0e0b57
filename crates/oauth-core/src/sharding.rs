//! Several handles to one value, each with its own reference count, so that threads do not contend for one.

use std::array;
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of shards. A power of two.
///
/// A reference count is a cache line that moves to each core that writes it, which takes about 100 ns under
/// contention, twice a request. With 64 cores that each send 20,000 requests a second (50 us of work for
/// each) one count would be in transit for 0.26 s of every second, and more than a third of that would be
/// waited for. With four it is 0.06 s, for 0.4 KiB per token.
pub(crate) const SHARDS: usize = 4;

/// One value for each shard; threads are spread over the shards in the order in which they come.
///
/// For what every request clones, such as an `Arc`: the values are equal handles, and what they
/// count with is apart by a cache line.
#[derive(Clone)]
pub struct Sharded<T>([T; SHARDS]);

impl<T> Sharded<T> {
    /// Creates the values. If they allocate, each must allocate at least 64 bytes, so that no two counts
    /// are in one cache line.
    pub fn new(mut make: impl FnMut() -> T) -> Self {
        Self(array::from_fn(|_| make()))
    }

    /// The same with fewer values, at least 1: the other shards share clones of them.
    pub(crate) fn with_shards(shards: usize, mut make: impl FnMut() -> T) -> Self
    where
        T: Clone,
    {
        let made: Vec<T> = (0..shards.clamp(1, SHARDS)).map(|_| make()).collect();
        Self(array::from_fn(|shard| made[shard % made.len()].clone()))
    }

    /// This thread's value.
    #[inline]
    pub fn mine(&self) -> &T {
        self.of(Shard::mine())
    }

    /// The value of that shard.
    #[inline]
    pub fn of(&self, shard: Shard) -> &T {
        &self.0[shard.0 % SHARDS]
    }
}

impl<T: fmt::Debug> fmt::Debug for Sharded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mine().fmt(f)
    }
}

/// A thread's shard, for code that needs it more than once.
#[derive(Clone, Copy, Debug)]
pub struct Shard(usize);

impl Shard {
    /// This thread's.
    #[inline]
    pub fn mine() -> Self {
        Self(shard())
    }
}

#[inline]
fn shard() -> usize {
    const NONE: usize = usize::MAX;
    thread_local!(static SHARD: Cell<usize> = const { Cell::new(NONE) });

    #[cold]
    fn next() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    SHARD.with(|shard| {
        if shard.get() == NONE {
            shard.set(next());
        }
        shard.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn sharded_values_look_like_their_value() {
        assert_eq!(format!("{:?}", Sharded::new(|| 7)), "7");
    }

    #[test]
    fn a_thread_keeps_its_shard_and_the_next_ones_have_others() {
        // Of as many threads as there are shards, no two share one, unless another test's thread
        // came in between: then the first of them comes round again later.
        let sharded = Sharded::new({
            let mut number = 0;
            move || {
                number += 1;
                number
            }
        });
        let mine = *sharded.mine();
        assert_eq!(*sharded.mine(), mine);
        thread::scope(|scope| {
            let seen: Vec<_> = (0..64 * SHARDS).map(|_| scope.spawn(|| *sharded.mine())).collect();
            let mut seen: Vec<_> = seen.into_iter().map(|one| one.join().unwrap()).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (1..=SHARDS).collect::<Vec<_>>());
        });
    }
}
