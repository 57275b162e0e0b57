//! The TLS configuration of the default transport.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use crate::error::{Error, Kind};

/// PEM text, or the file that has it.
#[derive(Clone)]
pub(super) enum Pem {
    /// Wiped, because it may have a private key.
    Bytes(Zeroizing<Vec<u8>>),
    File(PathBuf),
}

/// A client certificate and its key.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) certificates: Pem,
    pub(super) key: Pem,
}

/// Which roots are trusted, and how this side proves itself.
#[derive(Clone, Default)]
pub(super) struct TlsSettings {
    pub(super) roots: Vec<Pem>,
    pub(super) without_system: bool,
    pub(super) identity: Option<Identity>,
}

impl TlsSettings {
    pub(super) fn is_default(&self) -> bool {
        self.roots.is_empty() && !self.without_system && self.identity.is_none()
    }

    /// Without ALPN. The configuration of the defaults is made once in a process: to read the system's
    /// certificates takes tens of milliseconds.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        static DEFAULT: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        if !self.is_default() {
            return Ok(Arc::new(self.built(self.roots()?)?));
        }
        if let Some(config) = DEFAULT.get() {
            return Ok(config.clone());
        }
        let roots = self.roots()?;
        let is_usable = !roots.is_empty();
        let config = Arc::new(self.built(roots)?);
        // Without roots it is of no use to anyone: they are looked for again the next time.
        Ok(if is_usable { DEFAULT.get_or_init(|| config).clone() } else { config })
    }

    fn roots(&self) -> Result<RootCertStore, Error> {
        let mut roots = match self.without_system {
            true => RootCertStore::empty(),
            false => system_roots(self.roots.is_empty()),
        };
        for pem in &self.roots {
            for certificate in certificates("roots", pem)? {
                let added = roots.add(certificate);
                added.map_err(|error| unusable("roots", pem, "has a bad certificate", &error))?;
            }
        }
        if self.without_system && roots.is_empty() {
            let problem =
                "are none: with `without_system_roots`, add some by `roots_file` or `roots_pem`";
            return Err(Error::setting("roots", problem));
        }
        Ok(roots)
    }

    fn built(&self, roots: RootCertStore) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::new(Kind::Usage, "the TLS provider has no usable version"))?
            .with_root_certificates(roots);
        let Some(Identity { certificates: chain, key }) = &self.identity else {
            return Ok(config.with_no_client_auth());
        };
        let certificates = certificates("identity", chain)?;
        let bytes = key.read("identity")?;
        let secret = PrivateKeyDer::from_pem_slice(&bytes)
            .map_err(|error| unusable("identity", key, "has no private key", &error))?;
        config
            .with_client_auth_cert(certificates, secret)
            .map_err(|error| unusable("identity", key, "does not fit the certificate", &error))
    }
}

impl Pem {
    fn read(&self, setting: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::File(path) => std::fs::read(path)
                .map(Zeroizing::new)
                .map_err(|error| unusable(setting, self, "cannot be read", &error)),
        }
    }

    /// For errors: never what it contains.
    fn name(&self) -> String {
        match self {
            Self::Bytes(_) => "the PEM text".into(),
            Self::File(path) => shown(path),
        }
    }
}

fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

fn certificates(setting: &str, pem: &Pem) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = pem.read(setting)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| unusable(setting, pem, "is not PEM", &error))?;
    if found.is_empty() {
        let problem = format!(
            "{} has no certificate: it must have `-----BEGIN CERTIFICATE-----` (PEM; convert DER with \
             `openssl x509 -inform der`)",
            pem.name()
        );
        return Err(Error::setting(setting, problem));
    }
    Ok(found)
}

fn unusable(setting: &str, pem: &Pem, problem: &str, error: &dyn std::error::Error) -> Error {
    Error::setting(setting, format_args!("{} {problem}: {error}", pem.name()))
}

fn system_roots(alone: bool) -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    roots_of(found.certs, found.errors.len(), alone)
}

/// `alone`: there are no others.
pub(super) fn roots_of(
    certificates: Vec<CertificateDer<'_>>,
    errors: usize,
    alone: bool,
) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (usable, broken) = roots.add_parsable_certificates(certificates);
    if usable == 0 && alone {
        tracing::warn!(
            errors,
            broken,
            "the system has no usable root certificates: https to a token endpoint will fail"
        );
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_roots_are_read_once_and_their_configuration_is_shared() {
        let settings = TlsSettings::default();
        let (one, two) = (settings.config().unwrap(), settings.config().unwrap());
        assert!(Arc::ptr_eq(&one, &two));
    }
}
