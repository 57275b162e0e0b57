//! One provider's servers and a slot for its tokens.

use std::sync::Arc;
use std::time::Duration;

use oauth_core::grant::Grant;
use oauth_core::{
    Apiera, Ataccama, ClientAuth, Fuuffy, GrantSource, HyperTransport, Oleria, SlotBuilder,
    TokenSlot,
};
use oauth_reqwest::ReqwestTransport;
use oauth_testkit::{AuthServer, Dialect, ProtectedApi};

use crate::client::{Adapter, Client};

pub(crate) struct World {
    pub(crate) auth: AuthServer,
    pub(crate) api: ProtectedApi,
    pub(crate) slot: TokenSlot,
    pub(crate) client: Client,
}

/// How the slot's tokens age in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aging {
    /// As by default.
    Normal,
    /// A token of a minute is due for refresh from the start, one of a day is not.
    StaleAtOnce,
}

impl World {
    pub(crate) async fn new(
        dialect: Dialect,
        adapter: Adapter,
        aging: Aging,
        wrong_secret: bool,
    ) -> anyhow::Result<Self> {
        let auth = AuthServer::start(dialect).await?;
        let api = ProtectedApi::start(&auth).await?;
        let secret = if wrong_secret { "wrong".to_owned() } else { auth.client_secret() };
        let grant = grant(&auth, &api, ClientAuth::secret(auth.client_id(), secret))?;
        let mut builder = slot_builder(grant, adapter)?;
        if aging == Aging::StaleAtOnce {
            auth.set_lifetime(Duration::from_secs(60));
            builder = builder
                .refresh_window(Duration::from_secs(3600))
                .refresh_fraction(1.0)
                .least_interval(Duration::ZERO);
        }
        let slot = builder.build();
        let client = Client::new(adapter, slot.clone())?;
        Ok(Self { auth, api, slot, client })
    }

    /// Fetches the first token, then counts from zero.
    pub(crate) async fn warm_up(&self) -> anyhow::Result<()> {
        self.slot.prefetch().await?;
        self.auth.reset_counters();
        Ok(())
    }
}

/// The provider's grant, pointed at the servers on loopback.
fn grant(
    auth: &AuthServer,
    api: &ProtectedApi,
    client: ClientAuth,
) -> Result<Arc<dyn Grant>, oauth_core::Error> {
    Ok(match auth.dialect() {
        Dialect::Oleria => Arc::new(
            Oleria::builder(client)
                .authentication_url(auth.token_url())
                .api_url(api.base_url())
                .build()?,
        ),
        Dialect::Apiera => Arc::new(
            Apiera::builder(client)
                .organization(auth.organization())
                .token_url(auth.token_url())
                .api_url(api.base_url())
                .build()?,
        ),
        Dialect::Fuuffy => Arc::new(
            Fuuffy::builder(client).base_url(auth.base_url()).api_url(api.base_url()).build()?,
        ),
        Dialect::Ataccama => Arc::new(
            Ataccama::builder(client)
                .environment("acme")
                .realm(auth.realm())
                .base_url(auth.base_url())
                .api_url(api.base_url())
                .build()?,
        ),
    })
}

/// Each adapter with the token transport that its users would take.
fn slot_builder(grant: Arc<dyn Grant>, adapter: Adapter) -> Result<SlotBuilder, oauth_core::Error> {
    Ok(match adapter {
        Adapter::Tower => TokenSlot::builder(GrantSource::new(grant, HyperTransport::new()?)),
        Adapter::Reqwest => {
            let transport = ReqwestTransport::from_builder(reqwest::Client::builder().no_proxy())?;
            TokenSlot::builder(GrantSource::new(grant, transport))
        }
    })
}
