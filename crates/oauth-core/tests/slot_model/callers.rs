//! Callers that wait, and requests that are under way, in the slot and in the model.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use http::HeaderMap;
use oauth_core::Error;
use oauth_core::IssuedToken;
use oauth_core::adapter::Authorized;
use tokio_test::task::{Spawn, spawn};

use crate::evidence::{Hold, Target};
use crate::model::{ACQUIRE, Got, Trigger};
use crate::play::Play;
use crate::rules::{Guided, Sent, Which};

pub(crate) type Call = Spawn<Pin<Box<dyn Future<Output = Result<IssuedToken, Error>>>>>;

/// A request to the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) target: Target,
    pub(crate) repeatable: bool,
    pub(crate) second: bool,
}

/// One that was sent.
#[derive(Debug)]
pub(crate) struct UnderWay {
    pub(crate) request: Request,
    pub(crate) sent: Sent,
    pub(crate) real: oauth_core::adapter::Sent,
}

/// What a caller waits for.
#[derive(Clone, Copy, Debug)]
enum State {
    Held(Hold),
    /// A flight; it asks again at this time.
    Flight(u64, Option<Duration>),
    /// It has this when it is polled; `true`: it may also have run out of patience in this moment.
    Has(Got, bool),
    CutOff,
}

pub(crate) struct Waiter {
    call: Call,
    need: Trigger,
    /// Sends this with the token.
    request: Option<Request>,
    deadline: Option<Duration>,
    cut_off: u32,
    state: State,
}

/// What a caller gets at once; nothing if it waits.
pub(crate) enum Now {
    Has(Got, Which),
    Waits,
    Held(Hold),
}

impl Now {
    pub(crate) fn newest(got: Option<Got>) -> Self {
        got.map_or(Self::Waits, |got| Self::Has(got, Which::Newest))
    }
}

impl Play {
    fn flight_state(&self) -> State {
        let flight = self.model.flight.as_ref().expect("it waits for one");
        State::Flight(flight.id, flight.dead_at())
    }

    pub(crate) async fn start(
        &mut self,
        call: impl Future<Output = Result<IssuedToken, Error>> + 'static,
        need: Trigger,
        request: Option<Request>,
        expected: Now,
        coarse: bool,
    ) {
        let mut call: Call = spawn(Box::pin(call));
        match (call.poll(), expected) {
            (Poll::Ready(result), Now::Has(expected, which)) => {
                self.has(result, expected, which, request, false);
            }
            (Poll::Ready(result), _) => panic!("has {result:?} at once, must wait"),
            (Poll::Pending, Now::Has(expected, _)) => panic!("waits, must have {expected:?}"),
            (Poll::Pending, _) if coarse => {}
            (Poll::Pending, Now::Held(hold)) => {
                let state = State::Held(hold);
                self.waiters.push(Waiter {
                    call,
                    need,
                    request,
                    deadline: None,
                    cut_off: 0,
                    state,
                });
            }
            (Poll::Pending, Now::Waits) => {
                let (deadline, state) = (Some(self.model.now + ACQUIRE), self.flight_state());
                self.waiters.push(Waiter { call, need, request, deadline, cut_off: 0, state });
            }
        }
        self.settle().await;
    }

    /// A caller has its result, and sends its request.
    fn has(
        &mut self,
        result: Result<IssuedToken, Error>,
        expected: Got,
        which: Which,
        request: Option<Request>,
        or_timeout: bool,
    ) {
        match (result, expected) {
            (Err(error), _) if or_timeout && error.is_timeout() => {}
            (Ok(token), Ok(generation)) => {
                self.names.check(generation, token.generation());
                if let Some(request) = request {
                    self.send(&token, generation, which, request);
                }
            }
            (Err(error), Err(retry_after)) => {
                assert_eq!(error.retry_after(), retry_after, "{error}");
            }
            (result, expected) => panic!("a caller got {result:?}, must get {expected:?}"),
        }
    }

    fn send(&mut self, token: &IssuedToken, issued: u64, which: Which, request: Request) {
        let Authorized::Attached(real) = self.slot().authorize_with(token, &mut HeaderMap::new())
        else {
            panic!("no header with {token:?}");
        };
        let newest = self.model.token.as_ref().map(|token| token.generation);
        let newest = newest.filter(|newest| which != Which::Predecessor && *newest >= issued);
        let newest = newest.and_then(|_| self.model.look(None));
        let sent = self.model.send(newest.unwrap_or(issued), which);
        self.sent(request, sent, real);
    }

    pub(crate) fn sent(&mut self, request: Request, sent: Sent, real: oauth_core::adapter::Sent) {
        self.names.check(sent.generation, real.generation());
        assert_eq!(real.is_settled(), sent.settled, "settled: {sent:?}, {real:?}");
        self.under_way.push(UnderWay { request, sent, real });
    }

