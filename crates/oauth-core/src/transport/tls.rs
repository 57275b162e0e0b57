//! Which failures of rustls no later attempt can cure.
//!
//! Permanent is what stays until a certificate, the roots, the URL or the TLS settings of either side are
//! changed. Transient is what passes: a certificate that is not valid yet (or a clock that is set late in
//! the boot), a server in trouble, an aborted handshake. So is what is unclear: responses that are not TLS,
//! a peer that breaks the protocol, and everything not named below.

use rustls::AlertDescription as Alert;
use rustls::{CertificateError, Error};

const UNKNOWN_ISSUER: &str = "trust the root certificate of its issuer (a private CA, or a proxy that inspects TLS) in the \
     transport: for the default one by `HyperTransport::builder().roots_file(..)`, among the system's certificates or \
     in the file that SSL_CERT_FILE names";
const OTHER_VERIFIER: &str =
    "the transport's own verifier or revocation list refuses the certificate: see the cause";
const OTHER_NAME: &str = "the token URL must name a host that the certificate is for";
const EXPIRED: &str =
    "whoever runs the token endpoint must renew its certificate; check this machine's clock, too";
const CERTIFICATE: &str = "whoever runs the token endpoint must replace its certificate";
const NOTHING_IN_COMMON: &str =
    "the client and the server have no TLS version, cipher suite or protocol in common";
const CLIENT_CERTIFICATE: &str =
    "the server refuses the client certificate or wants one: it is set in the transport";
const REFUSED: &str = "the server does not know the host of the token URL, or refuses this client";

/// The advice where no later attempt helps.
pub(super) fn hint_if_permanent(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::InvalidCertificate(problem) => return of_certificate(problem),
        Error::AlertReceived(alert) => return of_alert(*alert),
        Error::NoCertificatesPresented => CERTIFICATE,
        Error::UnsupportedNameType => OTHER_NAME,
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => NOTHING_IN_COMMON,
        _ => return None,
    })
}

fn of_certificate(problem: &CertificateError) -> Option<&'static str> {
    Some(match problem {
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => return None,
        CertificateError::UnknownIssuer => UNKNOWN_ISSUER,
        // From the client's own list, or from a custom verifier.
        CertificateError::ExpiredRevocationList
        | CertificateError::UnknownRevocationStatus
        | CertificateError::ApplicationVerificationFailure
        | CertificateError::Other(_) => OTHER_VERIFIER,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            OTHER_NAME
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => EXPIRED,
        _ => CERTIFICATE,
    })
}

fn of_alert(alert: Alert) -> Option<&'static str> {
    Some(match alert {
        Alert::HandshakeFailure
        | Alert::ProtocolVersion
        | Alert::InsufficientSecurity
        | Alert::NoApplicationProtocol => NOTHING_IN_COMMON,
        Alert::NoCertificate
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::CertificateRequired => CLIENT_CERTIFICATE,
        Alert::AccessDenied | Alert::UnrecognisedName => REFUSED,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{InvalidMessage, OtherError, PeerIncompatible, PeerMisbehaved};

    use super::*;

    fn hint(error: impl Into<Error>) -> Option<&'static str> {
        hint_if_permanent(&error.into())
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn a_certificate_that_does_not_verify_is_permanent_unless_time_mends_it() {
        for (problem, expected) in [
            (CertificateError::UnknownIssuer, UNKNOWN_ISSUER),
            (
                CertificateError::Other(OtherError(std::sync::Arc::new(Error::DecryptError))),
                OTHER_VERIFIER,
            ),
            (CertificateError::NotValidForName, OTHER_NAME),
            (
                CertificateError::NotValidForNameContext {
                    expected: ServerName::try_from("auth.example").unwrap(),
                    presented: Vec::new(),
                },
                OTHER_NAME,
            ),
            (CertificateError::Expired, EXPIRED),
            (CertificateError::ExpiredContext { time: at(2), not_after: at(1) }, EXPIRED),
            (CertificateError::BadEncoding, CERTIFICATE),
            (CertificateError::Revoked, CERTIFICATE),
            (CertificateError::UnknownRevocationStatus, OTHER_VERIFIER),
            (CertificateError::ExpiredRevocationList, OTHER_VERIFIER),
            (CertificateError::BadSignature, CERTIFICATE),
            (CertificateError::UnhandledCriticalExtension, CERTIFICATE),
            (CertificateError::InvalidPurpose, CERTIFICATE),
            (CertificateError::ApplicationVerificationFailure, OTHER_VERIFIER),
        ] {
            assert_eq!(hint(problem.clone()), Some(expected), "{problem:?}");
        }
        for problem in [
            CertificateError::NotValidYet,
            CertificateError::NotValidYetContext { time: at(1), not_before: at(2) },
        ] {
            assert_eq!(hint(problem.clone()), None, "{problem:?}");
        }
    }

    #[test]
    fn an_alert_is_permanent_if_the_server_will_say_the_same_next_time() {
        for (alerts, expected) in [
            (
                &[
                    Alert::HandshakeFailure,
                    Alert::ProtocolVersion,
                    Alert::InsufficientSecurity,
                    Alert::NoApplicationProtocol,
                ][..],
                Some(NOTHING_IN_COMMON),
            ),
            (
                &[
                    Alert::NoCertificate,
                    Alert::BadCertificate,
                    Alert::UnsupportedCertificate,
                    Alert::CertificateRevoked,
                    Alert::CertificateExpired,
                    Alert::CertificateUnknown,
                    Alert::UnknownCA,
                    Alert::CertificateRequired,
                ],
                Some(CLIENT_CERTIFICATE),
            ),
            (&[Alert::AccessDenied, Alert::UnrecognisedName], Some(REFUSED)),
            (
                &[
                    Alert::CloseNotify,
                    Alert::UnexpectedMessage,
                    Alert::BadRecordMac,
                    Alert::RecordOverflow,
                    Alert::IllegalParameter,
                    Alert::DecodeError,
                    Alert::DecryptError,
                    Alert::InternalError,
                    Alert::UserCanceled,
                    Alert::Unknown(200),
                ],
                None,
            ),
        ] {
            for alert in alerts {
                assert_eq!(hint(Error::AlertReceived(*alert)), expected, "{alert:?}");
            }
        }
    }

    #[test]
    fn of_the_rest_what_the_settings_of_a_side_decide_is_permanent() {
        for (error, expected) in [
            (Error::NoCertificatesPresented, Some(CERTIFICATE)),
            (Error::UnsupportedNameType, Some(OTHER_NAME)),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                Some(NOTHING_IN_COMMON),
            ),
            (Error::NoApplicationProtocol, Some(NOTHING_IN_COMMON)),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), None),
            (Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived), None),
            (Error::DecryptError, None),
            (Error::FailedToGetCurrentTime, None),
            (Error::General("anything".into()), None),
        ] {
            assert_eq!(hint(error.clone()), expected, "{error:?}");
        }
    }
}
