//! Errors of rustls, in OpenSSL's words.

use cape_vm::{Raised, Vm};
use rustls::{CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::constants::ALERTS;
use crate::engine::{Engine, Failed};
use crate::error;

/// The exception for what made a connection fail.
#[cold]
#[track_caller]
pub fn raise(vm: &Vm, engine: &Engine, why: &Failed) -> Raised {
    let e = match why {
        Failed::Reason(r) => return error::reason(vm, r),
        Failed::Tls(e) => e,
    };
    match e {
        Error::AlertReceived(a) => {
            let n = u8::from(*a);
            let known = ALERTS.iter().find(|k| k.0 == n);
            let name = known.map_or_else(|| format!("UNKNOWN_ALERT_{n}"), |k| k.2.to_owned());
            error::reason(vm, &name)
        }
        Error::InvalidCertificate(CertificateError::BadSignature)
            if engine.outcome().is_none_or(|o| o.code == 0) =>
        {
            error::reason(vm, "BAD_SIGNATURE")
        }
        Error::InvalidCertificate(detail) => match engine.outcome() {
            Some(o) if o.code != 0 => error::refused(vm, o.code, &o.message),
            _ => error::refused(vm, aws_lc_sys::X509_V_ERR_UNSPECIFIED, &detail.to_string()),
        },
        e => error::reason(vm, &reason(e)),
    }
}

/// The reason that OpenSSL would give, where it has one.
fn reason(e: &Error) -> String {
    use PeerIncompatible as P;
    let known = match e {
        Error::NoCertificatesPresented => "PEER_DID_NOT_RETURN_A_CERTIFICATE",
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "UNEXPECTED_MESSAGE"
        }
        Error::DecryptError => "DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
        Error::PeerSentOversizedRecord => "ENCRYPTED_LENGTH_TOO_LONG",
        Error::NoApplicationProtocol => "NO_APPLICATION_PROTOCOL",
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "WRONG_VERSION_NUMBER",
        Error::InvalidMessage(InvalidMessage::MessageTooLarge) => "EXCESSIVE_MESSAGE_SIZE",
        Error::PeerIncompatible(p) => match p {
            P::NoCipherSuitesInCommon | P::NoKxGroupsInCommon | P::NoEcPointFormatsInCommon => {
                "NO_SHARED_CIPHER"
            }
            P::NoSignatureSchemesInCommon | P::NoCertificateRequestSignatureSchemesInCommon => {
                "NO_SUITABLE_SIGNATURE_ALGORITHM"
            }
            P::Tls12NotOffered
            | P::Tls12NotOfferedOrEnabled
            | P::ServerDoesNotSupportTls12Or13
            | P::ServerTlsVersionIsDisabledByOurConfig
            | P::SupportedVersionsExtensionRequired => "UNSUPPORTED_PROTOCOL",
            p => return screaming(&format!("{p:?}")),
        },
        // (A server without a certificate.)
        Error::General(_) => "NO_SUITABLE_SIGNATURE_ALGORITHM",
        Error::PeerMisbehaved(p) => return screaming(&format!("{p:?}")),
        Error::InvalidMessage(m) => return screaming(&format!("{m:?}")),
        e => return screaming(&format!("{e:?}")),
    };
    known.to_owned()
}

/// A name of Rust's (up to a bracket) as OpenSSL writes names.
fn screaming(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().take_while(|c| c.is_alphanumeric()) {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}
