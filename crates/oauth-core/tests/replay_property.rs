//! `ReplayBody` under random histories: any chunking, cap, trailers, failure, moment of the response,
//! order of polls and drops. A model says what may come out.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "replay_support/script.rs"]
mod script;

use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use oauth_core::replay::{ReplayBody, ReplayHandle, ReplayRefused};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tokio_test::task::{Spawn, spawn};

use script::{Remote, Script, Step, trailers};

#[derive(Clone, Copy, Debug)]
enum Op {
    PollFirst,
    PollSecond,
    Fire,
    Freeze,
    Thaw,
    TakeOver,
    DropFirst,
    DropKeeper,
}

#[derive(Clone, Debug)]
struct Plan {
    steps: Vec<Step>,
    cap: usize,
    knows_end: bool,
    knows_size: bool,
    ops: Vec<Op>,
}

/// What a body yielded.
#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    trailers: Option<HeaderMap>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Complete,
    SourceFailed,
    TakenOver,
}

struct Sent {
    body: Spawn<ReplayBody<Script>>,
    seen: Seen,
    /// Its last poll was pending: it is polled again when it is woken.
    asleep: bool,
}

struct World {
    /// All that the source would yield before it fails or ends.
    bytes: Vec<u8>,
    trailers: Option<HeaderMap>,
    fails: bool,
    plan: Plan,
    remote: Remote,
    first: Option<Sent>,
    /// Of the first body, even when it is gone.
    first_seen: Seen,
    replay: Option<ReplayHandle<Script>>,
    second: Option<Sent>,
    frozen: bool,
    taken: bool,
    /// Not wrapped, so not even fused.
    bare: bool,
}

impl Sent {
    fn new(body: ReplayBody<Script>) -> Self {
        Self { body: spawn(body), seen: Seen::default(), asleep: false }
    }

    fn poll(&mut self) {
        let ended = self.body.is_end_stream();
        let polled = self.body.enter(|cx, body| body.poll_frame(cx));
        self.asleep = polled.is_pending();
        let Poll::Ready(item) = polled else {
            assert!(!ended, "the end was announced");
            return;
        };
        match item {
            Some(Ok(frame)) => {
                assert!(!ended, "the end was announced");
                assert_eq!(self.seen.end, None, "a frame after the end");
                assert!(self.seen.trailers.is_none(), "a frame after the trailers");
                match frame.into_data() {
                    Ok(chunk) => self.seen.bytes.extend_from_slice(&chunk),
                    Err(frame) => self.seen.trailers = frame.into_trailers().ok(),
                }
            }
            Some(Err(error)) => {
                assert!(!ended, "the end was announced");
                assert_eq!(self.seen.end, None, "an error after the end");
                self.seen.end = Some(match error.is_taken_over() {
                    true => End::TakenOver,
                    false => End::SourceFailed,
                });
            }
            None => {
                self.seen.end.get_or_insert(End::Complete);
            }
        }
    }

    /// As an executor would: only when there is a reason to.
    fn run(&mut self) {
        while self.seen.end.is_none() && (!self.asleep || self.body.is_woken()) {
            self.poll();
        }
    }
}

impl World {
    fn new(plan: Plan) -> Self {
        let (script, remote) = Script::new(plan.steps.clone());
        let (first, replay) =
            ReplayBody::tee(script.knowing(plan.knows_end, plan.knows_size), plan.cap);
        let yielded = || plan.steps.iter().take_while(|s| !matches!(s, Step::Fail));
        let mut world = Self {
            bytes: Vec::new(),
            trailers: None,
            fails: plan.steps.iter().any(|s| matches!(s, Step::Fail)),
            remote,
            first: Some(Sent::new(first)),
            first_seen: Seen::default(),
            replay,
            second: None,
            frozen: false,
            taken: false,
            bare: false,
            plan: plan.clone(),
        };
        for step in yielded() {
            match step {
                Step::Data(chunk) => world.bytes.extend_from_slice(chunk),
                Step::Trailers(map) => world.trailers = Some(map.clone()),
                _ => {}
            }
        }
        let empty = plan.knows_end && plan.steps.is_empty();
        assert_eq!(world.replay.is_none(), empty);
        world.bare = empty || plan.knows_size && world.size() > plan.cap;
        world
    }

