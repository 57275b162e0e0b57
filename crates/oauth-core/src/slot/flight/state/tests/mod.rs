//! The rules for refusals, one by one, at a state without tasks, locks and timers.

mod acceptance;
mod budgets;
mod hold;
mod not_now;
mod predecessor;
mod superseded;
mod targets;

use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::super::builder::Settings;
use super::super::completion::{Completion, FlightResult};
use super::super::entry::Entry;
use super::super::entry::Guidance;
use super::super::sent::Sent;
use super::super::target::Target;
use super::super::trigger::Trigger;
use super::{Again, Epochs, Fetched, FlightState, Guided, Publish, Refusal, Ruling, Ticket};
use crate::clock::Reading;
use crate::error::{Error, Kind};
use crate::token::Token;

const S: fn(u64) -> Duration = Duration::from_secs;

/// A state, what is published, and the time. Tokens are called by their generation: 1, 2, 3 …
struct Slot {
    state: FlightState,
    current: Option<Arc<Entry>>,
    now: Duration,
    epoch: u64,
    hasher: RandomState,
    secrets: u64,
}

/// What a refusal leads to.
#[derive(Debug, PartialEq)]
enum Then {
    /// The request is sent again with this token.
    Sends(u64),
    /// This flight was started.
    Flight(u64),
    Joins,
    /// The refusal is delivered; for so long nothing else is to be had, if that is known.
    Delivered(Option<Duration>),
}

/// What a request gets.
#[derive(Debug, PartialEq)]
enum Gets {
    Token(u64),
    Trial(u64),
    Held(Duration),
}

use Gets::{Held, Trial};
use Then::{Delivered, Flight, Joins, Sends};

/// What flights bring.
fn hour() -> Token {
    Token::bearer("-").unwrap().expires_in(S(3600))
}

