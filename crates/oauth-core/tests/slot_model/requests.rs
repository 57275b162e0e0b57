//! Requests: which token they get, and what their end says.

use std::time::Duration;

use http::HeaderMap;
use oauth_core::adapter::Authorized;

use crate::callers::{Now, Request, UnderWay};
use crate::evidence::UNKNOWN;
use crate::model::{ACQUIRE, Trigger};
use crate::ops::End;
use crate::play::Play;
use crate::rules::{Again, Ruling, Sent, Which};

impl Play {
    pub(crate) async fn call(&mut self, need: Trigger, coarse: bool) {
        let slot = self.slot().clone();
        let expected = Now::newest(self.model.request(need, None));
        let call = async move {
            match need {
                Trigger::Prefetch => slot.prefetch().await,
                _ => slot.token().await,
            }
        };
        self.start(call, need, None, expected, coarse).await;
    }

    /// What a refusal means for a caller that wants another token.
    fn renewed(&mut self, sent: Sent, target: u8) -> (Trigger, Now) {
        match self.model.refused(sent, target, Again::Possible) {
            Ruling::Send(generation, which) => (Trigger::Age, Now::Has(Ok(generation), which)),
            Ruling::Deliver(wait) => (Trigger::Age, Now::Has(Err(wait), Which::Newest)),
            Ruling::Renew(need) => (need, Now::newest(self.model.want(need, Some(ACQUIRE), None))),
        }
    }

    /// The same for one that waits for nothing: the error's `retry_after`.
    pub(crate) fn noted(&mut self, sent: Sent, target: u8) -> Option<Option<Duration>> {
        match self.model.refused(sent, target, Again::Impossible) {
            Ruling::Send(..) | Ruling::Deliver(None) => None,
            Ruling::Deliver(Some(wait)) => Some(Some(wait)),
            Ruling::Renew(need) => self.model.want(need, None, None).and_then(Result::err),
        }
    }

    pub(crate) async fn replace(&mut self, back: u64, coarse: bool) {
        let Some((model, real)) = self.names.back(back) else { return };
        let slot = self.slot().clone();
        let (need, expected) = self.renewed(Sent::unknown(model), UNKNOWN);
        let call = async move { slot.replace(real).await };
        self.start(call, need, None, expected, coarse).await;
    }

    pub(crate) async fn request(&mut self, request: Request) {
        let slot = self.slot().clone();
        let target = self.targets[usize::from(request.target)];
        let at_once = (!self.model.guides()).then(|| self.model.look(None)).flatten();
        match (slot.authorize(&mut HeaderMap::new()), at_once) {
            (Authorized::Attached(real), Some(generation)) => {
                let sent = self.model.send(generation, Which::Newest);
                self.sent(request, sent, real);
            }
            (Authorized::Empty, None) => {
                let expected = self.guide(request);
                let call = async move { slot.token_for(target, request.repeatable, None).await };
                self.start(call, Trigger::Age, Some(request), expected, false).await;
            }
            (real, expected) => panic!("{real:?}, must get {expected:?}"),
        }
    }

    pub(crate) async fn ended(&mut self, ended: UnderWay, end: End) {
        let UnderWay { request, mut sent, mut real } = ended;
        let slot = self.slot().clone();
        let target = self.targets[usize::from(request.target)];
        match end {
            End::Mute => {
                slot.note_acceptance(real.without_weight(), target);
                return;
            }
            End::Accepted | End::AcceptedThenRefused if request.second => {
                slot.note_second_acceptance(real, target);
                self.model.accepted(sent, request.target, false);
            }
            End::Accepted | End::AcceptedThenRefused => {
                if !real.is_settled() {
                    slot.note_acceptance(real, target);
                    self.model.accepted(sent, request.target, true);
                }
            }
            End::Refused => {}
        }
        if let End::Accepted = end {
            return;
        }
        if let End::AcceptedThenRefused = end {
            real = real.once_accepted();
            sent = Sent::unknown(sent.generation);
        }
        if request.second {
            slot.note_second_refusal(real, target);
            let _ = self.model.refused(sent, request.target, Again::Done);
        } else if request.repeatable {
            let (need, expected) = self.renewed(sent, request.target);
            let again = Request { second: true, ..request };
            let call = async move { slot.after_refusal(real, target, None, None).await };
            self.start(call, need, Some(again), expected, false).await;
        } else {
            let result =
                slot.note_refusal(real, target, None).err().map(|error| error.retry_after());
            assert_eq!(result, self.noted(sent, request.target), "a refusal that is noted");
        }
    }
}
