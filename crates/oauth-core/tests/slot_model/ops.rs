//! Random histories.

use std::time::Duration;

use proptest::prelude::*;

/// Which token a 401 is about: so many before the newest.
pub(crate) type Back = u64;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Request,
    Cached,
    Prefetch,
    Replace(Back),
    Report(Back),
    /// Polled once and dropped.
    Glance,
    GlanceReplace(Back),
    Cancel(usize),
    Pass(u64),
    Mint {
        same: bool,
        life: Option<Duration>,
    },
    Fail {
        transient: bool,
        retry_after: Option<u64>,
    },
    Panic,
    Rotate,
    /// A request from a runtime that nobody drives starts the flight.
    Ground,
    /// Those runtimes end.
    EndRuntimes,
}

#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) ops: Vec<Op>,
    pub(crate) seed: u64,
    /// At the end the callers go first, or the test's own handle.
    pub(crate) callers_go_first: bool,
}

fn life() -> impl Strategy<Value = Option<Duration>> {
    let ms = |ms| Just(Some(Duration::from_millis(ms)));
    prop_oneof![
        2 => ms(0),
        1 => ms(40),
        1 => ms(400),
        2 => ms(2_000),
        2 => ms(4_000),
        2 => ms(20_000),
        2 => ms(60_000),
        3 => ms(100_000),
        4 => ms(3_600_000),
        1 => Just(Some(Duration::from_secs(u64::MAX))),
        1 => Just(None),
    ]
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => Just(10_u64),
        3 => (1_u64..100).prop_map(|n| n * 10),
        4 => (1_u64..20).prop_map(|n| n * 1_000),
        2 => (1_u64..20).prop_map(|n| n * 10_000),
        1 => Just(2_700_000),
        1 => Just(3_600_000),
    ]
}

fn retry_after() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![4 => Just(None), 1 => Just(Some(0)), 2 => (1_u64..60).prop_map(Some), 1 => Just(Some(100_000))]
}

fn op() -> impl Strategy<Value = Op> {
    let back = || prop_oneof![4 => Just(0), 1 => 1_u64..3];
    prop_oneof![
        8 => Just(Op::Request),
        2 => Just(Op::Cached),
        1 => Just(Op::Prefetch),
        5 => back().prop_map(Op::Replace),
        1 => back().prop_map(Op::Report),
        1 => Just(Op::Glance),
        1 => back().prop_map(Op::GlanceReplace),
        2 => (0_usize..8).prop_map(Op::Cancel),
        8 => time().prop_map(Op::Pass),
        9 => (prop::bool::weighted(0.15), life()).prop_map(|(same, life)| Op::Mint { same, life }),
        4 => (any::<bool>(), retry_after())
            .prop_map(|(transient, retry_after)| Op::Fail { transient, retry_after }),
        1 => Just(Op::Panic),
        1 => Just(Op::Rotate),
        1 => Just(Op::Ground),
        1 => Just(Op::EndRuntimes),
    ]
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    (prop::collection::vec(op(), 1..28), any::<u64>(), any::<bool>())
        .prop_map(|(ops, seed, callers_go_first)| History { ops, seed, callers_go_first })
}
