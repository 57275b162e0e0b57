//! The settings of the default transport.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use tower_service::Service;
use zeroize::Zeroizing;

use super::HyperTransport;
use super::connector::{HyperConnector, Route, Tcp};
use super::tls::{Identity, Pem, TlsSettings};
use crate::error::{BoxError, Error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const AGENT: &str = concat!("oauth-core/", env!("CARGO_PKG_VERSION"));

/// What the grant or the connection decides.
const TAKEN: [HeaderName; 6] =
    [AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING];

#[derive(Clone, Default)]
enum Proxy {
    #[default]
    None,
    Url {
        url: String,
        except: String,
    },
    Environment,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Versions {
    #[default]
    Both,
    Http1,
    Http2,
}

/// Settings of a [`HyperTransport`], from [`HyperTransport::builder`].
///
/// ```
/// # fn demo() -> Result<(), oauth_core::Error> {
/// use oauth_core::{ClientAuth, GrantSource, HyperTransport, Oleria, TokenSlot};
///
/// let transport = HyperTransport::builder()
///     .roots_file("/etc/ssl/private-ca.pem")
///     .proxy_from_env()
///     .build()?;
/// let grant = Oleria::builder(ClientAuth::secret("id", "secret"))
///     .authentication_url("https://auth.example.com/oauth2/token")
///     .api_url("https://devx.acme.oleria.io")
///     .build()?;
/// // The API's client: the same roots and proxy.
/// let connector = transport.connector();
/// let slot = TokenSlot::new(GrantSource::new(grant, transport));
/// # drop((connector, slot));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing before `build`"]
pub struct HyperTransportBuilder {
    tls: TlsSettings,
    tls_config: Option<Arc<ClientConfig>>,
    proxy: Proxy,
    agent: String,
    headers: HeaderMap,
    connect_timeout: Duration,
    versions: Versions,
    tcp: Option<Tcp>,
}

impl HyperTransportBuilder {
    pub(super) fn new() -> Self {
        Self {
            tls: TlsSettings::default(),
            tls_config: None,
            proxy: Proxy::None,
            agent: AGENT.into(),
            headers: HeaderMap::new(),
            connect_timeout: CONNECT_TIMEOUT,
            versions: Versions::Both,
            tcp: None,
        }
    }

    /// Adds the root certificates of a PEM file to the system's, for a private CA. The file is read by
    /// [`build`](Self::build), once.
    pub fn roots_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.roots.push(Pem::File(path.into()));
        self
    }

    /// Adds root certificates in PEM to the system's.
    pub fn roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.roots.push(Pem::Bytes(Zeroizing::new(pem.into())));
        self
    }

    /// Trusts the added roots alone. Default: the system's as well, or those of the file that
    /// `SSL_CERT_FILE` names.
    pub fn without_system_roots(mut self) -> Self {
        self.tls.without_system = true;
        self
    }

    /// Sets the client certificate, with its chain, and its key (PKCS#8, PKCS#1 or SEC1, not encrypted), for
    /// mutual TLS. The PEM files are read by [`build`](Self::build), once. Default: none.
    pub fn identity_files(
        mut self,
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        let (certificates, key) = (Pem::File(certificates.into()), Pem::File(key.into()));
        self.tls.identity = Some(Identity { certificates, key });
        self
    }

    /// The same from PEM text that has both.
    pub fn identity_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        let pem = Pem::Bytes(Zeroizing::new(pem.into()));
        self.tls.identity = Some(Identity { certificates: pem.clone(), key: pem });
        self
    }

    /// Sets the whole TLS configuration, in place of roots and identity; its ALPN protocols are replaced.
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls_config = Some(config);
        self
    }

    /// Sends token requests through this proxy, by `CONNECT`: `http://user:password@proxy.example:3128`, or
    /// https. Never those to loopback. Default: no proxy.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        let except = match self.proxy {
            Proxy::Url { except, .. } => except,
            _ => String::new(),
        };
        self.proxy = Proxy::Url { url: url.into(), except };
        self
    }

    /// Sets which hosts are reached without the [`proxy`](Self::proxy), as in `NO_PROXY`: names with their
    /// subdomains, addresses and networks, separated by commas.
    pub fn no_proxy(mut self, hosts: impl Into<String>) -> Self {
        let url = match self.proxy {
            Proxy::Url { url, .. } => url,
            _ => String::new(),
        };
        self.proxy = Proxy::Url { url, except: hosts.into() };
        self
    }

    /// Takes the proxy from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the same in lower
    /// case, as curl does. They are read by [`build`](Self::build). Default: they are ignored.
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = Proxy::Environment;
        self
    }

    /// Sets the `User-Agent`. Default: `oauth-core/` and its version; some firewalls answer requests
    /// without one with 403.
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// Adds a header to each token request, unless the grant sends one of that name.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the time limit for a TCP connection, through a proxy if there is one. Default: 5 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Offers HTTP/1.1 alone. Default: both, and the server chooses.
    pub fn http1_only(mut self) -> Self {
        self.versions = Versions::Http1;
        self
    }

    /// Offers HTTP/2 alone, and speaks it without TLS as well.
    pub fn http2_only(mut self) -> Self {
        self.versions = Versions::Http2;
        self
    }

    /// Sets how TCP connections are made, below proxy and TLS: hyper-util's `HttpConnector` with a resolver of
    /// your own (after `enforce_http(false)`), say. Default: an `HttpConnector` with `TCP_NODELAY` and the
    /// system's resolver.
    pub fn tcp_connector<C>(mut self, connector: C) -> Self
    where
        C: Service<Uri> + Clone + Send + Sync + 'static,
        C::Response: Read + Write + Connection + Send + Unpin + 'static,
        C::Future: Send,
        C::Error: Into<BoxError>,
    {
        self.tcp = Some(Tcp::new(connector));
        self
    }

    /// Builds the transport. Needs no runtime until it is called.
    ///
    /// # Errors
    /// Names the setting that is wrong: a file that cannot be read or is not PEM, a key that does not fit, a
    /// proxy that is no http or https URL, a header that is not the transport's to set.
    pub fn build(self) -> Result<HyperTransport, Error> {
        let headers = self.checked_headers()?;
        let proxy = self.matcher()?;
        let tls = match &self.tls_config {
            Some(_) if !self.tls.is_default() => {
                let problem = "replaces roots and identity: set either it or those";
                return Err(Error::setting("tls_config", problem));
            }
            Some(config) => config.clone(),
            None => self.tls.config()?,
        };
        let alpn: &[&[u8]] = match self.versions {
            Versions::Both => &[b"h2", b"http/1.1"],
            Versions::Http1 => &[b"http/1.1"],
            Versions::Http2 => &[b"h2"],
        };
        let with_alpn = |protocols: &[&[u8]]| {
            let mut config = ClientConfig::clone(&tls);
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
            Arc::new(config)
        };
        let tcp = self.tcp.unwrap_or_else(|| {
            let mut tcp = HttpConnector::new();
            // TLS comes above it.
            tcp.enforce_http(false);
            tcp.set_connect_timeout(Some(self.connect_timeout));
            tcp.set_nodelay(true);
            Tcp::new(tcp)
        });
        let (proxy_tls, limit) = (with_alpn(&[]), self.connect_timeout);
        let connector =
            HyperConnector::new(Route { tcp, proxy, proxy_tls, limit }, with_alpn(alpn));
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .http2_only(self.versions == Versions::Http2)
            .build(connector.clone());
        Ok(HyperTransport { client, connector, headers: Arc::new(headers) })
    }

    /// What is added to each request.
    fn checked_headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = self.headers.clone();
        if let Some(name) = TAKEN.iter().find(|name| headers.contains_key(*name)) {
            let problem = format!("must not be `{name}`: the grant or the connection sets it");
            return Err(Error::setting("header", problem));
        }
        let agent = HeaderValue::from_str(&self.agent).ok().filter(|agent| !agent.is_empty());
        let problem = "is empty or has characters that a header cannot have";
        let agent = agent.ok_or_else(|| Error::setting("user_agent", problem))?;
        headers.entry(USER_AGENT).or_insert(agent);
        // A response is read as it comes.
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        Ok(headers)
    }

    fn matcher(&self) -> Result<Option<Arc<Matcher>>, Error> {
        match &self.proxy {
            Proxy::None => Ok(None),
            Proxy::Environment => Ok(Some(Arc::new(Matcher::from_env()))),
            Proxy::Url { url, .. } if url.is_empty() => {
                Err(Error::setting("no_proxy", "has no effect without `proxy`"))
            }
            Proxy::Url { url, except } => {
                let is_http = |scheme: Option<&str>| matches!(scheme, Some("http" | "https"));
                let parsed = url.parse::<Uri>().ok();
                // Never the URL itself: it may have a password.
                parsed.filter(|url| is_http(url.scheme_str()) && url.host().is_some()).ok_or_else(
                    || Error::setting("proxy", "must be an absolute http or https URL"),
                )?;
                let matcher = Matcher::builder().all(url.clone()).no(except.clone()).build();
                Ok(Some(Arc::new(matcher)))
            }
        }
    }
}

impl fmt::Debug for HyperTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys, a proxy's password and headers may be secrets.
        f.debug_struct("HyperTransportBuilder").finish_non_exhaustive()
    }
}