impl Slot {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let least_interval = Duration::ZERO;
        Self {
            state: FlightState::new(
                1,
                Arc::new(Settings { seed: Some(1), least_interval, ..settings }),
            ),
            current: None,
            now: S(1000),
            epoch: 0,
            hasher: RandomState::new(),
            secrets: 0,
        }
    }

    /// With a token that was accepted at `/known`.
    fn accepted() -> Self {
        let mut slot = Self::new();
        slot.refresh();
        slot.accept_newest();
        slot
    }

    fn target(&self, path: &str) -> Target {
        Target::of(&self.hasher, &Method::GET, "https", "a.example", path)
    }

    fn pass(&mut self, seconds: u64) {
        self.now += S(seconds);
    }

    /// A request with the slot's token.
    fn send(&self) -> Sent {
        let entry = self.current.as_ref().unwrap();
        Sent::plainly(entry.generation, self.state.mark())
    }

    /// A second one.
    fn send_again(&self) -> Sent {
        self.send().as_second()
    }

    /// A request with the token before it, which was accepted.
    fn send_predecessor(&self) -> Sent {
        let entry = self.state.predecessor.as_ref().unwrap();
        Sent::plainly(entry.generation, self.state.mark())
    }

    fn accept(&mut self, sent: Sent, path: &str) {
        let target = self.target(path);
        self.state.accept(sent, target, self.current.as_ref(), self.now);
    }

    /// The slot's token is accepted at `/known`.
    fn accept_newest(&mut self) {
        self.accept(self.send(), "/known");
    }

    /// A first send was refused, and can be sent again.
    fn refuse(&mut self, sent: Sent, path: &str) -> Then {
        let target = self.target(path);
        self.rule(sent, target, Again::Possible)
    }

    /// It cannot be sent again.
    fn refuse_once(&mut self, sent: Sent, path: &str) -> Then {
        let target = self.target(path);
        self.rule(sent, target, Again::Impossible)
    }

    /// A second send was refused.
    fn refuse_again(&mut self, sent: Sent, path: &str) {
        let target = self.target(path);
        assert_eq!(self.rule(sent, target, Again::Done), Delivered(None));
    }

    fn rule(&mut self, sent: Sent, target: Target, again: Again) -> Then {
        let refusal = Refusal { sent, target, again };
        match self.state.rule(refusal, self.current.as_ref(), self.now, self.epoch) {
            Ruling::Send(entry, _) => Sends(entry.generation.number.get()),
            Ruling::Refresh(trigger) => self.want(trigger),
            Ruling::Deliver(error) => Delivered(error.and_then(|error| error.retry_after())),
        }
    }

    fn want(&mut self, trigger: Trigger) -> Then {
        let current = self.current.as_ref();
        if let Some(entry) = self.state.ready(trigger, current, self.now, self.epoch) {
            return Sends(entry.generation.number.get());
        }
        match self.state.ask(trigger, None, current, self.now, self.epoch) {
            Ok(Ticket::Start(spec, ..)) => Flight(spec.id),
            Ok(Ticket::Join(..)) => Joins,
            Err(error) => Delivered(error.retry_after()),
        }
    }

    /// How long refusals of the slot's token at this path start no flight.
    fn pause(&self, path: &str) -> Option<Duration> {
        let evidence = self.state.evidence.as_ref()?;
        let number = self.current.as_ref().unwrap().generation.number;
        evidence.pause(self.target(path), number, self.now)
    }

    /// Whether there is nothing that a refresh was charged with and did not get back.
    fn owes_nothing(&self) -> bool {
        let evidence = self.state.evidence.as_ref();
        evidence.is_none_or(|evidence| evidence.budgets.allow_hold(self.now))
    }

    /// A flight that a refusal at this path has started.
    fn renew(&mut self, path: &str) -> u64 {
        let then = self.refuse(self.send(), path);
        let Flight(id) = then else { panic!("{then:?}") };
        id
    }

    /// The same, and what it brings.
    fn renewed(&mut self, path: &str) -> u64 {
        let id = self.renew(path);
        self.land(id, hour()).unwrap()
    }

    /// Which token the flight brings; nothing if it was given up.
    fn land(&mut self, id: u64, token: Token) -> Option<u64> {
        self.secrets += 1;
        let life = token.lifetime();
        let mut other = Token::bearer(format!("s{}", self.secrets)).unwrap();
        if let Some(scope) = token.scope() {
            other = other.with_scope(scope);
        }
        let token = life.map_or(other.clone(), |life| other.expires_in(life));
        self.land_with(id, Ok(token)).map(|entry| entry.unwrap().generation.number.get())
    }

    /// A refresh on demand brings a token without any life, and this is a request of whoever waited for it.
    fn send_lifeless(&mut self) -> Sent {
        let id = self.start(Trigger::Demand);
        let token = hour().expires_in(Duration::ZERO);
        let entry = self.land_with(id, Ok(token)).unwrap().unwrap();
        Sent::plainly(entry.generation, self.state.mark())
    }

    /// The flight brings the slot's token once more.
    fn land_the_same(&mut self, id: u64) {
        let token = self.current.as_ref().unwrap().token.clone();
        self.land_with(id, Ok(token)).unwrap().unwrap();
    }

    fn fail(&mut self, id: u64) {
        let error = Error::new(Kind::Usage, "as the test says");
        let landed = self.land_with(id, Err(error)).unwrap();
        landed.unwrap_err();
    }

    /// The source has no other token for so long.
    fn put_off(&mut self, id: u64, wait: Duration) -> Error {
        let landed = self.land_with(id, Err(Error::not_now(wait))).unwrap();
        landed.unwrap_err()
    }

    fn land_with(&mut self, id: u64, result: Result<Token, Error>) -> Option<FlightResult> {
        let fetched = result.map(|token| Fetched { token, started: self.now });
        let epochs = Epochs { tried: self.epoch, now: self.epoch };
        let at = Reading::precise(self.now);
        let settled = self.state.settle(id, fetched, self.current.as_ref(), at, epochs)?;
        match settled.publish {
            Publish::Nothing => {}
            Publish::Token(entry) => self.current = Some(entry),
            Publish::Emptiness => self.current = None,
        }
        Some(settled.outcome)
    }

    fn start(&mut self, trigger: Trigger) -> u64 {
        let then = self.want(trigger);
        let Flight(id) = then else { panic!("{then:?}") };
        id
    }

    /// A newer token, on demand. No refusal has to do with it.
    fn refresh(&mut self) -> u64 {
        self.refresh_with(hour())
    }

    fn refresh_with(&mut self, token: Token) -> u64 {
        let id = self.start(Trigger::Demand);
        self.land(id, token).unwrap()
    }

    /// What a request that can be sent twice gets.
    fn get(&mut self, path: &str) -> Gets {
        self.guided(path).0
    }

    /// And what ends its wait, if it is held.
    fn guided(&mut self, path: &str) -> (Gets, Option<Completion>) {
        let (target, entry) = (self.target(path), self.current.clone().unwrap());
        match self.state.guide(target, true, &entry, self.now, self.epoch) {
            Guided::Token(entry, guidance) => {
                let number = entry.generation.number.get();
                let token = if guidance == Guidance::Trial { Trial } else { Gets::Token };
                (token(number), None)
            }
            Guided::Held(completion, left) => (Held(left), Some(completion)),
        }
    }
}
