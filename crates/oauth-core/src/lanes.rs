//! Several handles to one thing, each with a reference count of its own, so that threads do not
//! share one.

use std::array;
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads can count without meeting another. A power of two.
///
/// A reference count is a cache line that moves to each core that writes it, which takes about
/// 100 ns under contention, twice a request. With 64 cores that each send 20,000 requests a second
/// (50 us of work for each) one count would have to be on its way for 0.26 s of every second, and more
/// than a third of it would be waited for. With four it is 0.06 s, for 0.4 KiB a token.
const LANES: usize = 4;

/// One value for each lane; threads are spread over the lanes in the order in which they come.
///
/// For what every request clones, such as an `Arc`: the values are equal handles, and what they
/// count with is apart by a cache line.
#[derive(Clone)]
pub struct Lanes<T>([T; LANES]);

impl<T> Lanes<T> {
    /// Makes the values. Where they allocate, each must allocate at least 64 bytes: then no two
    /// counts are in one cache line.
    pub fn new(mut make: impl FnMut() -> T) -> Self {
        Self(array::from_fn(|_| make()))
    }

    /// This thread's value.
    #[inline]
    pub fn mine(&self) -> &T {
        self.of(Lane::mine())
    }

    /// The value of that lane.
    #[inline]
    pub fn of(&self, lane: Lane) -> &T {
        &self.0[lane.0 % LANES]
    }
}

impl<T: fmt::Debug> fmt::Debug for Lanes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mine().fmt(f)
    }
}

/// A thread's lane, for those who need it more than once.
#[derive(Clone, Copy, Debug)]
pub struct Lane(usize);

impl Lane {
    /// This thread's.
    #[inline]
    pub fn mine() -> Self {
        Self(lane())
    }
}

#[inline]
fn lane() -> usize {
    const NONE: usize = usize::MAX;
    thread_local!(static LANE: Cell<usize> = const { Cell::new(NONE) });

    #[cold]
    fn next() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    LANE.with(|lane| {
        if lane.get() == NONE {
            lane.set(next());
        }
        lane.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn lanes_look_like_their_value() {
        assert_eq!(format!("{:?}", Lanes::new(|| 7)), "7");
    }

    #[test]
    fn a_thread_keeps_its_lane_and_the_next_ones_have_others() {
        // Of as many threads as there are lanes, no two share one, unless another test's thread
        // came in between: then the first of them comes round again later.
        let lanes = Lanes::new({
            let mut number = 0;
            move || {
                number += 1;
                number
            }
        });
        let mine = *lanes.mine();
        assert_eq!(*lanes.mine(), mine);
        thread::scope(|scope| {
            let seen: Vec<_> = (0..64 * LANES).map(|_| scope.spawn(|| *lanes.mine())).collect();
            let mut seen: Vec<_> = seen.into_iter().map(|one| one.join().unwrap()).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (1..=LANES).collect::<Vec<_>>());
        });
    }
}
