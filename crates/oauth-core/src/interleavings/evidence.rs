//! Acceptances and refusals of one token that meet.

use shuttle::future;

use super::ends;
use super::issuer::{Issuer, Step};
use super::requests::{accept, first, send_again, send_at_once, send_with};

#[test]
fn an_acceptance_and_a_refusal_that_meet_lead_to_what_one_order_of_them_leads_to() {
    let ends = ends(|| {
        let issuer = Issuer::of(&[Step::Token]);
        let slot = issuer.slot();
        let issued = first(&slot);
        let [accepted, refused] = [(); 2].map(|()| send_with(&slot, &issued).1);
        let acceptance = future::spawn({
            let slot = slot.clone();
            async move { accept(&slot, accepted, "/a") }
        });
        let refusal = future::spawn({
            let slot = slot.clone();
            async move { send_again(&slot, refused, "/b").await.0 }
        });
        future::block_on(acceptance).expect("not aborted");
        let again = future::block_on(refusal).expect("not aborted");
        let newest = send_at_once(&slot).expect("a token is there");
        assert_eq!(newest.0, again);
        // Of a refresh someone has yet to say that it was accepted.
        (again, newest.1.is_settled(), issuer.fetches())
    });
    let either = [("token-1", true, 1), ("token-2", false, 2)];
    assert_eq!(
        ends,
        either.map(|(token, settled, fetches)| (token.into(), settled, fetches)).into()
    );
}
