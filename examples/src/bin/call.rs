//! One call to a real provider's API, through the layer, with the settings in the environment.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::{Parser, ValueEnum};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_core::grant::Grant;
use oauth_core::{
    Apiera, Ataccama, ClientCredentials, Fuuffy, Oleria, OnForeignOrigin, Outcome, TokenSlot,
};
use oauth_tower::OAuthLayer;
use tower::{ServiceBuilder, ServiceExt};

/// Makes one call with a token of a provider, and prints status and body. Exits with 1 if the status is
/// not 2xx or there was no response.
#[derive(Debug, Parser)]
struct Options {
    /// Whose token; its settings come from the environment (see .env.example).
    #[arg(long, value_enum)]
    provider: Provider,
    /// The method, GET and such.
    method: Method,
    /// The URL, on the provider's API host.
    url: Uri,
    /// The body.
    #[arg(long)]
    data: Option<String>,
    /// The body's content type.
    #[arg(long, default_value = "application/json")]
    content_type: String,
    /// Tells the token's lifetime (never the token) and what happened to the request.
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Provider {
    Oleria,
    Apiera,
    Fuuffy,
    Ataccama,
    /// Any RFC 6749 server: the settings are `OAUTH_*`.
    Generic,
}

fn grant(provider: Provider) -> Result<Arc<dyn Grant>, oauth_core::Error> {
    Ok(match provider {
        Provider::Oleria => Arc::new(Oleria::from_env()?),
        Provider::Apiera => Arc::new(Apiera::from_env()?),
        Provider::Fuuffy => Arc::new(Fuuffy::from_env()?),
        Provider::Ataccama => Arc::new(Ataccama::from_env()?),
        Provider::Generic => Arc::new(ClientCredentials::from_env()?),
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    match call(Options::parse()).await {
        Ok(status) if status.is_success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            // In one line, whatever the environment says of backtraces.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn call(options: Options) -> anyhow::Result<StatusCode> {
    let slot = TokenSlot::for_grant(grant(options.provider)?)?;
    // Before the secret goes anywhere: a wrong URL is wrong without a token, too.
    let (scheme, authority) = (options.url.scheme_str(), options.url.authority());
    let home = slot.origins();
    anyhow::ensure!(
        home.is_declared(),
        "it is not declared where the token may go: set OAUTH_API_URL to the API's URL"
    );
    anyhow::ensure!(
        home.admit(scheme.unwrap_or(""), authority.map_or("", |a| a.as_str()), None),
        "{}://{} is not the API that the token is for: {home}",
        scheme.unwrap_or("(no scheme)"),
        options.url.host().unwrap_or("(no host)")
    );
    let token = slot.prefetch().await?;
    if options.verbose {
        let lifetime = token.lifetime().map_or("no end".into(), |life| format!("{life:?}"));
        eprintln!("token: {lifetime}, scope: {}", token.scope().unwrap_or("as asked"));
    }

    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .context("the system's certificates")?
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .build();
    // A URL that is not the provider's API would go without a token: say so instead.
    let oauth = OAuthLayer::new(slot).on_foreign_origin(OnForeignOrigin::Refuse);
    let client = ServiceBuilder::new()
        .timeout(Duration::from_secs(60))
        .layer(oauth.clone())
        .layer(oauth.guard())
        .service(Client::builder(TokioExecutor::new()).build(connector));

    let mut request = Request::builder().method(options.method).uri(options.url);
    if options.data.is_some() {
        request = request.header(http::header::CONTENT_TYPE, &options.content_type);
    }
    let body = Full::new(Bytes::from(options.data.unwrap_or_default()));
    let response = client.oneshot(request.body(body)?).await.map_err(anyhow::Error::from_boxed)?;

    let (status, outcome) = (response.status(), Outcome::of(response.extensions()));
    if options.verbose {
        eprintln!("outcome: {outcome:?}");
    }
    let body = response.into_body().collect().await?.to_bytes();
    println!("{status}");
    std::io::stdout().write_all(&body)?;
    println!();
    Ok(status)
}
