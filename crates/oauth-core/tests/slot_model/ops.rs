//! Random histories.

use std::time::Duration;

use proptest::prelude::*;

use crate::evidence::Target;

/// Which token a 401 is about: so many before the newest.
pub(crate) type Back = u64;

/// How a request to the API ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Accepted,
    /// By a response that says nothing about the token.
    Mute,
    Refused,
    /// A response that first says that it was accepted, and then that it was not.
    AcceptedThenRefused,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Request,
    Cached,
    Prefetch,
    Replace(Back),
    Report(Back),
    ReportAccepted(Back),
    Refresh,
    Retire,
    /// Polled once and dropped.
    Glance,
    GlanceReplace(Back),
    Cancel(usize),
    /// A request to a target of the API.
    Send {
        target: Target,
        repeatable: bool,
    },
    /// What the API says to one that is under way.
    End(usize, End),
    Pass(u64),
    Mint {
        same: bool,
        life: Option<Duration>,
        scope: u8,
    },
    Fail {
        transient: bool,
        retry_after: Option<u64>,
    },
    Panic,
    Rotate,
    /// A request from a runtime that is not driven starts the flight.
    Ground,
    /// One of those goes on for a moment; a call of the source that waits on it fails if it says so.
    Drive {
        which: usize,
        fails: bool,
        life: Option<Duration>,
    },
    /// They end.
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
        9 => ms(3_600_000),
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

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![1 => Just(0), 6 => Just(1), 3 => Just(2), 2 => Just(3)]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        8 => Just(End::Accepted),
        1 => Just(End::Mute),
        9 => Just(End::Refused),
        1 => Just(End::AcceptedThenRefused),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let back = || prop_oneof![4 => Just(0), 1 => 1_u64..3];
    let scope = || prop_oneof![12 => Just(0), 1 => Just(1)];
    prop_oneof![
        4 => Just(Op::Request),
        1 => Just(Op::Cached),
        1 => Just(Op::Prefetch),
        4 => back().prop_map(Op::Replace),
        1 => back().prop_map(Op::Report),
        2 => back().prop_map(Op::ReportAccepted),
        1 => Just(Op::Refresh),
        1 => Just(Op::Retire),
        1 => Just(Op::Glance),
        1 => back().prop_map(Op::GlanceReplace),
        1 => (0_usize..8).prop_map(Op::Cancel),
        14 => (target(), prop::bool::weighted(0.8))
            .prop_map(|(target, repeatable)| Op::Send { target, repeatable }),
        18 => (0_usize..8, end()).prop_map(|(n, end)| Op::End(n, end)),
        7 => time().prop_map(Op::Pass),
        11 => (prop::bool::weighted(0.1), life(), scope())
            .prop_map(|(same, life, scope)| Op::Mint { same, life, scope }),
        2 => (any::<bool>(), retry_after())
            .prop_map(|(transient, retry_after)| Op::Fail { transient, retry_after }),
        1 => Just(Op::Panic),
        1 => Just(Op::Rotate),
        1 => Just(Op::Ground),
        2 => (0_usize..2, prop::bool::weighted(0.3), life())
            .prop_map(|(which, fails, life)| Op::Drive { which, fails, life }),
        1 => Just(Op::EndRuntimes),
    ]
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    (prop::collection::vec(op(), 1..40), any::<u64>(), any::<bool>())
        .prop_map(|(ops, seed, callers_go_first)| History { ops, seed, callers_go_first })
}
