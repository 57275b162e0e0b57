//! The quickstart's table as a test: every provider, both adapters, every scenario, the same code.

use oauth_examples::{Adapter, Scenario, play, table};
use oauth_testkit::Dialect;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_and_adapter_has_the_figures_of_every_scenario() {
    let mut rows = Vec::new();
    for dialect in Dialect::ALL {
        for adapter in Adapter::ALL {
            for scenario in Scenario::ALL {
                let row = play(dialect, adapter, scenario).await;
                rows.push(
                    row.unwrap_or_else(|e| panic!("{dialect} {adapter:?} {scenario:?}: {e:#}")),
                );
            }
        }
    }
    assert_eq!(rows.len(), 4 * 2 * 6);
    assert!(rows.iter().all(|row| row.off().is_none()), "\n{}", table(&rows));
}
