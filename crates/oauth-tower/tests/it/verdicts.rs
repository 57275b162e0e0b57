//! The verdict table through the layer.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use oauth_core::{Outcome, ReplayBody};
use oauth_tower::OAuthLayer;
use tower::{Layer, ServiceExt};

use crate::scripted::{Answer, Api, full, post};
use oauth_adapter_tests::issuer::{API, Issuer, settle};
use oauth_adapter_tests::verdict_table::TABLE;

#[tokio::test(start_paused = true)]
async fn every_response_of_the_table_is_delivered_or_replayed_as_it_says() {
    for row in TABLE {
        let issuer = Issuer::new();
        let mut first = Answer::status(row.status).body("the first answer");
        for line in row.challenges {
            first = first.header("www-authenticate", line);
        }
        let api = Api::<ReplayBody<Full<Bytes>>>::new([first]);
        let service = OAuthLayer::new(issuer.ready_slot().await).layer(api.clone());
        let response = service.oneshot(post(API, full("x"))).await.unwrap();
        settle().await;
        let name = format!("{} {:?}", row.status, row.challenges);
        let outcome = Outcome::of(response.extensions());
        if row.replayed {
            assert!(matches!(outcome, Outcome::Replayed), "{name}");
            assert_eq!(response.status(), 200, "{name}");
            assert_eq!((api.seen().len(), issuer.requests()), (2, 2), "{name}");
        } else {
            assert!(matches!(outcome, Outcome::Attached), "{name}");
            assert_eq!(response.status(), row.status, "{name}");
            let lines = response.headers().get_all("www-authenticate").iter();
            assert!(lines.eq(row.challenges), "{name}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, "the first answer", "{name}");
            assert_eq!((api.seen().len(), issuer.requests()), (1, 1), "{name}");
        }
    }
}
