//! What a refusal says, by what is known of the token: sent before it was accepted or after, with a
//! predecessor beside it or without, at one target or at two.

use std::sync::Arc;

use oauth_core::TokenSlot;

use crate::script::*;
use crate::sends::*;

/// A slot with an accepted token and a newer one that was fetched on demand.
async fn renewed(source: &Arc<Script>) -> TokenSlot {
    let slot = slot(source);
    let a = target(&slot, "/a");
    let (token, sent) = send(&slot, a).await;
    assert_eq!(token, "secret-1");
    slot.note_acceptance(sent, a);
    pass(secs(10)).await;
    slot.refresh().await.unwrap();
    slot
}

#[tokio::test(start_paused = true)]
async fn a_token_that_its_api_does_not_know_yet_is_tried_after_1_2_and_4_s_by_one_request_each() {
    let source = script([Step::token(HOUR)]);
    let slot = renewed(&source).await;
    let a = target(&slot, "/a");
    let (token, sent) = send(&slot, a).await;
    assert_eq!(token, "secret-2");
    assert_eq!(refused(&slot, sent, a).await.0, "secret-1");
    for pause in [1, 2, 4] {
        pass(secs(pause) - ms(10)).await;
        assert_eq!(send(&slot, a).await.0, "secret-1", "{pause}");
        pass(ms(10)).await;
        let (trial, sent) = send(&slot, a).await;
        assert_eq!(trial, "secret-2", "{pause}");
        // While it is on its way the others keep the predecessor.
        for _ in 0..3 {
            assert_eq!(send(&slot, a).await.0, "secret-1", "{pause}");
        }
        assert_eq!(refused(&slot, sent, a).await.0, "secret-1", "{pause}");
    }
    pass(secs(8)).await;
    let (trial, sent) = send(&slot, a).await;
    assert_eq!(trial, "secret-2");
    slot.note_acceptance(sent, a);
    pass(secs(8)).await;
    assert_eq!(send(&slot, a).await.0, "secret-2");
    assert_eq!(source.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_sent_twice_tries_no_token_that_was_refused() {
    let source = script([Step::token(HOUR)]);
    let slot = renewed(&source).await;
    let a = target(&slot, "/a");
    let (_, sent) = send(&slot, a).await;
    refused(&slot, sent, a).await;
    pass(secs(100)).await;
    let issued = slot.token_for(a, false, None).await.unwrap();
    assert_eq!(issued.expose_secret(), "secret-1");
    assert_eq!(send(&slot, a).await.0, "secret-2");
}

#[tokio::test(start_paused = true)]
async fn targets_that_refused_a_token_before_it_was_known_do_not_keep_it_from_being_a_predecessor()
{
    let source = script([Step::token(HOUR)]);
    let slot = renewed(&source).await;
    let (a, b) = (target(&slot, "/a"), target(&slot, "/b"));
    for target in [a, b] {
        let issued = slot.token().await.unwrap();
        let (token, sent) = send_again(&slot, &issued);
        assert_eq!(token, "secret-2");
        assert_eq!(refused(&slot, sent, target).await.0, "secret-1");
    }
    // Its API knows it now, and the next one is as late.
    pass(secs(61)).await;
    let (token, sent) = send(&slot, a).await;
    assert_eq!(token, "secret-2");
    slot.note_acceptance(sent, a);
    slot.refresh().await.unwrap();
    for target in [a, b] {
        let issued = slot.token().await.unwrap();
        let (token, sent) = send_again(&slot, &issued);
        assert_eq!(token, "secret-3");
        assert_eq!(refused(&slot, sent, target).await.0, "secret-2");
    }
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_an_acceptance_has_overtaken_goes_out_with_the_predecessor_or_the_same_token()
 {
    for with_predecessor in [true, false] {
        let source = script([Step::token(HOUR)]);
        let slot = if with_predecessor { renewed(&source).await } else { slot(&source) };
        let (a, public) = (target(&slot, "/a"), target(&slot, "/public"));
        let issued = slot.token().await.unwrap();
        let (_, late) = send_again(&slot, &issued);
        let (newest, accepted) = send_again(&slot, &issued);
        slot.note_acceptance(accepted, public);
        let expected = if with_predecessor { "secret-1" } else { &newest };
        assert_eq!(refused(&slot, late, a).await.0, expected);
        // It says nothing against the newest.
        assert_eq!(send(&slot, a).await.0, newest);
        assert_eq!(source.calls(), if with_predecessor { 2 } else { 1 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_helped_rules_the_token_before_it_out_for_all_targets() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let (one, two) = (target(&slot, "/1"), target(&slot, "/2"));
    let (_, sent) = send(&slot, one).await;
    slot.note_acceptance(sent, one);
    let (_, sent) = send(&slot, one).await;
    let (token, sent) = refused(&slot, sent, one).await;
    assert_eq!(token, "secret-2");
    slot.note_second_acceptance(sent, one);
    // The newer one is revoked, too, and another target sees it first.
    pass(secs(5)).await;
    let (_, sent) = send(&slot, two).await;
    assert_eq!(refused(&slot, sent, two).await.0, "secret-3");
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_did_not_help_its_target_leaves_the_predecessor_to_the_others() {
    let source = script([Step::token(HOUR)]);
    let slot = slot(&source);
    let (forbidden, a) = (target(&slot, "/forbidden"), target(&slot, "/a"));
    let (_, sent) = send(&slot, a).await;
    slot.note_acceptance(sent, a);
    let (_, sent) = send(&slot, forbidden).await;
    let (token, sent) = refused(&slot, sent, forbidden).await;
    assert_eq!(token, "secret-2");
    slot.note_second_refusal(sent, forbidden);
    let (_, sent) = send(&slot, a).await;
    assert_eq!(refused(&slot, sent, a).await.0, "secret-1");
    assert_eq!(source.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refused_the_predecessor_is_not_paused_when_it_refuses_the_newest_as_well() {
    let source = script([Step::token(HOUR)]);
    let slot = renewed(&source).await;
    let a = target(&slot, "/a");
    let (_, first) = send(&slot, a).await;
    slot.note_acceptance(first, a);
    // Both are revoked. One request meets the newest and then the predecessor, another the two the other
    // way round.
    let (_, sent) = send(&slot, a).await;
    let (token, sent) = refused(&slot, sent, a).await;
    assert_eq!(token, "secret-1");
    let (other, other_sent) = send(&slot, a).await;
    assert_eq!(other, "secret-1");
    slot.note_second_refusal(sent, a);
    let (token, sent) = refused(&slot, other_sent, a).await;
    assert_eq!(token, "secret-2");
    slot.note_second_refusal(sent, a);
    // No refresh has failed to help yet.
    let issued = slot.token().await.unwrap();
    let (_, sent) = send_again(&slot, &issued);
    assert_eq!(refused(&slot, sent, a).await.0, "secret-3");
    assert_eq!(source.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_life_that_is_not_kept_changes_nothing_for_the_one_that_stays() {
    let source = script([Step::token(HOUR), Step::token(HOUR), Step::token(secs(0))]);
    let slot = renewed(&source).await;
    let a = target(&slot, "/a");
    let (_, sent) = send(&slot, a).await;
    refused(&slot, sent, a).await;
    for pause in [1, 2] {
        pass(secs(pause)).await;
        let (trial, sent) = send(&slot, a).await;
        assert_eq!(trial, "secret-2");
        refused(&slot, sent, a).await;
    }
    // Its next trial is in 4 s.
    assert_eq!(slot.refresh().await.unwrap().expose_secret(), "secret-3");
    assert_eq!(secret(&slot).await, "secret-2");
    assert_eq!(send(&slot, a).await.0, "secret-1");
}