    /// What the source says of its size, when it knows.
    fn size(&self) -> usize {
        self.plan.steps.iter().map(Step::len).sum()
    }

    fn first_seen(&self) -> &Seen {
        self.first.as_ref().map_or(&self.first_seen, |first| &first.seen)
    }

    /// What the handle has to say now.
    fn refusal(&self) -> Option<ReplayRefused> {
        let seen = self.first_seen();
        let fields = seen.trailers.iter().flat_map(HeaderMap::iter);
        let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + 32);
        let weight =
            seen.bytes.len() + fields.sum::<usize>() + seen.trailers.as_ref().map_or(0, |_| 32);
        if weight > self.plan.cap || (self.plan.knows_size && self.size() > self.plan.cap) {
            Some(ReplayRefused::OverCap)
        } else if seen.end == Some(End::SourceFailed) {
            Some(ReplayRefused::SourceFailed)
        } else {
            None
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::PollFirst => {
                let before = self.remote.polls();
                if let Some(first) = &mut self.first {
                    if !self.bare || first.seen.end.is_none() {
                        first.poll();
                    }
                }
                if self.frozen || self.taken {
                    assert_eq!(self.remote.polls(), before, "pulled after the verdict");
                }
            }
            Op::PollSecond => {
                if let Some(second) = &mut self.second {
                    second.poll();
                }
            }
            Op::Fire => self.remote.fire(),
            Op::Freeze => {
                if let Some(replay) = &self.replay {
                    assert_eq!(replay.freeze().err(), self.refusal());
                    self.frozen = self.refusal().is_none();
                }
            }
            Op::Thaw => {
                if let Some(replay) = &self.replay {
                    replay.thaw();
                    self.frozen = false;
                }
            }
            Op::TakeOver => {
                if let Some(replay) = self.replay.take() {
                    let second = replay.take_over();
                    assert_eq!(second.as_ref().err().copied(), self.refusal());
                    self.taken = second.is_ok();
                    self.second = second.ok().map(Sent::new);
                    self.frozen = false;
                }
            }
            Op::DropFirst => {
                if let Some(first) = self.first.take() {
                    self.first_seen = first.seen;
                }
            }
            Op::DropKeeper => {
                self.replay = None;
                self.frozen = false;
            }
        }
        self.check_hints();
    }

    fn check_hints(&self) {
        for sent in self.first.iter().chain(&self.second) {
            let hint = sent.body.size_hint();
            let over = sent.seen.end.is_some() || sent.body.is_end_stream();
            let left = self.size() - sent.seen.bytes.len();
            if self.plan.knows_size {
                assert_eq!(hint.exact(), Some(left as u64));
            } else if !self.fails {
                assert!(hint.lower() <= left as u64);
                assert!(hint.upper().is_none_or(|upper| upper >= left as u64));
            }
            if !self.plan.knows_size && !over {
                assert_eq!(hint.upper(), None, "a size that nobody told");
            }
            let all = sent.seen.bytes == self.bytes && sent.seen.trailers == self.trailers;
            if sent.body.is_end_stream() {
                let failed = sent.seen.end == Some(End::SourceFailed);
                assert!(all && (!self.fails || failed), "not the end yet");
            }
        }
    }

    fn finish(mut self) {
        for _ in &self.plan.steps {
            self.remote.fire();
        }
        if self.frozen {
            // Frozen for good is what the handle may do; here it lets go.
            self.apply(Op::DropKeeper);
        }
        for sent in self.first.iter_mut().chain(&mut self.second) {
            sent.run();
            assert!(sent.seen.end.is_some(), "asleep for ever");
        }
        self.check_hints();
        let whole = match self.fails {
            true => End::SourceFailed,
            false => End::Complete,
        };
        if let Some(Sent { seen, .. }) = &self.second {
            assert_eq!(seen.bytes, self.bytes);
            assert_eq!(seen.trailers, self.trailers);
            assert_eq!(seen.end, Some(whole));
        }
        let seen = self.first_seen();
        assert!(self.bytes.starts_with(&seen.bytes));
        match seen.end {
            None => assert!(self.first.is_none()),
            Some(End::TakenOver) => assert!(self.taken),
            Some(end) => {
                assert_eq!(end, whole);
                assert_eq!(seen.bytes, self.bytes);
                assert_eq!(seen.trailers, self.trailers);
            }
        }
    }
}

