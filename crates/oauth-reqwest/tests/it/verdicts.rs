//! The verdict table through the middleware.

use oauth_core::{Outcome, Verdict};
use oauth_testkit::Fault;

use crate::world::{World, outcome};
use oauth_adapter_tests::verdict_table::TABLE;

#[tokio::test]
async fn every_response_of_the_table_is_delivered_or_replayed_as_it_says() {
    for row in TABLE {
        let world = World::new().await;
        let mut first = Fault::status(row.status).body("the first answer");
        for line in row.challenges {
            first = first.header("www-authenticate", line);
        }
        world.api.inject(first);
        let response = world.post(&world.client(), "x").send().await.unwrap();
        let name = format!("{} {:?}", row.status, row.challenges);
        if row.replayed {
            assert!(matches!(outcome(&response), Outcome::Replayed), "{name}");
            assert_eq!(response.status(), 200, "{name}");
            assert_eq!(world.counts(), (2, 1, 2), "{name}");
        } else {
            assert!(matches!(outcome(&response), Outcome::Attached), "{name}");
            assert_eq!(response.status(), row.status, "{name}");
            let lines = response.headers().get_all("www-authenticate").iter();
            assert!(lines.eq(row.challenges), "{name}");
            assert_eq!(response.text().await.unwrap(), "the first answer", "{name}");
            assert_eq!(world.api.requests(), 1, "{name}");
            assert_eq!(world.auth.token_requests(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn a_verdict_of_ones_own_can_replace_where_ours_would_deliver() {
    let world = World::new().await;
    world.api.inject(Fault::status(403));
    let middleware = world.middleware().verdict(|answer, ours| match answer.status.as_u16() {
        403 => Verdict::Replace,
        _ => ours,
    });
    let response = world.post(&world.client_with(middleware), "x").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(matches!(outcome(&response), Outcome::Replayed));
    assert_eq!(world.counts(), (2, 0, 2));
}

#[tokio::test]
async fn a_verdict_of_ones_own_can_deliver_where_ours_would_replace() {
    let world = World::revoked().await;
    let middleware = world.middleware().verdict(|_, _| Verdict::Deliver);
    let response = world.post(&world.client_with(middleware), "x").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(outcome(&response), Outcome::Attached));
    assert_eq!(world.counts(), (1, 1, 1));
}