    /// A request that has no token yet.
    pub(crate) fn guide(&mut self, request: Request) -> Now {
        let Some(_) = self.model.look(None) else {
            return Now::newest(self.model.want(Trigger::Age, Some(ACQUIRE), None));
        };
        match self.model.guide(request.target, request.repeatable) {
            Guided::Token(generation, which) => Now::Has(Ok(generation), which),
            Guided::Held(hold) => Now::Held(hold),
        }
    }

    /// The same for one that was held before.
    fn guide_again(&mut self, request: Request) -> Now {
        match self.guide(request) {
            Now::Held(_) => Now::newest(self.model.request(Trigger::Age, None)),
            now => now,
        }
    }

    /// What a flight brought goes to all that wait for it.
    pub(crate) fn land(&mut self, (flight, got): (u64, Got)) {
        for waiter in &mut self.waiters {
            if !matches!(waiter.state, State::Flight(id, _) if id == flight) {
                continue;
            }
            let got = match (waiter.need, got) {
                (Trigger::Refused { generation, .. }, Ok(brought)) if generation == brought => {
                    Err(None)
                }
                (_, got) => got,
            };
            let late = waiter.deadline.is_some_and(|deadline| deadline <= self.model.now);
            waiter.state = State::Has(got, late);
        }
        self.cut();
    }

    /// Those whose flight is gone ask again.
    pub(crate) fn cut(&mut self) {
        for id in std::mem::take(&mut self.model.cut) {
            for waiter in &mut self.waiters {
                if matches!(waiter.state, State::Flight(flight, _) if flight == id) {
                    waiter.state = State::CutOff;
                }
            }
        }
    }

    /// When something happens to a caller by itself.
    pub(crate) fn callers_events(&self) -> impl Iterator<Item = Duration> + '_ {
        self.waiters.iter().flat_map(|waiter| {
            let again = match waiter.state {
                State::Held(hold) => Some(hold.until),
                State::Flight(_, again) => again,
                _ => None,
            };
            waiter.deadline.into_iter().chain(again)
        })
    }

    /// Whether something has happened to the caller.
    fn is_due(&self, waiter: &Waiter) -> bool {
        let now = self.model.now;
        let over = waiter.deadline.is_some_and(|deadline| deadline <= now);
        match waiter.state {
            State::Has(..) | State::CutOff => true,
            State::Flight(_, again) => over || again.is_some_and(|again| again <= now),
            State::Held(hold) => {
                let held = self.model.hold().is_some_and(|now| now.flight == hold.flight);
                !held || now >= hold.until
            }
        }
    }

    /// What the caller has when it is polled; nothing if it goes on waiting.
    fn turn(&mut self, n: usize) -> Option<(Got, Which, bool)> {
        let now = self.model.now;
        if !self.is_due(&self.waiters[n]) {
            return None;
        }
        let waiter = &self.waiters[n];
        let over = waiter.deadline.is_some_and(|deadline| deadline <= now);
        let left = waiter.deadline.map_or(ACQUIRE, |deadline| deadline.saturating_sub(now));
        let need = waiter.need;
        let turn = match waiter.state {
            State::Has(got, or_timeout) => return Some((got, Which::Newest, or_timeout)),
            State::Flight(..) if over => return Some((Err(None), Which::Newest, true)),
            State::CutOff if waiter.cut_off == 3 => return Some((Err(None), Which::Newest, false)),
            State::CutOff => {
                self.waiters[n].cut_off += 1;
                Now::newest(self.model.want(need, Some(left), None))
            }
            State::Flight(..) => Now::newest(self.model.want(need, Some(left), None)),
            State::Held(_) => {
                let request = waiter.request.expect("only requests are held");
                self.guide_again(request)
            }
        };
        let state = match turn {
            Now::Has(got, which) => return Some((got, which, false)),
            Now::Waits | Now::Held(_) => self.flight_state(),
        };
        let waiter = &mut self.waiters[n];
        waiter.state = state;
        waiter.deadline.get_or_insert(now + ACQUIRE);
        None
    }

    /// Polls whoever was woken, and only them.
    pub(crate) async fn woken(&mut self) {
        self.cut();
        while let Some(n) = self.waiters.iter().position(|waiter| waiter.call.is_woken()) {
            let turn = self.turn(n);
            match (self.waiters[n].call.poll(), turn) {
                (Poll::Ready(result), Some((expected, which, or_timeout))) => {
                    let request = self.waiters.swap_remove(n).request;
                    self.has(result, expected, which, request, or_timeout);
                }
                (Poll::Ready(result), None) => panic!("a caller got {result:?}, must wait"),
                (Poll::Pending, Some((expected, ..))) => panic!("waits, must have {expected:?}"),
                (Poll::Pending, None) => {}
            }
            self.settle().await;
            self.cut();
        }
        for waiter in &self.waiters {
            assert!(!self.is_due(waiter), "left behind: {:?}", waiter.state);
        }
    }

    /// Whether this was the last of them to end.
    pub(crate) fn poll_to_the_end(&mut self) {
        while let Some(n) = self.waiters.iter().position(|waiter| waiter.call.is_woken()) {
            if self.waiters[n].call.poll().is_ready() {
                drop(self.waiters.swap_remove(n));
            }
        }
    }
}