fn chunk_sizes() -> impl Strategy<Value = Vec<usize>> {
    let few = prop::collection::vec(0usize..9, 0..8);
    let many = prop::collection::vec(
        prop_oneof![6 => 0usize..40, 1 => 1000usize..1050, 1 => 2000usize..9000],
        0..90,
    );
    prop_oneof![3 => few, 1 => many]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        12 => Just(Op::PollFirst),
        6 => Just(Op::PollSecond),
        4 => Just(Op::Fire),
        2 => Just(Op::Freeze),
        1 => Just(Op::Thaw),
        2 => Just(Op::TakeOver),
        1 => Just(Op::DropFirst),
        1 => Just(Op::DropKeeper),
    ];
    prop_oneof![
        prop::collection::vec(op.clone(), 0..40),
        // The usual order of things.
        (prop::collection::vec(Just(Op::PollFirst), 0..12), prop::collection::vec(op, 0..12))
            .prop_map(|(mut ops, rest)| {
                ops.extend([Op::Freeze, Op::PollFirst, Op::TakeOver]);
                ops.extend(rest);
                ops
            }),
    ]
}

prop_compose! {
    fn plans()(
        sizes in chunk_sizes(),
        waits in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        map in prop::option::of(prop_oneof![
            Just(HeaderMap::new()),
            Just(trailers(&[("x-sum", "1")])),
            Just(trailers(&[("x-sum", "1"), ("x-more", "some text")])),
        ]),
        fail in prop::option::weighted(0.15, any::<prop::sample::Index>()),
        slack in prop_oneof![3 => -3isize..4, 1 => -100isize..200, 1 => Just(100_000)],
        (knows_end, knows_size) in any::<(bool, bool)>(),
        ops in ops(),
    ) -> Plan {
        // Each byte differs from its neighbours, so that none can be lost or doubled unseen.
        let mut n = 0u64;
        let mut steps: Vec<Step> = sizes
            .iter()
            .map(|&size| {
                let chunk = (0..size).map(|_| { n += 1; (n ^ (n >> 8)) as u8 });
                Step::Data(chunk.collect::<Bytes>())
            })
            .collect();
        let total: usize = sizes.iter().sum();
        let weight = map.as_ref().map_or(0, |map| {
            32 + map.iter().map(|(k, v)| k.as_str().len() + v.len() + 32).sum::<usize>()
        });
        steps.extend(map.map(Step::Trailers));
        if let Some(at) = fail {
            // A body ends with its error.
            let at = at.index(steps.len() + 1);
            steps.truncate(at);
            steps.push(Step::Fail);
        }
        for at in waits {
            let last = steps.len() - usize::from(steps.last().is_some_and(|s| matches!(s, Step::Fail)));
            steps.insert(at.index(last + 1), Step::Wait);
        }
        Plan {
            steps,
            cap: (total + weight).saturating_add_signed(slack),
            knows_end,
            knows_size,
            ops,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(401),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_second_send_is_the_original_or_is_refused_with_the_reason(plan in plans()) {
        let mut world = World::new(plan.clone());
        for &op in &plan.ops {
            world.apply(op);
        }
        world.finish();
    }
}
